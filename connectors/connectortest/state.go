package connectortest

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors"
)

// state is what a caller would have stored.
type state struct {
	cursor connectors.Cursor
	docs   map[string]connectors.Change
	failed map[string]error
	seen   int // upserts
}

func newState() *state {
	return &state{docs: map[string]connectors.Change{}, failed: map[string]error{}}
}

// read takes at most limit changes of a new connector into the state and
// reports whether the sequence ended. Cursors count as soon as they come.
func (st *state) read(t *testing.T, s Source, limit int) (ended bool) {
	t.Helper()
	n := 0
	for c, err := range s.Connect(t).Changes(t.Context(), st.cursor) {
		if err != nil {
			t.Fatalf("after %d changes: %v", n, err)
		}
		st.apply(t, c)
		if n++; n == limit {
			return false
		}
	}
	return true
}

// tryRead is read of everything, and reports whether there was no error.
func (st *state) tryRead(t *testing.T, s Source) bool {
	t.Helper()
	for c, err := range s.Connect(t).Changes(t.Context(), st.cursor) {
		if err != nil {
			return false
		}
		st.apply(t, c)
	}
	return true
}

// tryList lists the documents of a source and reports whether the list is complete.
func tryList(t *testing.T, s Source) (listed []string, complete bool) {
	t.Helper()
	lister, ok := s.Connect(t).(connectors.Lister)
	if !ok {
		return nil, false
	}
	for external, err := range lister.Externals(t.Context()) {
		if err != nil {
			return listed, false
		}
		listed = append(listed, external)
	}
	return listed, true
}

func (st *state) apply(t *testing.T, c connectors.Change) {
	t.Helper()
	checkChange(t, c)
	switch {
	case c.Err != nil:
		st.failed[c.External] = c.Err
	case c.Op == connectors.Upsert:
		st.docs[c.External] = c
		st.seen++
	case c.Op == connectors.SetACL:
		if d, ok := st.docs[c.External]; ok {
			d.ACL = c.ACL
			st.docs[c.External] = d
		}
	case c.Op == connectors.Delete:
		delete(st.docs, c.External)
	}
	if c.Cursor != "" {
		st.cursor = c.Cursor
	}
}

// prune deletes what a complete listing does not have, as a caller would.
func (st *state) prune(t *testing.T, s Source) {
	t.Helper()
	lister, ok := s.Connect(t).(connectors.Lister)
	if !ok {
		return
	}
	listed := map[string]bool{}
	for external, err := range lister.Externals(t.Context()) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		listed[external] = true
	}
	maps.DeleteFunc(st.docs, func(external string, _ connectors.Change) bool { return !listed[external] })
}

// want fails the test unless exactly the named documents are stored, with
// their texts.
func (st *state) want(t *testing.T, s Source, texts map[string]string) {
	t.Helper()
	got := map[string]string{}
	for external, c := range st.docs {
		got[external] = readAll(t, c)
	}
	want := map[string]string{}
	for name, text := range texts {
		external := s.External(name)
		want[external] = text
		if strings.Contains(got[external], text) {
			got[external] = text // a connector may put a frame around it
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the documents differ (-want +got):\n%s", diff)
	}
}

func all() map[string]string {
	texts := map[string]string{}
	for _, n := range names {
		texts[n] = textOf(n)
	}
	return texts
}

// tryRead returns the text of a document, or why it cannot be read.
func tryRead(t *testing.T, c connectors.Change) (string, error) {
	t.Helper()
	r, err := c.Open(t.Context())
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func readAll(t *testing.T, c connectors.Change) string {
	t.Helper()
	r, err := c.Open(t.Context())
	if err != nil {
		t.Errorf("open %s: %v", c.External, err)
		return ""
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("read %s: %v", c.External, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close %s: %v", c.External, err)
	}
	return string(b)
}

// checkChange checks what a change says of itself.
func checkChange(t *testing.T, c connectors.Change) {
	t.Helper()
	if c.Op == connectors.Checkpoint {
		if c.External != "" || c.Cursor == "" {
			t.Errorf("a checkpoint has the external id %q and the cursor %q", c.External, c.Cursor)
		}
		return
	}
	if c.External == "" || strings.ContainsRune(c.External, 0) {
		t.Errorf("a change has the external id %q", c.External)
	}
	if c.From != "" && (c.Op != connectors.Upsert || c.From == c.External || c.Err != nil) {
		t.Errorf("%s: %v has the former id %q", c.External, c.Op, c.From)
	}
	for _, text := range []string{c.External, c.From, c.Metadata.Title, c.Metadata.Author, c.Metadata.Filename, c.Metadata.Revision} {
		if !utf8.ValidString(text) {
			t.Errorf("%s: %q is not UTF-8", c.External, text)
		}
	}
	if c.Err != nil {
		if c.Err.Error() == "" || c.Open != nil {
			t.Errorf("%s: a failed document has the reason %q, and Open is set: %v", c.External, c.Err, c.Open != nil)
		}
		return
	}
	if (c.Open != nil) != (c.Op == connectors.Upsert) {
		t.Errorf("%s: %v, and Open is set: %v", c.External, c.Op, c.Open != nil)
	}
	if c.ACL != nil {
		if err := connectors.InDirectory(*c.ACL, "site").Validate(); err != nil {
			t.Errorf("%s: %v", c.External, err)
		}
	}
	if err := checkMetadata(c.Metadata); err != nil {
		t.Errorf("%s: %v", c.External, err)
	}
}

func checkMetadata(m connectors.Metadata) error {
	if m.URL != "" {
		u, err := url.Parse(m.URL)
		if err != nil {
			return fmt.Errorf("the URL %q is malformed: %w", m.URL, err)
		}
		if u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "file" {
			return fmt.Errorf("the URL %q is not one of a browser", m.URL)
		}
	}
	for _, at := range []time.Time{m.Created, m.Modified} {
		if !at.IsZero() && (at.Location() != time.UTC || time.Until(at) > time.Hour) {
			return fmt.Errorf("the time %v is not in UTC or in the future", at)
		}
	}
	if m.Size < 0 {
		return fmt.Errorf("the size is %d", m.Size)
	}
	return nil
}
