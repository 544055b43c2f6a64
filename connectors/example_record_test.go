package connectors_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
)

// unforgiving notes what a test that must fail says.
type unforgiving struct {
	testing.TB
	said []string
}

// Errorf implements testing.TB.
func (u *unforgiving) Errorf(format string, args ...any) {
	u.said = append(u.said, fmt.Sprintf(format, args...))
}

// What was read of a place, and how it answered, is the same when it is replayed without
// it. The recording has no secret, and nothing else can be asked then.
func TestRecordAndReplay(t *testing.T) {
	const secret = "s3cret/of=the place"
	s := &service{notes: map[string]*note{}}
	for i := range 5 {
		s.edit(fmt.Sprintf("n%d", i), func(n *note) {
			n.text = fmt.Sprintf("Note %d%s: %s.", i, []string{"", "\xff"}[i/3], []string{"a quote", secret}[i%2])
		})
	}
	known := func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+secret }
	place := connectortest.NewRemote(t, connectortest.NewFake(t, known,
		connectortest.Route{Pattern: "GET /api/changes", Query: []string{"limit!", "after"}, Accept: "application/json", Handle: s.changes},
		connectortest.Route{Pattern: "GET /api/notes/{id}", Handle: s.text},
	), map[string]string{"token": secret})
	read := func(env connectors.Environment) map[string]string {
		texts := map[string]string{}
		for c, err := range connectortest.Open(t, Kind(), env, map[string]string{"url": place.URL}).Changes(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			texts[c.External] = connectortest.Text(t, c)
		}
		return texts
	}

	recorder := connectortest.NewRecorder(place.Env.Network, secret)
	env := place.Env
	env.Network, env.Now = recorder, recorder.Now
	recorded := read(env)
	file := filepath.Join(t.TempDir(), "notes.json")
	if err := recorder.Save(file); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), secret) || len(recorded) != 5 {
		t.Errorf("%d notes are recorded, %v:\n%s", len(recorded), err, b)
	}

	place.Faults.From(1, connectortest.Broken) // the place is away
	test := &unforgiving{TB: t}
	replay := connectortest.NewReplay(test, file)
	env.Network, env.Now, env.Secrets = replay, replay.Now, connectortest.NewSecrets(map[string]string{"token": connectortest.Struck})
	for id, text := range recorded {
		recorded[id] = strings.ReplaceAll(text, secret, connectortest.Struck)
	}
	if diff := cmp.Diff(recorded, read(env)); diff != "" || len(test.said) > 0 || !replay.Now().Equal(recorder.Now()) {
		t.Errorf("replayed, it is another (-recorded +replayed), %v:\n%s", test.said, diff)
	}
	for _, err := range connectortest.Open(t, Kind(), env, map[string]string{"url": place.URL}).Changes(t.Context(), "") {
		if err == nil {
			t.Error("what was asked once can be asked again")
		}
	}
	if len(test.said) == 0 || place.Faults.Requests() > 0 {
		t.Errorf("a request that was not recorded: %v; %d requests came to the place", test.said, place.Faults.Requests())
	}
}
