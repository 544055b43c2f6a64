package server

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// A reply that shows a document is for who may read it for as long as it takes; nobody is
// asked about one that takes no time.
func TestRepliesAreOfWhatMayStillBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		wait         time.Duration // before the reply
		long         time.Duration // that the reply takes
		loses, fails bool
		status       int
		broken       bool
		asked        bool
	}{
		"at once":                       {0, 0, true, false, 200, false, false},
		"soon":                          {900 * time.Millisecond, 0, true, false, 200, false, false},
		"late, nothing is lost":         {2 * time.Second, 0, false, false, 200, false, true},
		"late, the document is lost":    {2 * time.Second, 0, true, false, 409, false, true},
		"late, nobody can say":          {2 * time.Second, 0, false, true, 503, false, true},
		"long, nothing is lost":         {0, 20 * time.Second, false, false, 200, false, true},
		"long, the document is lost":    {0, 20 * time.Second, true, false, 200, true, true},
		"long, nobody can say any more": {0, 20 * time.Second, false, true, 200, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, Route{Scope: cairn.ScopeRead, Long: true, Handle: func(c2 *gin.Context) error {
					audit.FromContext(c2.Request.Context()).Shown("d1", "d2")
					time.Sleep(c.wait)
					for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
						if _, err := c2.Writer.WriteString("secret "); err != nil {
							return err
						}
						if time.Since(begun) >= c.long {
							return nil
						}
					}
				}})
				var asked atomic.Int32
				lost := time.Now().Add(100 * time.Millisecond)
				w.server.cfg.Readable = func(_ context.Context, v cairn.Viewer, ids []cairn.DocumentID) (bool, error) {
					asked.Add(1)
					if v.Account != w.ann.ID || !slices.Equal(ids, []cairn.DocumentID{"d1", "d2"}) {
						t.Errorf("%s is asked about %v", v.Account, ids)
					}
					late := time.Now().After(lost)
					if late && c.fails {
						return false, context.DeadlineExceeded
					}
					return !late || !c.loses, nil
				}
				r := w.send()
				<-r.ended
				if r.status != c.status || r.broken != c.broken || (asked.Load() > 0) != c.asked {
					t.Errorf("%d, broken off %v, asked %d times; want %d, %v, %v", r.status, r.broken, asked.Load(), c.status, c.broken, c.asked)
				}
				if got := strings.Count(r.String(), "secret"); c.broken && got > int(promise/(100*time.Millisecond))+2 || c.status == 200 && got == 0 || c.status != 200 && got > 0 {
					t.Errorf("%d pieces", got)
				}
			})
		})
	}
}
