package server

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// For how long it holds who a caller was found to be. What is taken from a caller is
// gone after relied, identifying and parting together, which is five seconds, however
// long the request goes on and whether or not the caller reads.
const (
	// Promptly is what holds at the turns of a request: when its body has come, and
	// when its reply begins. What comes sooner is as if it had come at once.
	Promptly    = time.Second
	relied      = 3 * time.Second         // in between
	identifying = 1500 * time.Millisecond // finding out may take; then the caller is nobody
	parting     = 500 * time.Millisecond  // a response that has begun may take to end; then it is cut
)

// standing is what is known of who makes a request while it is served. It finds that
// out anew every few seconds: a request that waits for its turn, works for long or
// streams for hours is worth no more than one that is made later. Who may no longer
// do what the request is for has its context cancelled and nothing more written, and
// loses what lies on the way.
type standing struct {
	auth   *auth.Authenticator
	may    func(context.Context, cairn.Viewer, []cairn.DocumentID) (bool, error) // read documents
	log    *slog.Logger
	route  Route
	req    *http.Request // as it came; its context ends with the request
	done   context.CancelFunc
	conn   net.Conn // nil: not known
	writer *pacedWriter
	entry  *audit.Entry
	relied time.Duration
	cancel context.CancelCauseFunc

	turn    chan struct{} // full while somebody reads or changes what follows, or finds it out
	taken   auth.Identity
	found   auth.Identity // what is known now; taken is what the handler knows
	lost    bool          // found may not read all that is shown any more
	at      time.Time     // when it was asked for
	further []func(context.Context, auth.Identity) error

	mu      sync.Mutex // guards what follows; who has the turn may take it
	timer   *time.Timer
	asks    bool  // the handler asks by itself whether something has changed
	shown   bool  // something of what the request is for was written
	refused error // why the caller may not any more, for good
	blocked error // why something was not written
	unheard bool  // the handler has not asked since something has changed
	altered bool  // what is shown is up to others than what was shown at first
	leaving bool  // nothing may be on its way any more when parting is over
	parting *time.Timer
	severed bool
	over    bool
}

type standingKey struct{}

// stand begins to watch over a request of id, who was asked for at a time; whole is the
// request without the limit of time that its handler has. release ends that.
func (s *Server) stand(c *gin.Context, r Route, whole *http.Request, entry *audit.Entry, id auth.Identity, at time.Time) (st *standing, release func()) {
	inner := c.Writer
	life, done := context.WithCancel(whole.Context())
	st = &standing{
		auth: s.cfg.Auth, may: s.cfg.Readable, log: s.cfg.Log, route: r, req: whole.WithContext(life), done: done, conn: connOf(life),
		entry: entry, relied: s.relied, taken: id, found: id, at: at, turn: make(chan struct{}, 1),
	}
	st.writer, _ = inner.(*pacedWriter)
	var ctx context.Context
	ctx, st.cancel = context.WithCancelCause(c.Request.Context())
	ctx = context.WithValue(auth.NewContext(ctx, id), standingKey{}, st)
	c.Writer = &permittedWriter{inner, st}
	c.Request = c.Request.WithContext(ctx)
	c.Request.Body = &lateBody{c.Request.Body, st}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.timer = time.AfterFunc(st.relied-time.Since(at), st.watch)
	return st, func() {
		c.Writer = inner
		st.settle()
		st.end()
	}
}

// enter waits for the turn of the caller, which ends with leave.
func (s *standing) enter() (leave func()) {
	s.turn <- struct{}{}
	return func() { <-s.turn }
}

// end returns when nobody finds out anything any more.
func (s *standing) end() {
	s.cancel(nil)
	s.done()
	s.mu.Lock()
	s.over = true
	s.timer.Stop()
	if s.parting != nil {
		s.parting.Stop()
	}
	s.mu.Unlock()
	s.enter()()
}

// watch finds out anew who the caller is, now and whenever that is due.
func (s *standing) watch() {
	leave := s.enter()
	err, next := s.checkLocked(s.relied), s.relied-time.Since(s.at)
	leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && !s.over {
		s.timer.Reset(next)
	}
}

// check returns nil when the caller may do what the request is for, as it was known
// for no longer than age, or is found out now.
func (s *standing) check(age time.Duration) error {
	defer s.enter()()
	return s.checkLocked(age)
}

func (s *standing) checkLocked(age time.Duration) error {
	over, refused := s.state()
	switch {
	case over:
		return context.Canceled
	case refused != nil || time.Since(s.at) < age:
		return refused
	}
	at := time.Now()
	now, lost, err := s.identify()
	switch {
	case err == nil:
		s.found, s.lost, s.at = now, lost, at
		return s.sawOther()
	case s.req.Context().Err() != nil: // there is nobody to be refused any more
		return err
	}
	return s.refuse(err)
}

// state returns whether the request is over, and why the caller was refused, if so.
func (s *standing) state() (over bool, refused error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over, s.refused
}

// errChanged is for who may see something else than the response was made of.
var errChanged = cairn.Errorf(cairn.ErrConflict, "what you may do has changed since the request began; send it again")

// sawOther ends a response that shows what the caller may not see any more. A handler
// that asks has a moment to end it by itself.
func (s *standing) sawOther() error {
	if !s.seesOther() {
		return nil
	}
	s.mu.Lock()
	shown, asks := s.shown, s.asks
	if shown && asks {
		s.unheard = true
		s.part()
	}
	s.mu.Unlock()
	if shown && !asks {
		return s.refuse(errChanged)
	}
	return nil
}

// refuse ends what the caller may do with the request, and returns err.
func (s *standing) refuse(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused, s.leaving = err, true
	s.cancel(err)
	s.part()
	return err
}

// part cuts the connection in a moment, unless all is well by then.
func (s *standing) part() {
	switch {
	case s.over:
	case s.parting == nil:
		s.parting = time.AfterFunc(parting, s.cut)
	default:
		s.parting.Reset(parting)
	}
}

// cut ends the connection of a caller who may not see what is on its way: a writer that
// waits for its reader to go on would hand it over whenever that is.
func (s *standing) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown && !s.over && (s.leaving || s.unheard) {
		s.severLocked()
	}
}

func (s *standing) severLocked() {
	s.severed = true
	switch {
	case s.conn != nil: // before a writer fails, and the server ends the connection in order
		sever(s.conn)
	case s.writer != nil:
		s.writer.deadline(time.Unix(1, 0))
	}
}

// settle waits until what was written is with the reader, for as long as it might
// still be taken back: when the caller may see no more of it, until her machine says so,
// else until her machine has room for it.
func (s *standing) settle() {
	if s.conn == nil || !s.unsettled() {
		return
	}
	s.writer.Flush()
	left, since := math.MaxInt, time.Now()
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		n, known := s.remaining()
		if n < left {
			left, since = n, time.Now()
		}
		if s.settled(n, known, time.Since(since)) {
			return
		}
		time.Sleep(wait)
	}
}

// remaining returns how many bytes settle waits for; not known when the system does not tell.
func (s *standing) remaining() (n int, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return unsent(s.conn)
	}
	return unaccepted(s.conn)
}

// unsettled reports whether there is something to wait for. For a reader who did not
// accept something there is not.
func (s *standing) unsettled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.altered && !s.leaving {
		s.leaving = true
		s.part()
	}
	if s.writer == nil || !s.shown {
		return false
	}
	if s.writer.broken {
		s.severLocked()
		return false
	}
	if s.leaving || s.writer.Size() > held {
		return true
	}
	n, _ := unaccepted(s.conn)
	return n > 0
}

// held is how much of a reply net/http holds until its handler has ended. Less is waited
// for only when the reader has no room for the replies before it.
const held = 2048

// settled reports whether there is nothing to wait for any more when n bytes are on
// their way, and none arrived for a time.
func (s *standing) settled(n int, known bool, idle time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if idle > patience {
		s.severLocked()
	}
	return s.severed || known && n == 0 || !known && !s.leaving
}

// identify says who the caller is now, and whether she has lost a document that is shown
// to her. It fails also when it panics: it may run in a goroutine of its own, where
// nobody else would notice.
func (s *standing) identify() (id auth.Identity, lost bool, err error) {
	ctx, cancel := context.WithTimeout(s.req.Context(), identifying)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			id, lost, err = auth.Identity{}, false, fmt.Errorf("identify the caller: panic: %v", p)
			s.log.ErrorContext(ctx, "the caller of a request is not known any more",
				slog.String("request_id", requestID(ctx)), slog.Any("error", err), slog.String("stack", string(debug.Stack())))
		}
	}()
	now, err := s.auth.Identify(s.req.WithContext(ctx))
	if err != nil {
		return auth.Identity{}, false, err
	}
	if err := now.Permit(s.route.Scope, s.route.Role); err != nil {
		return auth.Identity{}, false, err
	}
	for _, f := range s.further {
		if err := f(ctx, now); err != nil {
			return auth.Identity{}, false, err
		}
	}
	lost, err = s.lostSome(ctx, now.Viewer)
	return now, lost, err
}

// lostSome reports whether v may not read all of the documents any more that are shown:
// their permissions have changed, or they are gone.
func (s *standing) lostSome(ctx context.Context, v cairn.Viewer) (bool, error) {
	documents := s.entry.Documents()
	if len(documents) == 0 || !s.shows() {
		return false, nil
	}
	if s.may == nil {
		return true, nil
	}
	readable, err := s.may(ctx, v, documents)
	if err != nil {
		return false, fmt.Errorf("what may be read of a reply: %w", err)
	}
	return !readable, nil
}

// unchanged is check for what rests on all that the handler knows of the caller.
func (s *standing) unchanged(age time.Duration) error {
	defer s.enter()()
	if err := s.checkLocked(age); err != nil {
		return err
	}
	if s.changed() {
		return errChanged
	}
	return nil
}

// changed reports whether the caller is another than the handler knows: has another
// role or sees other documents.
func (s *standing) changed() bool {
	return s.taken.Account.Role != s.found.Account.Role || s.seesOther()
}

// seesOther reports whether the caller has other keys or grants than the handler knows,
// or may not read any more what it shows, where what is shown is up to that.
func (s *standing) seesOther() bool {
	a, b := s.taken.Viewer, s.found.Viewer
	return s.shows() && (s.lost || !slices.Equal(a.Keys, b.Keys) || !slices.Equal(a.Grants, b.Grants))
}

// shows reports whether what the route shows is up to what the caller may read.
func (s *standing) shows() bool {
	return s.route.Shows || s.route.Scope == cairn.ScopeSearch || s.route.Scope == cairn.ScopeAsk || s.route.Scope == cairn.ScopeRead
}

// verdict returns how a request has ended whose handler has returned err.
func (s *standing) verdict(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
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
// handler knew, or a document that is shown cannot be read any more; from now on it knows. The error says why the caller may no longer do
// what the request is for.
func Reidentify(c *gin.Context, age time.Duration) (changed bool, err error) {
	s, _ := c.Request.Context().Value(standingKey{}).(*standing)
	if s == nil {
		return false, cairn.ErrUnauthenticated
	}
	defer s.enter()()
	s.mu.Lock()
	s.asks = true
	s.mu.Unlock()
	if err := s.checkLocked(age); err != nil {
		return false, err
	}
	if changed = s.changed(); changed {
		s.heard()
		s.taken, s.lost = s.found, false
		s.entry.Under(s.found.Viewer.Grants)
		c.Request = c.Request.WithContext(auth.NewContext(c.Request.Context(), s.found))
	}
	return changed, nil
}

// heard notes that the handler knows of what has changed.
func (s *standing) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unheard, s.altered = false, s.altered || s.shown && s.seesOther()
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
