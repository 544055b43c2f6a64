package oidctest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// token exchanges a code for tokens.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
		i.refuse(w, http.StatusBadRequest, "invalid_request", "parameters belong into the body")
		return
	}
	if problem := i.client(r); problem != "" {
		i.refuse(w, http.StatusUnauthorized, "invalid_client", problem)
		return
	}
	form := r.PostForm
	if form.Get("grant_type") != "authorization_code" {
		i.refuse(w, http.StatusBadRequest, "unsupported_grant_type", "")
		return
	}
	g, ok := i.codes[form.Get("code")]
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch {
	case !ok || i.now().After(g.until):
		i.refuse(w, http.StatusBadRequest, "invalid_grant", "unknown or expired code")
	case g.used && !i.settings.Behaviour.Forgetful:
		i.refuse(w, http.StatusBadRequest, "invalid_grant", "the code was used before")
	case g.redirect != form.Get("redirect_uri"):
		i.refuse(w, http.StatusBadRequest, "invalid_grant", "another redirect_uri")
	case len(form.Get("code_verifier")) < 43 || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		i.refuse(w, http.StatusBadRequest, "invalid_grant", "code_verifier does not fit")
	default:
		g.used = true
		i.issue(w, g)
	}
}

func (i *issuer) refuse(w http.ResponseWriter, status int, code, description string) {
	i.problems = append(i.problems, code+": "+description)
	sendJSON(w, status, map[string]string{"error": code, "error_description": description})
}

// client checks the authentication of the client by the one registered method.
func (i *issuer) client(r *http.Request) string {
	user, password, basic := r.BasicAuth()
	_, inBody := r.PostForm["client_secret"]
	switch {
	case i.settings.ClientSecret == "":
		if basic || inBody || r.PostForm.Get("client_id") != i.settings.ClientID {
			return "a public client sends its client_id alone"
		}
		return ""
	case i.settings.Behaviour.Method == "client_secret_post":
		if basic || r.PostForm.Get("client_id") != i.settings.ClientID || r.PostForm.Get("client_secret") != i.settings.ClientSecret {
			return "wrong client_secret_post"
		}
		return ""
	case inBody:
		return "the secret is in the body, too"
	}
	// RFC 6749, 2.3.1: both are form-encoded before they are joined.
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	if !basic || err1 != nil || err2 != nil || id != i.settings.ClientID || secret != i.settings.ClientSecret {
		return "wrong client_secret_basic"
	}
	return ""
}

// issue sends an ID token about the person of a code.
func (i *issuer) issue(w http.ResponseWriter, g *grant) {
	now := i.now()
	access := rand.Text()
	sum := sha256.Sum256([]byte(access))
	claims := map[string]any{
		"iss": i.url, "aud": i.settings.ClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": g.nonce,
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	maps.Copy(claims, g.person)
	info := map[string]any{"sub": g.person["sub"]}
	maps.Copy(info, i.settings.Behaviour.UserInfo)
	i.access[access] = info
	k := i.keys[len(i.keys)-1]
	header := map[string]any{"alg": k.algorithm(), "kid": k.id, "typ": "JWT"}
	i.settings.Behaviour.Header.edit(header)
	i.settings.Behaviour.Claims.edit(claims)
	if i.settings.Behaviour.Forged {
		var err error
		if k, err = attackersKey(); err != nil {
			i.refuse(w, http.StatusInternalServerError, "server_error", err.Error())
			return
		}
	}
	reply := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": k.sign(header, claims)}
	sendJSON(w, http.StatusOK, reply)
}

func (i *issuer) userInfo(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	info, known := i.access[token]
	if !ok || !known || i.settings.Behaviour.UserInfo == nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	sendJSON(w, http.StatusOK, info)
}
