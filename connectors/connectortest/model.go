package connectortest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// testModel changes a source at random and reads it change by change, as a caller that
// is killed now and then: it must come to know what one knows who reads it as a whole,
// and what is really there; where nothing is listed for a while, what has vanished beside.
func testModel(t *testing.T, newSource NewSource) {
	few(t, newSource(t).Cases)
	rapid.Check(t, func(r *rapid.T) {
		s := newSource(t)
		m := &model{s: s, texts: map[string]string{}, state: newState()}
		for range rapid.IntRange(1, 4).Draw(r, "rounds") {
			for range rapid.IntRange(0, 6).Draw(r, "changes") {
				m.change(t, r)
			}
			before := m.state.cursor
			if cut := rapid.IntRange(0, 8).Draw(r, "killed after"); cut > 0 {
				m.state.read(t, s, cut)
			}
			m.state.read(t, s, -1)
			if rapid.Bool().Draw(r, "the last cursor was not stored") {
				m.state.cursor = before
				m.state.read(t, s, -1)
			}
			_, lists := s.Connect(t).(connectors.Lister)
			listed := !lists || rapid.IntRange(0, 2).Draw(r, "listed") > 0
			if listed {
				m.state.prune(t, s)
			}
			m.compare(t, r, listed)
		}
	})
}

// few lets the test try so many cases.
func few(t *testing.T, cases int) {
	t.Helper()
	if os.Getenv("CAIRN_LONG_TESTS") != "" { //nolint:forbidigo // a switch of tests
		return
	}
	if cases == 0 {
		cases = 50
	}
	const checks = "rapid.checks"
	usual := flag.Lookup(checks).Value.String()
	if err := flag.Set(checks, strconv.Itoa(cases)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(checks, usual) })
}

// model is what a source holds, and what a caller knows of it.
type model struct {
	s     Source
	texts map[string]string // by name
	state *state
	n     int // changes
}

// change makes one change of the source.
func (m *model) change(t *testing.T, r *rapid.T) {
	m.n++
	name := rapid.SampledFrom(names).Draw(r, "document")
	_, there := m.texts[name]
	ops := []string{"put"}
	if there {
		ops = append(ops, "remove")
		if m.s.Move != nil {
			ops = append(ops, "move")
		}
		if m.s.Permit != nil {
			ops = append(ops, "permit")
		}
	}
	switch op := rapid.SampledFrom(ops).Draw(r, "change"); op {
	case "put":
		text := fmt.Sprintf("Text %d of %s.", m.n, name)
		m.s.Put(t, name, text)
		m.texts[name] = text
	case "remove":
		m.s.Remove(t, name)
		delete(m.texts, name)
	case "move":
		m.s.Move(t, name)
	case "permit":
		m.s.Permit(t, name, rapid.IntRange(0, 5).Draw(r, "permission"))
	}
}

// compare compares what is known with a reading as a whole and with the source. What has
// vanished may be known as long as nothing was listed.
func (m *model) compare(t *testing.T, r *rapid.T, listed bool) {
	want := map[string]string{}
	for name, text := range m.texts {
		want[m.s.External(name)] = text
	}
	docs := maps.Clone(m.state.docs)
	if !listed {
		maps.DeleteFunc(docs, func(external string, _ connectors.Change) bool { return want[external] == "" })
	}
	whole := newState()
	whole.read(t, m.s, -1)
	if d := cmp.Diff(told(t, whole.docs), told(t, docs)); d != "" {
		r.Fatalf("read change by change, it is not as read as a whole (-whole +changes):\n%s", d)
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(docs))); d != "" {
		r.Fatalf("other documents than there are (-there +known):\n%s", d)
	}
	for name := range m.texts {
		external := m.s.External(name)
		if text := readAll(t, docs[external]); !strings.Contains(text, want[external]) {
			r.Fatalf("%s is %q, not %q", external, text, want[external])
		}
		if m.s.ACL == nil {
			continue
		}
		if d := cmp.Diff(m.s.ACL(name), docs[external].ACL); d != "" {
			r.Fatalf("%s: another ACL (-there +known):\n%s", external, d)
		}
	}
}

// told is what a caller knows of documents: all but how to open them.
func told(t *testing.T, docs map[string]connectors.Change) map[string]known {
	out := map[string]known{}
	for external, c := range docs {
		out[external] = known{c.Metadata, c.ACL, readAll(t, c)}
	}
	return out
}

type known struct {
	Metadata connectors.Metadata
	ACL      *cairn.ACL
	Text     string
}
