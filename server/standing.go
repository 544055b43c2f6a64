package server

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// For how long it holds who a caller was found to be. What is taken from a caller is
// gone after relied and identifying together, which is five seconds, however long the
// request goes on.
const (
	// Promptly is what holds at the turns of a request: when its body has come, and
	// when its reply begins. What comes sooner is as if it had come at once.
	Promptly    = time.Second
	relied      = 3 * time.Second // in between
	identifying = 2 * time.Second // finding out may take; then the caller is nobody
)

// standing is what is known of who makes a request while it is served. It finds that
// out anew every few seconds: a request that waits for its turn, works for long or
// streams for hours is worth no more than one that is made later. Who may no longer
// do what the request is for has its context cancelled and nothing more written.
type standing struct {
	auth   *auth.Authenticator
	route  Route
	req    *http.Request // as it came
	entry  *audit.Entry
	relied time.Duration
	cancel context.CancelCauseFunc

	turn    chan struct{} // full while somebody reads or changes what follows
	taken   auth.Identity
	found   auth.Identity // what is known now; taken is what the handler knows
	at      time.Time     // when it was asked for
	further []func(context.Context, auth.Identity) error
	refused error // why the caller may not any more, for good
	blocked error // why something was not written
	timer   *time.Timer
	over    bool
}

type standingKey struct{}

// stand begins to watch over a request of id, who was asked for at a time. release
// ends that.
func (s *Server) stand(c *gin.Context, r Route, entry *audit.Entry, id auth.Identity, at time.Time) (st *standing, release func()) {
	st = &standing{
		auth: s.cfg.Auth, route: r, req: c.Request, entry: entry, relied: s.relied, taken: id, found: id, at: at,
		turn: make(chan struct{}, 1),
	}
	var ctx context.Context
	ctx, st.cancel = context.WithCancelCause(c.Request.Context())
	ctx = context.WithValue(auth.NewContext(ctx, id), standingKey{}, st)
	inner := c.Writer
	c.Writer = &permittedWriter{inner, st}
	c.Request = c.Request.WithContext(ctx)
	c.Request.Body = &lateBody{c.Request.Body, st}
	defer st.enter()()
	st.timer = time.AfterFunc(st.relied-time.Since(at), st.watch)
	return st, func() {
		c.Writer = inner
		st.end()
	}
}

// enter waits for the turn of the caller, which ends with leave.
func (s *standing) enter() (leave func()) {
	s.turn <- struct{}{}
	return func() { <-s.turn }
}

func (s *standing) end() {
	s.cancel(nil)
	defer s.enter()()
	s.over = true
	s.timer.Stop()
}

// watch finds out anew who the caller is, now and whenever that is due.
func (s *standing) watch() {
	if s.check(s.relied) != nil {
		return
	}
	defer s.enter()()
	if !s.over {
		s.timer.Reset(s.relied - time.Since(s.at))
	}
}

// check returns nil when the caller may do what the request is for, as it was known
// for no longer than age, or is found out now.
func (s *standing) check(age time.Duration) error {
	defer s.enter()()
	return s.checkLocked(age)
}

func (s *standing) checkLocked(age time.Duration) error {
	if s.refused != nil || time.Since(s.at) < age {
		return s.refused
	}
	at := time.Now()
	now, err := s.identify()
	switch {
	case err == nil:
		s.found, s.at = now, at
		return nil
	case s.req.Context().Err() != nil: // there is nobody to be refused any more
		return err
	}
	s.refused = err
	s.cancel(err)
	return err
}

func (s *standing) identify() (auth.Identity, error) {
	ctx, cancel := context.WithTimeout(s.req.Context(), identifying)
	defer cancel()
	now, err := s.auth.Identify(s.req.WithContext(ctx))
	if err != nil {
		return auth.Identity{}, err
	}
	if err := now.Permit(s.route.Scope, s.route.Role); err != nil {
		return auth.Identity{}, err
	}
	for _, f := range s.further {
		if err := f(ctx, now); err != nil {
			return auth.Identity{}, err
		}
	}
	return now, nil
}

// unchanged is check for what rests on all that the handler knows of the caller.
func (s *standing) unchanged(age time.Duration) error {
	defer s.enter()()
	if err := s.checkLocked(age); err != nil {
		return err
	}
	if s.changed() {
		return cairn.Errorf(cairn.ErrConflict, "what you may do has changed since the request began; send it again")
	}
	return nil
}

// changed reports whether the caller is another than the handler knows: has another
// role or, where what is shown is up to them, other keys or grants.
func (s *standing) changed() bool {
	a, b := s.taken, s.found
	if a.Account.Role != b.Account.Role {
		return true
	}
	shows := s.route.Scope == cairn.ScopeSearch || s.route.Scope == cairn.ScopeAsk || s.route.Scope == cairn.ScopeRead
	return shows && (!slices.Equal(a.Viewer.Keys, b.Viewer.Keys) || !slices.Equal(a.Viewer.Grants, b.Viewer.Grants))
}

// verdict returns how a request has ended whose handler has returned err.
func (s *standing) verdict(err error) error {
	defer s.enter()()
	switch {
	case s.blocked != nil:
		return s.blocked
	case err != nil && s.refused != nil: // else it would have been done
		return s.refused
	}
	return err
}

// Reidentify finds out anew who makes the request, unless that is known for less than
// age, and reports whether the caller's role, keys or grants are others than the
// handler knew; from now on it knows. The error says why the caller may no longer do
// what the request is for.
func Reidentify(c *gin.Context, age time.Duration) (changed bool, err error) {
	s, _ := c.Request.Context().Value(standingKey{}).(*standing)
	if s == nil {
		return false, cairn.ErrUnauthenticated
	}
	defer s.enter()()
	if err := s.checkLocked(age); err != nil {
		return false, err
	}
	if changed = s.changed(); changed {
		s.taken = s.found
		s.entry.Under(s.found.Viewer.Grants)
		c.Request = c.Request.WithContext(auth.NewContext(c.Request.Context(), s.found))
	}
	return changed, nil
}

// PermitWhile makes a condition part of what the caller must fulfil for as long as the
// request is served: it is asked for, beside scope and role, whenever the caller is
// identified anew. It is called by one goroutine at a time, not always that of the
// handler, which has asked for it once by itself.
func PermitWhile(c *gin.Context, condition func(ctx context.Context, id auth.Identity) error) {
	s, _ := c.Request.Context().Value(standingKey{}).(*standing)
	if s == nil {
		return // nobody is watched who is not known
	}
	defer s.enter()()
	s.further = append(s.further, condition)
}

// Unguarded returns the writer of a response, also for a caller who may see nothing
// more: for the words of the program that say so.
func Unguarded(c *gin.Context) gin.ResponseWriter {
	if w, ok := c.Writer.(*permittedWriter); ok {
		return w.ResponseWriter
	}
	return c.Writer
}
