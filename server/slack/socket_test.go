package slack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/outbound"
	"github.com/cairnhq/cairn/server/slack/slacktest"
)

// failing is a Store whose first attempts to store a task fail.
type failing struct {
	Store
	mu    sync.Mutex
	fails int
	added []string
}

func (f *failing) Add(_ context.Context, t Task) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails--; f.fails >= 0 {
		return false, errors.New("the database is away")
	}
	f.added = append(f.added, t.ID)
	return true, nil
}

// TestSocketAcknowledgesWhatIsStored leaves what could not be stored, so that Slack sends it
// again, and never that of another workspace.
func TestSocketAcknowledgesWhatIsStored(t *testing.T) {
	t.Parallel()
	w := slacktest.New(t)
	w.LimitSockets(1, 100*time.Millisecond)
	store := &failing{fails: 2}
	b := New(Config{
		Store: store, HTTP: http.DefaultClient, Dial: new(net.Dialer).DialContext, Log: slog.New(slog.DiscardHandler), Workspace: slacktest.TeamID,
		Token: cairn.NewSecret(slacktest.Token), AppToken: cairn.NewSecret(slacktest.AppToken), APIURL: w.APIURL(),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); b.Listen(ctx) }()
	event := slacktest.Mention("Ev1", "U1", "C1", "Hi", "1.1", "")
	if got := w.Push(event); got.Sent != 3 || got.Answer != "" {
		t.Errorf("%+v", got)
	}
	w.Push(strings.ReplaceAll(event, slacktest.TeamID, "T0OTHER"))
	cancel()
	<-ended
	if len(store.added) != 1 || store.added[0] != "mention:Ev1" {
		t.Errorf("stored: %q", store.added)
	}
}

// TestSocketGoesNowhereElse: an address that Slack gives out is no way into the network of the
// server, and none without TLS.
func TestSocketGoesNowhereElse(t *testing.T) {
	t.Parallel()
	w := slacktest.New(t)
	b := New(Config{
		HTTP: http.DefaultClient, Dial: outbound.NewNetwork(outbound.Config{}).DialContext, Workspace: slacktest.TeamID,
		Token: cairn.NewSecret(slacktest.Token), AppToken: cairn.NewSecret(slacktest.AppToken), APIURL: w.APIURL(),
	})
	if _, err := b.dial(t.Context()); !errors.Is(err, cairn.ErrDenied) || strings.Contains(err.Error(), slacktest.Ticket) {
		t.Errorf("a private address: %v", err)
	}
	b.cfg.Dial, b.cfg.APIURL = new(net.Dialer).DialContext, defaultAPIURL
	if _, err := b.dial(t.Context()); err == nil || !strings.Contains(err.Error(), "wss://") || strings.Contains(err.Error(), slacktest.Ticket) {
		t.Errorf("without TLS: %v", err)
	}
}

// TestAgain waits longer after each failure, up to a minute and a half, and never for the
// same time on all servers.
func TestAgain(t *testing.T) {
	t.Parallel()
	for failed, least := range map[int]time.Duration{0: firstAgain / 2, 3: 4 * firstAgain, 40: longestAgain / 2} {
		seen := map[time.Duration]bool{}
		for range 20 {
			d := again(failed, nil)
			seen[d] = true
			if d < least || d > longestAgain*3/2 {
				t.Errorf("after %d failures: %s", failed, d)
			}
		}
		if len(seen) < 10 {
			t.Errorf("after %d failures there is no chance in it: %v", failed, seen)
		}
	}
}

// TestForm keeps as much of a message as Slack keeps with a form, whatever is in it.
func TestForm(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "short", strings.Repeat("é", 5000), strings.Repeat("\"\\\n\x01", 2000)} {
		a := about{Channel: "C1", Thread: "1.1", Response: "https://hooks.slack.com/app/T/1/x", Text: cut(text, aboutLimit)}
		s := a.encode()
		if n := len([]rune(s)); n > metadataLimit || !strings.Contains(s, a.Response) {
			t.Errorf("%d characters for %.20q", n, text)
		}
	}
}
