package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth/oidc"
)

// OIDC is an issuer at which people sign in, and which of them are let in.
type OIDC struct {
	Provider *oidc.Provider
	Label    string // what people call the issuer
	Joining  Joining
}

// attemptTTL is how long a person may take at the issuer.
const attemptTTL = 10 * time.Minute

// attempt is what a browser keeps while the person is at the issuer.
type attempt struct {
	oidc.Attempt
	Next  string    `json:"next"`
	Until time.Time `json:"until"`
}

// OIDCLabel returns what people call the issuer; empty when there is none.
func (a *Authenticator) OIDCLabel() string {
	if a.oidc == nil {
		return ""
	}
	return a.oidc.Label
}

// OIDCProblem returns why nobody can sign in at the issuer at the moment, in words
// for people; empty when somebody can. It waits for ctx at most.
func (a *Authenticator) OIDCProblem(ctx context.Context) string {
	if a.oidc == nil || a.oidc.Provider.Ready(ctx) == nil {
		return ""
	}
	return RefusedDown.Error()
}

// BeginOIDC returns the address of the issuer to which the browser is to be sent,
// and gives the browser a cookie by which it is recognised when it comes back. next
// is where the person wants to be afterwards. Errors are ErrNotFound without an
// issuer, and RefusedDown.
func (a *Authenticator) BeginOIDC(w http.ResponseWriter, r *http.Request, next string) (string, error) {
	if a.oidc == nil {
		return "", cairn.ErrNotFound
	}
	made := attempt{oidc.NewAttempt(), LocalPath(next), a.now().Add(attemptTTL)}
	location, err := a.oidc.Provider.AuthURL(r.Context(), made.Attempt)
	if err != nil {
		return "", a.refuse(r, RefusedDown, err)
	}
	text, err := json.Marshal(made)
	if err != nil {
		return "", err
	}
	http.SetCookie(w, a.cookie(a.attemptCookie(), base64.RawURLEncoding.EncodeToString(text), attemptTTL))
	return location, nil
}

// FinishOIDC signs in the person whom the issuer sent back, and returns where they
// want to be: a path of this server. The cookie of BeginOIDC is used up, whatever
// comes of it. Errors are Refused, *Limited, ErrNotFound without an issuer, or
// failures of the store; all but the last are logged.
func (a *Authenticator) FinishOIDC(w http.ResponseWriter, r *http.Request) (string, error) {
	if a.oidc == nil {
		audit.FromContext(r.Context()).Drop()
		return "", cairn.ErrNotFound
	}
	http.SetCookie(w, a.cookie(a.attemptCookie(), "", -time.Second))
	query := r.URL.Query()
	made, err := a.attemptOf(r, query)
	if err != nil {
		audit.FromContext(r.Context()).Drop() // anybody can come without an attempt
		return "", a.refuse(r, RefusedStale, err)
	}
	if err := a.callbacks.allow(networkOf(a.ClientAddr(r))); err != nil {
		return "", a.refuse(r, RefusedLimited, err)
	}
	claims, err := a.redeem(r, query, made)
	if err != nil {
		return "", err
	}
	person := a.oidc.Joining.person(claims)
	person.Once, person.Until = HashOf(made.Nonce), made.Until
	account, err := a.store.SignInPerson(r.Context(), person, a.now())
	if refused := Refused(""); errors.As(err, &refused) {
		return "", a.refuse(r, refused, errors.New("by what is known of the account"), slog.String("subject", claims.Subject))
	}
	if err != nil {
		return "", err
	}
	if err := a.accounts.allow(string(account)); err != nil {
		return "", a.refuse(r, RefusedLimited, err)
	}
	return made.Next, a.startWith(w, r, Session{Account: account, By: Proof{Person: Subject{person.Issuer, person.Subject}}}, newSessionSecret())
}

func (a *Authenticator) attemptCookie() string { return a.named("cairn_oidc") }

// attemptOf returns the attempt of the browser, if it is the one that the issuer
// answers.
func (a *Authenticator) attemptOf(r *http.Request, query url.Values) (attempt, error) {
	cookie, err := r.Cookie(a.attemptCookie())
	if err != nil {
		return attempt{}, errors.New("the browser has not begun to sign in")
	}
	var made attempt
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || json.Unmarshal(text, &made) != nil || made.State == "" || made.Nonce == "" {
		return attempt{}, errors.New("the cookie cannot be read")
	}
	if !a.now().Before(made.Until) || made.Until.After(a.now().Add(attemptTTL)) {
		return attempt{}, errors.New("the attempt is too old")
	}
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(query[name]) > 1 {
			return attempt{}, errors.New("a parameter is given twice")
		}
	}
	if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(made.State)) != 1 {
		return attempt{}, errors.New("the state is another one")
	}
	made.Next = LocalPath(made.Next)
	return made, nil
}

// redeem returns what the issuer says of the person who came back.
func (a *Authenticator) redeem(r *http.Request, query url.Values, made attempt) (oidc.Claims, error) {
	ctx := r.Context()
	if err := a.oidc.Provider.CheckIssuer(ctx, query.Get("iss")); err != nil {
		return oidc.Claims{}, a.refuse(r, reasonOf(err), err)
	}
	switch code := query.Get("error"); code {
	case "":
	case "access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required":
		return oidc.Claims{}, a.refuse(r, RefusedCancelled, issuerSays(query))
	case "server_error", "temporarily_unavailable":
		return oidc.Claims{}, a.refuse(r, RefusedDown, issuerSays(query))
	default:
		return oidc.Claims{}, a.refuse(r, RefusedIssuer, issuerSays(query))
	}
	if query.Get("code") == "" {
		return oidc.Claims{}, a.refuse(r, RefusedInvalid, errors.New("there is no code"))
	}
	claims, err := a.oidc.Provider.Redeem(ctx, query.Get("code"), made.Attempt)
	if err != nil {
		return oidc.Claims{}, a.refuse(r, reasonOf(err), err)
	}
	return claims, nil
}

// issuerSays quotes an error with which the issuer sent a browser back.
func issuerSays(query url.Values) error {
	return errors.New(oidc.Line(query.Get("error") + " " + query.Get("error_description")))
}

func reasonOf(err error) Refused {
	switch {
	case errors.Is(err, oidc.ErrUnreachable):
		return RefusedDown
	case errors.Is(err, oidc.ErrCode):
		return RefusedStale
	case errors.Is(err, oidc.ErrRejected):
		return RefusedIssuer
	}
	return RefusedInvalid
}

// refuse logs why somebody is not signed in, for the administrator, and returns
// the reason for the person.
func (a *Authenticator) refuse(r *http.Request, reason Refused, cause error, attrs ...slog.Attr) error {
	attrs = append(attrs, slog.String("reason", string(reason)), slog.Any("cause", cause), slog.String("client", a.ClientAddr(r)))
	a.log.LogAttrs(r.Context(), slog.LevelWarn, "sign-in at the issuer refused", attrs...)
	return reason
}

// maxNext bounds what a cookie has to hold.
const maxNext = 1000

// LocalPath returns next when it is a path of this server at which a page can be,
// with its query; else "/". Nothing that a browser could read as another host passes.
func LocalPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > maxNext || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) ||
		u.Scheme != "" || u.Host != "" || u.User != nil || u.Path != u.JoinPath().Path || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	for _, prefix := range []string{"/api/", "/login"} { // no page, or this one again
		if strings.HasPrefix(u.Path, prefix) {
			return "/"
		}
	}
	return next
}
