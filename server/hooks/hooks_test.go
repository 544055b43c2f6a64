package hooks_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/files"
	"github.com/cairnhq/cairn/connectors/github"
	"github.com/cairnhq/cairn/connectors/slack"
	"github.com/cairnhq/cairn/keyring"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/hooks"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

const secret = "canary-3f1c9b77-of-the-webhook"

// world is two servers over a real database, with a source of GitHub's and one of Slack's
// whose webhooks have the secret, and one of GitHub's without.
type world struct {
	*testing.T
	db      *postgres.DB
	servers []*httptest.Server
	log     *lockedBuffer
	now     time.Time
	sources map[string]cairn.Source
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, log: &lockedBuffer{}, now: time.Now(), sources: map[string]cairn.Source{}}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	w.db, err = postgres.Open(t.Context(), postgrestest.New(t).URL, log)
	w.check(err)
	t.Cleanup(w.db.Close)
	keys, err := keyring.Own(filepath.Join(t.TempDir(), "secret.key"))
	w.check(err)
	w.db.SetKeys(keys)
	for range 2 {
		a, err := auth.New(auth.Config{Store: w.db, Log: log, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		w.check(err)
		receiver := hooks.New(hooks.Config{
			Store: w.db, Auth: a, Log: log, Now: func() time.Time { return w.now },
			Kinds: connectors.NewRegistry(github.Kind(), slack.Kind(), files.Kind()),
		})
		s, err := server.New(server.Config{Auth: a, Routes: receiver.Routes(), Log: log, Ready: func(context.Context) error { return nil }})
		w.check(err)
		one := httptest.NewServer(s.Handler())
		t.Cleanup(one.Close)
		w.servers = append(w.servers, one)
	}
	w.add("code", "github", secret)
	w.add("chat", "slack", secret)
	w.add("silent", "github", "")
	return w
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) add(name, kind, hookSecret string) {
	w.Helper()
	s := cairn.Source{Name: name, Kind: kind, ACLMode: cairn.ACLFromSource, Settings: map[string]string{"owner": "acme"}, Secrets: map[string]cairn.Secret{"token": cairn.NewSecret("x")}}
	if kind == "slack" {
		s.Settings = nil
	}
	if hookSecret != "" {
		s.Secrets[connectors.HookSecret] = cairn.NewSecret(hookSecret)
	}
	made, err := w.db.CreateSource(w.Context(), s)
	w.check(err)
	w.sources[name] = made
}

// reply is what came back, without what differs each time.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request to one of the servers, from an address of its own.
func (w *world) send(server int, path string, body io.Reader, header map[string]string) reply {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.servers[server].URL+path, body)
	w.check(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.18.%d.%d", rand.IntN(256), rand.IntN(256)))
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	w.check(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	w.check(err)
	res.Header.Del("X-Request-Id")
	res.Header.Del("Date")
	return reply{res.StatusCode, res.Header, string(b)}
}

func mac(key string, parts ...string) string {
	m := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		m.Write([]byte(p))
	}
	return hex.EncodeToString(m.Sum(nil))
}

// fromGitHub are the headers of a delivery of GitHub's.
func fromGitHub(id, body string) map[string]string {
	return map[string]string{"X-GitHub-Event": "issues", "X-GitHub-Delivery": id, "X-Hub-Signature-256": "sha256=" + mac(secret, body)}
}

// fromSlack are the headers of a delivery of Slack's.
func fromSlack(at time.Time, body string) map[string]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return map[string]string{"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + mac(secret, "v0:", stamp, ":", body)}
}

func with(header map[string]string, name, value string) map[string]string {
	header = maps.Clone(header)
	header[name] = value
	return header
}

// deliveries counts what is kept of a source.
func (w *world) deliveries(name string) (n int) {
	w.Helper()
	w.check(w.db.Worker().QueryRow(w.Context(), `SELECT count(*) FROM hook_deliveries WHERE source_id = $1`, w.sources[name].ID).Scan(&n))
	return n
}

// refusal waits until that of a source is noted, for which a delivery is sent again: while one
// is noted others are not.
func (w *world) refusal(name, want, body string, header map[string]string) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s, err := w.db.SourceByName(w.Context(), name)
		w.check(err)
		if s.Hook.Refusal == want {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("the refusal of %s is %q, want %q", name, s.Hook.Refusal, want)
		}
		w.send(0, "/hooks/"+name, strings.NewReader(body), header)
	}
}

const edited = `{"action": "edited", "repository": {"full_name": "acme/handbook"}}`

func TestDeliveriesActOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for i := range 6 { // by both servers at once
		all.Go(func() {
			if got := w.send(i%2, "/hooks/code", strings.NewReader(edited), fromGitHub("d-1", edited)); got.status != 200 || got.body != `{"accepted":true}`+"\n" {
				t.Errorf("a delivery is answered with %d %s", got.status, got.body)
			}
		})
	}
	all.Wait()
	if n := w.deliveries("code"); n != 1 {
		t.Errorf("a delivery that came six times is %d", n)
	}
	// What happens for the second time may be told in the same words.
	if got := w.send(0, "/hooks/code", strings.NewReader(edited), fromGitHub("d-2", edited)); got.status != 200 || w.deliveries("code") != 2 {
		t.Errorf("another one is answered with %d and makes %d", got.status, w.deliveries("code"))
	}
	for i := range 3 { // an id that is none is not kept
		other := fmt.Sprintf(`{"action": "opened", "number": %d}`, i)
		if got := w.send(0, "/hooks/code", strings.NewReader(other), fromGitHub("'; DROP TABLE x", other)); got.status != 200 || w.deliveries("code") != 3+i {
			t.Errorf("one without an id is answered with %d %s and makes %d", got.status, got.body, w.deliveries("code"))
		}
	}
	s, err := w.db.SourceByName(t.Context(), "code")
	w.check(err)
	if time.Since(s.Hook.Accepted) > time.Minute || s.Hook.Event != "issues.opened" || !s.Hook.Refused.IsZero() {
		t.Errorf("administrators are told %+v", s.Hook)
	}
	event := `{"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "channel": "C1"}}`
	again := `{"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "channel": "C1"}, "x": 1}`
	for _, body := range []string{event, event, again} {
		if got := w.send(1, "/hooks/chat", strings.NewReader(body), fromSlack(w.now, body)); got.status != 200 || w.deliveries("chat") != 1 {
			t.Errorf("Slack is answered with %d %s: %d", got.status, got.body, w.deliveries("chat"))
		}
	}
	if strings.Contains(w.log.String(), secret) || strings.Contains(w.log.String(), "handbook") {
		t.Error("the log has the secret, or what was sent")
	}
}

// TestUnsignedIsUnknown: whatever is not signed is answered alike, to the byte, by a source
// with a webhook, one without, one of another kind and one that is not there.
func TestUnsignedIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("folder", "files", secret) // its kind has no webhooks
	slackBody := `{"type": "url_verification", "challenge": "canary-challenge"}`
	unsigned := map[string]struct {
		body   string
		header map[string]string
	}{
		"nothing":                     {edited, nil},
		"forged":                      {edited, with(fromGitHub("d", edited), "X-Hub-Signature-256", "sha256="+mac("other", edited))},
		"of another body":             {edited + " ", fromGitHub("d", edited)},
		"with SHA-1":                  {edited, map[string]string{"X-Hub-Signature": "sha1=757107ea"}},
		"a challenge":                 {slackBody, nil},
		"a forged challenge":          {slackBody, with(fromSlack(w.now, slackBody), "X-Slack-Signature", "v0="+mac("other", slackBody))},
		"with a token in the place":   {edited, map[string]string{"Authorization": "Bearer " + secret}},
		"by a form":                   {"payload=x", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		"not even JSON":               {"\x00\xff", nil},
		"nothing at all":              {"", nil},
		"an empty signature":          {edited, map[string]string{"X-Hub-Signature-256": "sha256="}},
		"a signature under no secret": {edited, map[string]string{"X-Hub-Signature-256": "sha256=" + mac("", edited)}},
	}
	for name, c := range unsigned {
		want := w.send(0, "/hooks/nowhere", strings.NewReader(c.body), c.header)
		if want.status != 404 || strings.Contains(want.body, "canary") {
			t.Errorf("%s to what is not there: %d %s", name, want.status, want.body)
		}
		for _, source := range []string{"code", "chat", "silent", "folder", "CODE", "code%20", "%F0%9F%90%BB"} {
			got := w.send(0, "/hooks/"+source, strings.NewReader(c.body), c.header)
			if got.status != want.status || got.body != want.body || fmt.Sprint(got.header) != fmt.Sprint(want.header) {
				t.Errorf("%s to %s: %+v; to what is not there: %+v", name, source, got, want)
			}
		}
	}
	if got := w.send(0, "/hooks/silent", strings.NewReader(edited), fromGitHub("d", edited)); got.status != 404 {
		t.Errorf("signed for a source without a secret: %d", got.status)
	}
	if n := w.deliveries("code") + w.deliveries("chat") + w.deliveries("silent"); n != 0 {
		t.Errorf("%d deliveries are kept", n)
	}
	w.refusal("code", "unsigned", edited, nil)
	if s, err := w.db.SourceByName(t.Context(), "silent"); err != nil || !s.Hook.Refused.IsZero() {
		t.Errorf("of a source without a secret it is noted %+v, %v", s.Hook, err)
	}
}

func TestStaleAndChallenged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}`
	if got := w.send(0, "/hooks/chat", strings.NewReader(body), fromSlack(w.now, body)); got.status != 200 ||
		got.body != `{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}`+"\n" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("a signed challenge is answered with %d %s", got.status, got.body)
	}
	old := w.now.Add(-301 * time.Second)
	if got := w.send(0, "/hooks/chat", strings.NewReader(body), fromSlack(old, body)); got.status != 404 || strings.Contains(got.body, "3eZ") {
		t.Errorf("an old one is answered with %d %s", got.status, got.body)
	}
	w.refusal("chat", "stale", body, fromSlack(old, body))
}

func TestWhatIsSignedButNotTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := "payload=%7B%7D"
	if got := w.send(0, "/hooks/code", strings.NewReader(form), with(fromGitHub("d", form), "Content-Type", "application/x-www-form-urlencoded")); got.status != 400 || !strings.Contains(got.body, "application/json") {
		t.Errorf("a form is answered with %d %s", got.status, got.body)
	}
	w.refusal("code", "media_type", form, with(fromGitHub("d", form), "Content-Type", "application/x-www-form-urlencoded"))
	if got := w.send(0, "/hooks/code", strings.NewReader("[]"), fromGitHub("d", "[]")); got.status != 400 {
		t.Errorf("an array is answered with %d %s", got.status, got.body)
	}
	w.refusal("code", "malformed", "[]", fromGitHub("d", "[]"))
	large := `{"x": "` + strings.Repeat("x", hooks.MaxBody) + `"}`
	for name, body := range map[string]io.Reader{"whose length is told": strings.NewReader(large), "in pieces": io.MultiReader(strings.NewReader(large))} {
		for _, path := range []string{"/hooks/code", "/hooks/nowhere"} {
			if got := w.send(0, path, body, fromGitHub("d", large)); got.status != 413 {
				t.Errorf("a large one %s to %s is answered with %d %s", name, path, got.status, got.body)
			}
			body = strings.NewReader(large)
		}
	}
	w.refusal("code", "too_large", large, fromGitHub("d", large))
	fits := `{"x": "` + strings.Repeat("x", hooks.MaxBody-9) + `"}`
	if got := w.send(0, "/hooks/code", strings.NewReader(fits), fromGitHub("d", fits)); got.status != 200 || w.deliveries("code") != 1 {
		t.Errorf("one that just fits is answered with %d %s", got.status, got.body)
	}
	_, err := w.db.UpdateSource(t.Context(), w.sources["code"].ID, func(s *cairn.Source) error { s.Paused = true; return nil })
	w.check(err)
	if got := w.send(0, "/hooks/code", strings.NewReader(edited), fromGitHub("e", edited)); got.status != 200 || w.deliveries("code") != 2 {
		t.Errorf("of a source that is paused one is answered with %d %s", got.status, got.body) // else the place would give up
	}
	_, err = w.db.EraseSource(t.Context(), w.sources["code"].ID, "")
	w.check(err)
	if got := w.send(0, "/hooks/code", strings.NewReader(edited), fromGitHub("f", edited)); got.status != 404 {
		t.Errorf("of a source that is gone one is answered with %d %s", got.status, got.body)
	}
}

// TestTooManyFromOneAddress keeps a stranger from wearing the server out, and nobody at
// another address from being heard.
func TestTooManyFromOneAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := map[string]string{"X-Forwarded-For": "203.0.113.7"}
	limited := func(source func(i int) string) bool {
		for i := range 800 {
			if got := w.send(0, "/hooks/"+source(i), strings.NewReader("{}"), stranger); got.status == 429 && got.header.Get("Retry-After") != "" {
				return true
			}
		}
		return false
	}
	if !limited(func(int) string { return "code" }) {
		t.Error("800 requests to one source are tried")
	}
	if !limited(strconv.Itoa) {
		t.Error("800 requests to as many sources are tried")
	}
	if got := w.send(0, "/hooks/code", strings.NewReader(edited), fromGitHub("d", edited)); got.status != 200 {
		t.Errorf("somebody else is answered with %d %s", got.status, got.body)
	}
}

// TestSecretWhoseKeyIsGone: nobody learns from outside that there is such a source.
func TestSecretWhoseKeyIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys, err := keyring.Own(filepath.Join(t.TempDir(), "secret.key"))
	w.check(err)
	w.db.SetKeys(keys)
	if got := w.send(0, "/hooks/code", strings.NewReader(edited), fromGitHub("d", edited)); got.status != 404 {
		t.Errorf("answered with %d %s", got.status, got.body)
	}
	w.refusal("code", "no_secret", edited, fromGitHub("d", edited))
}
