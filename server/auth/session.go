package auth

import (
	"context"
	"net/http"
	"time"
)

// How long a browser stays signed in, and how long without a request, where
// nothing else is set.
const (
	sessionMax  = 30 * 24 * time.Hour
	sessionIdle = 7 * 24 * time.Hour
)

// cookieName returns the name of the session cookie.
func (a *Authenticator) cookieName() string { return a.named("cairn_session") }

// named returns the name of a cookie. The prefix makes browsers refuse the cookie
// unless it is Secure, for this host alone and for every path.
func (a *Authenticator) named(name string) string {
	if a.secure {
		return "__Host-" + name
	}
	return name
}

// startWith signs the browser of a request in as the account of s: it stores the
// session under the hash of the secret and puts the secret into the cookie. A session
// that the browser had before ends, so that nobody who knew its cookie has the new one.
func (a *Authenticator) startWith(w http.ResponseWriter, r *http.Request, s Session, secret string) error {
	ctx, now := r.Context(), a.now()
	if err := a.endSession(ctx, r); err != nil {
		return err
	}
	s.Created, s.Expires, s.Used = now, now.Add(a.max), now
	if err := a.store.CreateSession(ctx, HashOf(secret), s); err != nil {
		return err
	}
	browser, err := a.rememberBrowser(r, s.Account)
	if err != nil {
		return err
	}
	http.SetCookie(w, a.cookie(a.cookieName(), secret, a.max))
	if browser != nil {
		http.SetCookie(w, browser)
	}
	return nil
}

// sessionEnd returns when a session ends if there is no further request. Limits
// that were lowered hold for the sessions that there are.
func (a *Authenticator) sessionEnd(s Session) time.Time {
	end := s.Expires
	for _, limit := range []time.Time{s.Created.Add(a.max), s.Used.Add(a.idle)} {
		if limit.Before(end) {
			end = limit
		}
	}
	return end
}

func (a *Authenticator) endSession(ctx context.Context, r *http.Request) error {
	cookie, err := r.Cookie(a.cookieName())
	if err != nil {
		return nil //nolint:nilerr // the browser has no session
	}
	return a.store.DeleteSession(ctx, HashOf(cookie.Value))
}

// SignOut ends the session of the request, if it has one, deletes the cookie
// and tells the browser to forget what it stored of this site, but for the cookie by which
// accounts know the browser: "cookies" would take it, and those of other sites of the
// domain.
func (a *Authenticator) SignOut(w http.ResponseWriter, r *http.Request) error {
	if err := a.endSession(r.Context(), r); err != nil {
		return err
	}
	http.SetCookie(w, a.cookie(a.cookieName(), "", -time.Second))
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return nil
}

// cookie returns a cookie that scripts cannot read and that pages of other sites
// send along with a link alone. A lifetime below zero deletes it.
func (a *Authenticator) cookie(name, value string, lifetime time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(lifetime / time.Second),
		HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteLaxMode,
	}
}
