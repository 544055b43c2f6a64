package oidctest

import (
	"encoding/json"
	"net/http"
	"time"
)

// Access is an access token that is asked for.
type Access struct {
	Subject  string
	Audience any    // a string, or a list
	Header   Edit   // before it is signed
	Claims   Edit   // likewise
	Forged   bool   // signed with a key that only an attacker has, under the name of the issuer's
	Scope    string // words; empty: no such claim
}

// AccessToken returns an access token as in RFC 9068, which is valid for five minutes by
// the issuer's clock.
func (i *Issuer) AccessToken(a Access) string {
	i.t.Helper()
	var made struct{ Token string }
	i.tell("POST", "/issuers/"+i.id+"/access", a, &made)
	return made.Token
}

// makeAccess makes an access token.
func (i *issuer) makeAccess(w http.ResponseWriter, r *http.Request) {
	var a Access
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now, k := i.now(), i.keys[len(i.keys)-1]
	claims := map[string]any{
		"iss": i.url, "aud": a.Audience, "sub": a.Subject, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "client_id": "editor", "jti": "1",
	}
	if a.Scope != "" {
		claims["scope"] = a.Scope
	}
	header := map[string]any{"alg": k.algorithm(), "kid": k.id, "typ": "at+jwt"}
	a.Header.edit(header)
	a.Claims.edit(claims)
	if a.Forged {
		var err error
		if k, err = attackersKey(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	sendJSON(w, http.StatusOK, map[string]string{"Token": k.sign(header, claims)})
}
