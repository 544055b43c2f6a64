package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
)

// watched is a server with one route, whose store counts how often somebody is
// identified, and may stop to answer.
type watched struct {
	*testing.T
	*authtest.Store
	server *Server
	ann    cairn.Account
	token  string
	asked  atomic.Int32
	hangs  atomic.Bool
	panics atomic.Bool
	log    *bytes.Buffer // to be read when nothing is served
}

func (w *watched) TokenByHash(ctx context.Context, hash auth.Hash) (cairn.Token, auth.Holder, error) {
	w.asked.Add(1)
	if w.panics.Load() {
		panic("a defect")
	}
	if w.hangs.Load() {
		<-ctx.Done()
		return cairn.Token{}, auth.Holder{}, ctx.Err()
	}
	if ctx.Err() != nil {
		return cairn.Token{}, auth.Holder{}, ctx.Err()
	}
	return w.Store.TokenByHash(ctx, hash)
}

// newWatched serves a route to ann, an administrator in the group finance.
func newWatched(t *testing.T, r Route) *watched {
	t.Helper()
	w := &watched{T: t, Store: authtest.New(), log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	a, err := auth.New(auth.Config{Store: w, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	r.Method, r.Path = http.MethodPost, "/work"
	w.server, err = New(Config{Auth: a, Routes: []Route{r}, Log: log, Ready: func(context.Context) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	w.ann = w.Add(cairn.Account{Email: "ann@acme.com", Role: cairn.RoleAdmin}, "finance")
	w.token = w.Token(w.ann.ID, time.Now(), cairn.ScopeAdmin)
	return w
}

// reply is a response while it is written.
type reply struct {
	header http.Header
	mu     sync.Mutex
	status int
	body   bytes.Buffer
	ended  chan struct{}
	broken bool
}

func (r *reply) Header() http.Header { return r.header }
func (r *reply) WriteHeader(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *reply) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body.Write(b)
}

func (r *reply) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body.String()
}

// send sends a request of ann's in the background.
func (w *watched) send() *reply {
	req := httptest.NewRequestWithContext(w.Context(), http.MethodPost, "/work", strings.NewReader("body"))
	req.Header.Set("Authorization", "Bearer "+w.token)
	r := &reply{header: http.Header{}, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		defer func() { r.broken = recover() != nil }()
		w.server.Handler().ServeHTTP(r, req)
	}()
	return r
}

// losses are ways in which ann may no longer do what she does.
var losses = map[string]struct {
	lose func(w *watched)
	want int
}{
	"the token is revoked": {func(w *watched) {
		_ = w.RevokeToken(context.Background(), "", w.AllTokens(w.ann.ID)[0].ID, time.Now())
	}, http.StatusUnauthorized},
	"the account is disabled": {func(w *watched) {
		a := w.ann
		a.Disabled = true
		w.Add(a)
	}, http.StatusUnauthorized},
	"the role is taken": {func(w *watched) {
		a := w.ann
		a.Role = cairn.RoleMember
		w.Add(a)
	}, http.StatusForbidden},
	"nobody can say who it is": {func(w *watched) { w.hangs.Store(true) }, http.StatusServiceUnavailable},
	"to find out panics":       {func(w *watched) { w.panics.Store(true) }, http.StatusInternalServerError},
}

const promise = 5 * time.Second

// A response that goes on whatever happens gets no byte out five seconds after its
// reader may no longer have it, and is broken off.
func TestNothingIsWrittenAfterALoss(t *testing.T) {
	for name, c := range losses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, Route{Role: cairn.RoleAdmin, Long: true, Handle: func(c *gin.Context) error {
					for range 1000 {
						time.Sleep(100 * time.Millisecond)
						_, _ = c.Writer.WriteString("x")
					}
					return nil
				}})
				r := w.send()
				time.Sleep(20*time.Second + 50*time.Millisecond)
				if r.String() != strings.Repeat("x", 200) {
					t.Fatalf("%d bytes in 20 seconds", r.body.Len())
				}
				if n := w.asked.Load(); n < 6 || n > 8 {
					t.Errorf("identified %d times in 20 seconds", n)
				}
				c.lose(w)
				time.Sleep(promise)
				before := r.String()
				<-r.ended
				if after := r.String(); after != before || len(after) > 250 || !r.broken {
					t.Errorf("%d bytes after five seconds, %d in the end; broken off: %v", len(before), len(after), r.broken)
				}
				families, _ := w.server.cfg.Metrics.Gather()
				if got := fmt.Sprint(families); !strings.Contains(w.log.String(), "status=499") || !strings.Contains(got, `"499"`) {
					t.Errorf("it does not count as broken off: %s %s", w.log, got)
				}
			})
		})
	}
}

// Work that nobody sees anything of is broken off as well.
func TestWorkEndsAfterALoss(t *testing.T) {
	for name, c := range losses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				worked := make(chan time.Time, 1)
				w := newWatched(t, Route{Role: cairn.RoleAdmin, Long: true, Handle: func(c *gin.Context) error {
					<-c.Request.Context().Done()
					worked <- time.Now()
					return c.Request.Context().Err()
				}})
				r := w.send()
				time.Sleep(10 * time.Second)
				c.lose(w)
				lost := time.Now()
				if took := (<-worked).Sub(lost); took > promise {
					t.Errorf("the work went on for %v", took)
				}
				if <-r.ended; r.status != c.want || r.broken {
					t.Errorf("%d %s", r.status, r)
				}
			})
		})
	}
}

// A request that has waited for its turn before it does anything is that of who may
// still do it.
func TestTurnsAreOfThoseWhoMayStill(t *testing.T) {
	leave := func(w *watched) { _ = w.SetGroup(context.Background(), "finance", nil, nil) }
	granted := func(w *watched) { w.SetGrants(w.ann.ID, "g1") }
	revoked := losses["the token is revoked"].lose
	for name, c := range map[string]struct {
		scope cairn.Scope
		wait  time.Duration
		lose  func(w *watched)
		want  int
	}{
		"nothing has changed":                    {cairn.ScopeSearch, 2 * time.Second, func(*watched) {}, 200},
		"it was not long":                        {cairn.ScopeSearch, 900 * time.Millisecond, revoked, 200},
		"the token is revoked":                   {cairn.ScopeSearch, 1100 * time.Millisecond, revoked, 401},
		"a group was left, a search":             {cairn.ScopeSearch, 1100 * time.Millisecond, leave, 409},
		"a group was left, a question":           {cairn.ScopeAsk, 1100 * time.Millisecond, leave, 409},
		"a grant came, a document":               {cairn.ScopeRead, 1100 * time.Millisecond, granted, 409},
		"a group was left, by no keys decided":   {cairn.ScopeAdmin, 1100 * time.Millisecond, leave, 200},
		"a group was left, a document is pushed": {cairn.ScopeWrite, 1100 * time.Millisecond, leave, 200},
	} {
		for turn, handle := range map[string]func(c *gin.Context, did *bool) error{
			"before the body": func(c *gin.Context, did *bool) error {
				time.Sleep(c.MustGet("wait").(time.Duration))
				if _, err := io.ReadAll(c.Request.Body); err != nil {
					return err
				}
				*did = true
				return nil
			},
			"before the reply": func(c *gin.Context, did *bool) error {
				time.Sleep(c.MustGet("wait").(time.Duration))
				c.Writer.WriteHeader(http.StatusOK)
				_, err := c.Writer.WriteString("secret")
				*did = err == nil
				return nil
			},
		} {
			t.Run(name+", "+turn, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					did := false
					w := newWatched(t, Route{Scope: c.scope, Handle: func(ctx *gin.Context) error {
						ctx.Set("wait", c.wait)
						if err := handle(ctx, &did); err != nil {
							return err
						}
						ctx.Writer.WriteHeaderNow()
						return nil
					}})
					r := w.send()
					time.Sleep(100 * time.Millisecond)
					c.lose(w)
					<-r.ended
					if r.status != c.want || did != (c.want == 200) || c.want != 200 && strings.Contains(r.String(), "secret") {
						t.Errorf("%d %s; done: %v; want %d", r.status, r, did, c.want)
					}
				})
			})
		}
	}
}

// Who has changed something learns of it, also when that has ended what she may do.
func TestReceiptsAreGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *watched
		w = newWatched(t, Route{Role: cairn.RoleAdmin, Audit: audit.AccountUpdate, Handle: func(c *gin.Context) error {
			ctx := c.Request.Context()
			_, committed, _ := audit.FromContext(ctx).Change(audit.AccountUpdate, audit.Object{}, "")
			losses["the role is taken"].lose(w)
			committed()
			time.Sleep(4 * time.Second)
			return text("done")(c)
		}})
		r := w.send()
		if <-r.ended; r.status != 200 || r.String() != "done" {
			t.Errorf("%d %s", r.status, r)
		}
	})
}

// A request that is over is not asked about any more, and does not wait for who asks.
func TestNothingIsAskedAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, Route{Long: true, Handle: func(c *gin.Context) error {
			time.Sleep(4 * time.Second) // while it is being found out who asks
			return nil
		}})
		start := time.Now()
		r := w.send()
		time.Sleep(time.Second)
		w.hangs.Store(true)
		if <-r.ended; time.Since(start) > 4100*time.Millisecond {
			t.Errorf("it took %v", time.Since(start))
		}
	})
	w := newWatched(t, Route{Handle: text("done")})
	var left *standing
	w.server.engine.POST("/left", w.server.handle(Route{Handle: func(c *gin.Context) error {
		left, _ = c.Request.Context().Value(standingKey{}).(*standing)
		return nil
	}}))
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/left", nil)
	req.Header.Set("Authorization", "Bearer "+w.token)
	w.server.Handler().ServeHTTP(httptest.NewRecorder(), req)
	before := w.asked.Load()
	if err := left.check(0); err == nil || w.asked.Load() != before {
		t.Errorf("%v; asked %d times, then %d", err, before, w.asked.Load())
	}
}

// unwritable is an audit log that fails once.
type unwritable struct{ failed atomic.Bool }

func (u *unwritable) AppendAudit(context.Context, []audit.Event) error {
	if u.failed.CompareAndSwap(false, true) {
		return errors.New("the disk is full")
	}
	return nil
}

// What was refused once stays so: a handler that goes on after the log failed shows nothing.
func TestRefusalsStay(t *testing.T) {
	w := newWatched(t, Route{Scope: cairn.ScopeRead, Audit: audit.DocumentRead, Handle: func(c *gin.Context) error {
		audit.FromContext(c.Request.Context()).Shown("d1")
		_, _ = c.Writer.WriteString("secret")
		_, _ = c.Writer.WriteString("secret")
		return nil
	}})
	w.SetGrants(w.ann.ID, "g1")
	w.server.cfg.Audit = audit.NewWriter(&unwritable{}, slog.New(slog.DiscardHandler))
	defer w.server.cfg.Audit.Close(context.Background())
	r := w.send()
	if <-r.ended; r.status != http.StatusInternalServerError || strings.Contains(r.String(), "secret") {
		t.Errorf("%d %s", r.status, r)
	}
}

// A handler's own condition is asked for as well.
func TestPermitWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writer atomic.Bool
		writer.Store(true)
		w := newWatched(t, Route{Long: true, Handle: func(c *gin.Context) error {
			PermitWhile(c, func(_ context.Context, id auth.Identity) error {
				if !writer.Load() {
					return cairn.ErrNotFound
				}
				return nil
			})
			<-c.Request.Context().Done()
			return c.Request.Context().Err()
		}})
		r := w.send()
		time.Sleep(10 * time.Second)
		writer.Store(false)
		time.Sleep(promise)
		select {
		case <-r.ended:
		default:
			t.Fatal("the work goes on")
		}
		if r.status != http.StatusNotFound {
			t.Errorf("%d %s", r.status, r)
		}
	})
}

// A handler that goes on with what has changed is told once.
func TestReidentify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, Route{Scope: cairn.ScopeAsk, Long: true, Handle: func(c *gin.Context) error {
			for range 3 {
				changed, err := Reidentify(c, time.Second)
				if err != nil {
					return err
				}
				keys := len(auth.FromContext(c.Request.Context()).Viewer.Keys)
				if _, err := c.Writer.WriteString(map[bool]string{true: "changed ", false: "same "}[changed] + strings.Repeat("k", keys) + "\n"); err != nil {
					return err
				}
				time.Sleep(2 * time.Second)
			}
			return nil
		}})
		r := w.send()
		time.Sleep(time.Second)
		_ = w.SetGroup(context.Background(), "finance", nil, nil)
		if <-r.ended; r.String() != "same kkkk\nchanged kkk\nsame kkk\n" {
			t.Errorf("%d %s", r.status, r)
		}
	})
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest(http.MethodGet, "/", nil)
	if _, err := Reidentify(c, 0); FailureOf(err).Status != http.StatusUnauthorized {
		t.Errorf("of nobody: %v", err)
	}
}
