// Package connectortest has the test that every connector must pass.
package connectortest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Source is a place with documents that a test can change. The documents have
// names, which are short words, and texts.
type Source struct {
	// Connect returns a new connector for the source, as after a restart.
	Connect func(t *testing.T) connectors.Connector
	// Put makes a document or changes it. What the connector opens must contain
	// the text.
	Put func(t *testing.T, name, text string)
	// Remove deletes a document.
	Remove func(t *testing.T, name string)
	// Break makes the reading of one document fail, other than by removing it;
	// nil when that cannot be arranged.
	Break func(t *testing.T, name string)
	// External returns the external id that a document has now.
	External func(name string) string

	// Cases is how many random histories are tried; 0: 50. Fewer are for a source of which
	// each takes a second. Where CAIRN_LONG_TESTS is set, a hundred are.
	Cases int

	// What follows may be nil; what is left out is not tested.

	// Move brings a document to another place in the source, such as another folder or
	// parent, with its text. External may return another id afterwards.
	Move func(t *testing.T, name string)
	// Follows says that the connector tells the former id of a document that was moved, also
	// of one that was changed as well since it was read.
	Follows bool
	// Permit changes who may read a document: n, 0 or more, stands for some arrangement of
	// the source's permissions.
	Permit func(t *testing.T, name string, n int)
	// ACL returns what the connector must tell of who may read a document now. Left out,
	// ACLs are compared only between one way of reading and another.
	ACL func(name string) *cairn.ACL
	// Puzzle gives a document permissions of a shape that the connector cannot know.
	Puzzle func(t *testing.T, name string)
	// Remote is where the source is served, when it is reached over the network.
	Remote *Remote
	// Content reports whether a request asks for what documents say. A reading of
	// permissions and groups alone makes none such, and at most PermissionRequests for
	// the five documents that tests begin with. Both are needed of a remote source whose
	// connector tells permissions.
	Content            func(r *http.Request, body string) bool
	PermissionRequests int
}

// NewSource makes a source without documents.
type NewSource func(t *testing.T) Source

// TestConnector checks that the connectors of sources made by newSource keep
// the contract of connectors.Connector and, where they have it, of
// connectors.Lister, connectors.Permissions or connectors.Parts, and connectors.Directory.
func TestConnector(t *testing.T, newSource NewSource) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, s Source)
	}{
		{"Empty", testEmpty}, {"Everything", testEverything}, {"Open", testOpen}, {"Resume", testResume},
		{"Follow", testFollow}, {"Replay", testReplay}, {"Broken", testBroken}, {"Hundred", testHundred}, {"List", testList}, {"ListAfter", testListAfter}, {"Moved", testMoved},
		{"Permissions", testPermissions}, {"Permitted", testPermitted}, {"Puzzle", testPuzzle}, {"PuzzleLater", testPuzzleLater}, {"Directory", testDirectory}, {"Cancel", testCancel},
		{"Faults", testFaults}, {"Outage", testOutage}, {"Refused", testRefused}, {"Expiry", testExpiry},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t)
			leaks := goleak.IgnoreCurrent()
			tt.test(t, s)
			if s.Remote != nil {
				s.Remote.network.CloseIdleConnections() // one that is in use, by a body that was not closed, is a leak
			}
			goleak.VerifyNone(t, leaks)
		})
	}
	t.Run("Model", func(t *testing.T) { testModel(t, newSource) })
}

// names are the documents that most tests begin with.
var names = []string{"alpha", "beta", "delta", "epsilon", "gamma"}

func textOf(name string) string { return "The text of " + name + "." }

func fill(t *testing.T, s Source) {
	t.Helper()
	for _, n := range names {
		s.Put(t, n, textOf(n))
	}
}

func testEmpty(t *testing.T, s Source) {
	st := newState()
	st.read(t, s, -1)
	st.want(t, s, nil)
}

func testEverything(t *testing.T, s Source) {
	fill(t, s)
	st := newState()
	st.read(t, s, -1)
	st.want(t, s, all())

	again := newState()
	again.read(t, s, -1)
	for external, c := range st.docs {
		if got := again.docs[external].Metadata; !cmp.Equal(c.Metadata, got) {
			t.Errorf("%s did not change, its metadata did:\n%s", external, cmp.Diff(c.Metadata, got))
		}
	}
}

// testOpen opens documents after the sequence has ended, twice, and from
// several goroutines at once.
func testOpen(t *testing.T, s Source) {
	fill(t, s)
	st := newState()
	st.read(t, s, -1)
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for _, n := range names {
				if c, ok := st.docs[s.External(n)]; ok && !strings.Contains(readAll(t, c), textOf(n)) {
					t.Errorf("%s has another text", n)
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range st.docs {
		r, err := c.Open(ctx)
		if err != nil {
			continue
		}
		if _, err := io.ReadAll(r); err == nil {
			t.Errorf("%s can be read although the context has ended", c.External)
		}
		_ = r.Close()
	}
}

// testResume ends the reading after every number of changes and goes on from
// the newest cursor: nothing may be lost.
func testResume(t *testing.T, s Source) {
	fill(t, s)
	for cut := 1; ; cut++ {
		st := newState()
		ended := st.read(t, s, cut)
		st.read(t, s, -1)
		st.want(t, s, all())
		if ended {
			return
		}
		if cut > 100*len(names) {
			t.Fatalf("the sequence of %d documents does not end", len(names))
		}
	}
}

// testFollow changes the source and reads on from the cursor of before.
func testFollow(t *testing.T, s Source) {
	fill(t, s)
	st := newState()
	st.read(t, s, -1)
	before := maps.Clone(st.docs)

	s.Put(t, "zeta", textOf("zeta"))
	s.Put(t, "beta", "Something else is in beta.")
	s.Remove(t, "gamma")
	st.read(t, s, -1)
	st.prune(t, s)

	want := all()
	delete(want, "gamma")
	want["zeta"], want["beta"] = textOf("zeta"), "Something else is in beta."
	st.want(t, s, want)
	changed, same := s.External("beta"), s.External("alpha")
	if was, is := before[changed].Metadata.Revision, st.docs[changed].Metadata.Revision; was == is && was != "" {
		t.Errorf("the document changed, its revision %q did not", was)
	}
	if was, is := before[same].Metadata.Revision, st.docs[same].Metadata.Revision; was != is {
		t.Errorf("the revision of an unchanged document went from %q to %q", was, is)
	}
}

// testBroken checks that a document that cannot be read stops nobody else.
func testBroken(t *testing.T, s Source) {
	if s.Break == nil {
		t.Skip("the harness cannot break a document")
	}
	fill(t, s)
	s.Break(t, "beta")
	st := newState()
	st.read(t, s, -1)
	broken := s.External("beta")
	if c, ok := st.docs[broken]; ok {
		r, err := c.Open(t.Context())
		if err == nil {
			_, err = io.ReadAll(r)
			_ = r.Close()
		}
		if err == nil {
			t.Error("the broken document can be read")
		}
		delete(st.docs, broken)
	} else if st.failed[broken] == nil {
		t.Errorf("the broken document is not reported: %v", st.failed)
	}
	want := all()
	delete(want, "beta")
	st.want(t, s, want)
}

func testList(t *testing.T, s Source) {
	if _, ok := s.Connect(t).(connectors.Lister); !ok {
		t.Skip("it does not list")
	}
	fill(t, s)
	s.Remove(t, "delta")
	var want []string
	for _, n := range names {
		if n != "delta" {
			want = append(want, s.External(n))
		}
	}
	slices.Sort(want)
	for range 2 {
		var got []string
		for external, err := range s.Connect(t).(connectors.Lister).Externals(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, external)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the listing differs (-want +got):\n%s", diff)
		}
	}
}

// testListAfter lists with the connector that has read the changes before, as a first
// sync may: the listing must be the same.
func testListAfter(t *testing.T, s Source) {
	c := s.Connect(t)
	lister, ok := c.(connectors.Lister)
	if !ok {
		t.Skip("it does not list")
	}
	fill(t, s)
	read, listed := map[string]bool{}, map[string]bool{}
	for change, err := range c.Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if change.Op == connectors.Upsert {
			read[change.External] = true
		}
	}
	for external, err := range lister.Externals(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		listed[external] = true
	}
	if diff := cmp.Diff(read, listed); diff != "" || len(read) != len(names) {
		t.Errorf("after the changes the listing differs (-read +listed):\n%s", diff)
	}
}

// testMoved moves documents, one of which is changed as well, and another one twice,
// between two readings: where the id is another one then, the former one must be told,
// once, and be gone.
func testMoved(t *testing.T, s Source) {
	if !s.Follows {
		t.Skip("it does not follow documents")
	}
	long := "\n"
	for i := range 20 {
		long += fmt.Sprintf("Line %d of a text that is long enough to be known again.\n", i)
	}
	for _, name := range names {
		s.Put(t, name, textOf(name)+long)
	}
	st := newState()
	st.read(t, s, -1)
	former := map[string]string{} // by what they are called now
	for i, name := range []string{names[0], names[1], names[2]} {
		was := s.External(name)
		if s.Move(t, name); i == 1 {
			s.Put(t, name, "Changed. "+textOf(name)+long)
		}
		if i == 2 {
			s.Move(t, name)
		}
		former[s.External(name)] = was
	}
	told := map[string]string{}
	for c, err := range s.Connect(t).Changes(t.Context(), st.cursor) {
		if err != nil {
			t.Fatal(err)
		}
		if st.apply(t, c); c.From != "" {
			told[c.External] = c.From
		}
	}
	if diff := cmp.Diff(former, told); diff != "" {
		t.Errorf("the former ids differ (-want +got):\n%s", diff)
	}
	listed, complete := tryList(t, s)
	for _, was := range former {
		if complete && slices.Contains(listed, was) {
			t.Errorf("%s is listed", was)
		}
	}
}

// testCancel ends the context at every place: the sequence must end soon, and a
// listing must not pass for complete.
func testCancel(t *testing.T, s Source) {
	fill(t, s)
	for after := range len(names) {
		ctx, cancel := context.WithCancel(t.Context())
		if after == 0 {
			cancel()
		}
		begin, n := time.Now(), 0
		var failed error
		for _, err := range s.Connect(t).Changes(ctx, "") {
			failed = err
			if n++; n == after {
				cancel()
			}
		}
		cancel()
		if failed == nil {
			t.Errorf("Changes: cancelled after %d of %d changes, it ended without an error", after, n)
		}
		if d := time.Since(begin); d > 3*time.Second {
			t.Errorf("Changes: cancelled, it went on for %v", d)
		}
		if lister, ok := s.Connect(t).(connectors.Lister); ok {
			checkListCancel(t, lister, after)
		}
	}
}

func checkListCancel(t *testing.T, lister connectors.Lister, after int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if after == 0 {
		cancel()
	}
	n := 0
	var failed error
	for _, err := range lister.Externals(ctx) {
		failed = err
		if n++; n == after {
			cancel()
		}
	}
	if failed == nil {
		t.Errorf("Externals: cancelled after %d of %d, it passes for complete", after, n)
	}
}
