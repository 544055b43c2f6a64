package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// sessionTTL is how long a browser stays signed in.
const sessionTTL = 30 * 24 * time.Hour

// cookieName returns the name of the session cookie. The prefix makes browsers
// refuse the cookie unless it is Secure, for this host alone and for every path.
func (a *Authenticator) cookieName() string {
	if a.secure {
		return "__Host-cairn_session"
	}
	return "cairn_session"
}

// startWith signs a browser in as an account: it stores a session under the
// hash of the secret and puts the secret into the cookie.
func (a *Authenticator) startWith(ctx context.Context, w http.ResponseWriter, account cairn.AccountID, secret string) error {
	now := a.now()
	s := Session{Account: account, Created: now, Expires: now.Add(sessionTTL)}
	if err := a.store.CreateSession(ctx, HashOf(secret), s); err != nil {
		return err
	}
	http.SetCookie(w, a.cookie(secret, int(sessionTTL/time.Second)))
	return nil
}

// SignOut ends the session of the request, if it has one, deletes the cookie
// and tells the browser to forget what it stored of this site.
func (a *Authenticator) SignOut(w http.ResponseWriter, r *http.Request) error {
	if cookie, err := r.Cookie(a.cookieName()); err == nil {
		if err := a.store.DeleteSession(r.Context(), HashOf(cookie.Value)); err != nil {
			return err
		}
	}
	http.SetCookie(w, a.cookie("", -1))
	w.Header().Set("Clear-Site-Data", `"cache", "cookies", "storage"`)
	return nil
}

func (a *Authenticator) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: a.cookieName(), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteLaxMode,
	}
}
