package answer_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

// office is a database with two people and a source; the real parts stand on it.
type office struct {
	t         testing.TB
	url       string // of the database
	db        *postgres.DB
	embedder  *builtin.Embedder
	retriever *retrieval.Retriever
	pusher    *ingest.Pusher
	source    cairn.Source
	ann, bob  person
}

type person struct {
	cairn.Viewer
	token string
}

// inProcess extracts without child processes.
type inProcess struct{}

func (inProcess) Extract(ctx context.Context, in extract.Input, r io.Reader) (*extract.Text, error) {
	return extract.Extract(ctx, in, r, extract.DefaultLimits())
}

var quiet = slog.New(slog.DiscardHandler)

func newOffice(t testing.TB) *office {
	t.Helper()
	made := postgrestest.New(t)
	db, err := postgres.Open(t.Context(), made.URL, quiet)
	check(t, err)
	t.Cleanup(db.Close)
	o := &office{t: t, url: made.URL, db: db}
	o.embedder, err = builtin.New()
	check(t, err)
	space, err := db.UseSpace(t.Context(), o.embedder.Model(), o.embedder.Dim(), nil)
	check(t, err)
	o.source, err = db.CreateSource(t.Context(), cairn.Source{Name: "wiki", Kind: "push", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	check(t, err)
	o.retriever = retrieval.New(retrieval.Config{Index: postgres.NewIndex(db, space), Chunks: db, Embedder: o.embedder, Log: quiet})
	o.pusher = &ingest.Pusher{Store: postgres.NewIngest(db, space), Sources: db, Prepare: &ingest.Preparer{Extractor: inProcess{}, Embedder: o.embedder}}
	o.ann, o.bob = o.person("ann"), o.person("bob")
	return o
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (o *office) person(name string) person {
	o.t.Helper()
	a, err := o.db.CreateAccount(o.t.Context(), cairn.Account{Email: name + "@acme.test", Role: cairn.RoleMember})
	check(o.t, err)
	secret := auth.NewToken()
	_, err = o.db.CreateToken(o.t.Context(), auth.HashOf(secret), cairn.Token{Account: a.ID, Name: name, Expires: time.Now().Add(time.Hour)})
	check(o.t, err)
	return person{cairn.Viewer{Account: a.ID, Keys: []cairn.PrincipalKey{cairn.Everyone, cairn.AccountKey(a.ID), cairn.UserKey(a.Email)}}, secret}
}

// put stores a page for everybody, or for those who hold one of the keys.
func (o *office) put(name, text string, keys ...cairn.PrincipalKey) cairn.DocumentID {
	o.t.Helper()
	if keys == nil {
		keys = []cairn.PrincipalKey{cairn.Everyone}
	}
	acl := cairn.Allow(keys...)
	got, err := o.pusher.Put(o.t.Context(), o.source.ID, ingest.Push{
		External: name, Title: name, URL: "https://acme.test/" + name, Text: text, ACL: &acl, Modified: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)})
	check(o.t, err)
	return got.ID
}

// hide takes a document out as a sync does that no longer finds it.
func (o *office) hide(name string) {
	o.t.Helper()
	_, err := o.pusher.Store.Commit(o.t.Context(), ingest.Batch{Source: o.source.ID, Deletes: []string{name}})
	check(o.t, err)
}

// roster is a source that tells who may read which document, and no more.
type roster map[string]cairn.PrincipalKey

func (roster) Changes(context.Context, connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(func(connectors.Change, error) bool) {}
}

func (r roster) Permissions(context.Context) iter.Seq2[connectors.Permission, error] {
	return func(yield func(connectors.Permission, error) bool) {
		for name, key := range r {
			acl := cairn.Allow(key)
			if !yield(connectors.Permission{External: name, ACL: &acl}, nil) {
				return
			}
		}
	}
}

// permit tells the whole list of who may read which document, as a run of
// permissions does.
func (o *office) permit(who map[string]cairn.PrincipalKey) {
	o.t.Helper()
	s := ingest.Syncer{Store: o.pusher.Store, Log: quiet}
	_, err := s.RunPermissions(o.t.Context(), ingest.Sync{Source: o.source, Connector: roster(who)})
	check(o.t, err)
}

// isErased reports whether nothing is left after a withdrawal.
func (o *office) isErased(withdrawal string) bool {
	return withdrawal == "erased" || withdrawal == "expired"
}

const (
	travel = "# Travel\n\n## Oslo\n\nThe hotel limit in Oslo is 180 EUR a night. Breakfast in Oslo is paid apart.\n\n" +
		"## Lisbon\n\nThe hotel limit in Lisbon is 140 EUR a night.\n"
	leave = "# Leave\n\nEvery employee has 28 days of leave a year.\n\n## Carry over\n\nUp to 5 days of leave may be carried over until 31 March.\n"

	askOslo   = "What is the hotel limit in Oslo?"
	sayOslo   = "The hotel limit in Oslo is 180 EUR a night [1]. "
	sayLisbon = "The hotel limit in Lisbon is 140 EUR a night [1]."
	oslo      = "The hotel limit in Oslo is 180 EUR a night."
	lisbon    = "The hotel limit in Lisbon is 140 EUR a night."
)

// answerers returns a model beside the extractive one; nil: none.
func (o *office) answerers(models ...llm.LLM) map[string]*answer.Answerer {
	all := map[string]*answer.Answerer{cairn.ExtractiveModel: answer.New(answer.Config{Embedder: o.embedder})}
	for _, m := range models {
		all[m.Model()] = answer.New(answer.Config{LLM: m, Embedder: o.embedder})
	}
	return all
}

// asker returns an Asker, a replica of its own, whose first model answers.
func (o *office) asker(change func(*answer.AskerConfig), models ...llm.LLM) *answer.Asker {
	o.t.Helper()
	cfg := answer.AskerConfig{Finder: o.retriever, Record: postgres.NewAnswers(o.db), Answers: o.answerers(models...), Log: quiet}
	if len(models) > 0 {
		cfg.Default = models[0].Model()
	}
	if change != nil {
		change(&cfg)
	}
	a := answer.NewAsker(cfg)
	o.t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		a.Close(ended)
	})
	return a
}

// start asks and fails the test when that is refused.
func (o *office) start(a *answer.Asker, ask answer.Ask) answer.Started {
	o.t.Helper()
	if ask.Viewer.Account == "" {
		ask.Viewer = o.ann.Viewer
	}
	started, err := a.Start(o.t.Context(), ask)
	check(o.t, err)
	return started
}

// follow returns the events of a message after a number, to the last.
func (o *office) follow(a *answer.Asker, message string, after int) []answer.Event {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	defer cancel()
	var events []answer.Event
	for e, err := range a.Events(ctx, o.ann.Viewer, message, after) {
		check(o.t, err)
		events = append(events, e)
	}
	return events
}

// ask asks, waits for the end and returns the message as the API gives it, after
// everything that must hold for every answer was checked.
func (o *office) ask(a *answer.Asker, ask answer.Ask) messageReply {
	o.t.Helper()
	started := o.start(a, ask)
	events := o.follow(a, started.Message, 0)
	return o.checked(a, started.Message, events)
}

// site is the HTTP API over an Asker.
type site struct {
	o   *office
	url string
}

func (o *office) site(a *answer.Asker) site {
	o.t.Helper()
	authenticator, err := auth.New(auth.Config{Store: o.db, Log: quiet})
	check(o.t, err)
	surface := api.New(api.Config{Store: o.db, Auth: authenticator, Search: o.retriever, Ask: a, Log: quiet})
	s, err := server.New(server.Config{Auth: authenticator, Routes: surface.Routes(), Log: quiet, Ready: o.db.Ping, Readable: o.db.Readable})
	check(o.t, err)
	h := httptest.NewServer(s.Handler())
	o.t.Cleanup(h.Close)
	return site{o, h.URL}
}

// open sends a request and returns the response with its body still to be read.
func (s site) open(who person, method, path, body string, header ...string) *http.Response {
	s.o.t.Helper()
	req, err := http.NewRequestWithContext(s.o.t.Context(), method, s.url+"/api/v1"+path, strings.NewReader(body))
	check(s.o.t, err)
	req.Header.Set("Authorization", "Bearer "+who.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	check(s.o.t, err)
	s.o.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// call returns status and body of a reply; into may be nil.
func (s site) call(who person, method, path, body string, into any) (int, string) {
	s.o.t.Helper()
	res := s.open(who, method, path, body)
	b, err := io.ReadAll(res.Body)
	check(s.o.t, err)
	if into != nil && res.StatusCode < 300 {
		check(s.o.t, json.Unmarshal(b, into))
	}
	return res.StatusCode, string(b)
}

// sent is a server-sent event.
type sent struct{ ID, Event, Data string }

// events reads a stream to its end, or for n events.
func readEvents(t testing.TB, r io.Reader, n int) []sent {
	t.Helper()
	var out []sent
	var e sent
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.ID = value
		case "event":
			e.Event = value
		case "data":
			e.Data = value
		case "":
			if e.Event != "" {
				out = append(out, e)
			}
			if e = (sent{}); n > 0 && len(out) == n {
				return out
			}
		}
	}
	check(t, lines.Err())
	return out
}
