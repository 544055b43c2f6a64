package postgres

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/jobs/schedule"
	"github.com/cairnhq/cairn/server/api"
)

func TestSources(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleAdmin)
	made, err := f.CreateSource(ctx, cairn.Source{
		Name: "handbook", Kind: "files", Settings: map[string]string{"path": "/srv/handbook"},
		ACLMode: cairn.ACLDeclared, ACL: cairn.Allow("everyone", cairn.AccountKey(ann.ID)), Owner: ann.ID,
	})
	f.check(err)
	status, err := f.SourceByName(ctx, "handbook")
	f.check(err)
	byID, err := f.SourceByID(ctx, made.ID)
	f.check(err)
	if d := cmp.Diff(api.SourceStatus{Source: made, LastSync: schedule.Last{Since: made.Created}}, status) + cmp.Diff(made, byID); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
	_, err = f.CreateSource(ctx, made)
	wantError(t, "same name", err, cairn.ErrConflict)
	for what, change := range map[string]func(s *cairn.Source){
		"name":  func(s *cairn.Source) { s.Name = "Hand Book" },
		"mode":  func(s *cairn.Source) { s.ACLMode = "open" },
		"ACL":   func(s *cairn.Source) { s.ACL = cairn.Allow("*") },
		"owner": func(s *cairn.Source) { s.Owner = "nobody" },
		"text":  func(s *cairn.Source) { s.Settings = map[string]string{"path": "a\x00b"} },
	} {
		s := made
		s.Name = "other"
		change(&s)
		_, err = f.CreateSource(ctx, s)
		wantError(t, what, err, cairn.ErrInvalid)
	}
	for _, name := range []string{"", "other", "n\x00l"} {
		_, err = f.SourceByName(ctx, name)
		wantError(t, "unknown name", err, cairn.ErrNotFound)
		_, err = f.SourceByID(ctx, cairn.SourceID(name))
		wantError(t, "unknown id", err, cairn.ErrNotFound)
	}
}

func TestSourceStatus(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.source("handbook", cairn.Allow(cairn.Everyone))
	f.document(s, "a", "A", "text", s.ACL)
	f.hide(f.document(s, "b", "B", "text", s.ACL))
	f.exec(`INSERT INTO document_errors (source_id, external_id, code, reason) VALUES ($1, 'c', 'corrupt', 'It is damaged.')`, s.ID)
	for i, id := range []string{"old", "new"} {
		f.exec(`INSERT INTO runs (id, source_id, state, created_at) VALUES ($1, $2, 'failed', now() + $3 * interval '1 s')`, id, s.ID, i)
	}
	got, err := f.SourceByName(t.Context(), "handbook")
	f.check(err)
	if got.Documents != 1 || got.Errors != 1 || got.LastRun == nil || got.LastRun.ID != "new" {
		t.Errorf("status: %+v with run %+v; want 1 document, 1 error, the new run", got, got.LastRun)
	}
}

// TestAuthorityOfASourceGoesWithItsChunks also changes it: no document has to be
// written for that.
func TestAuthorityOfASourceGoesWithItsChunks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	s := f.source("handbook", cairn.Allow(cairn.AccountKey(ann.Account)))
	id := f.document(s, "a", "A", "text", s.ACL)
	var chunk int64
	f.check(f.worker.QueryRow(ctx, `SELECT id FROM chunks WHERE document_id = $1`, id).Scan(&chunk))
	for _, tt := range []struct {
		settings map[string]string
		want     float64
	}{{nil, 0}, {map[string]string{"authority": "0.25"}, 0.25}, {map[string]string{"authority": "1"}, 1}, {map[string]string{"path": "/"}, 0}} {
		s.Settings = tt.settings
		f.check(f.replace(s))
		got, err := f.Hydrate(ctx, ann, []int64{chunk})
		f.check(err)
		if len(got) != 1 || got[0].Authority != tt.want {
			t.Errorf("settings %v: %+v; want authority %g", tt.settings, got, tt.want)
		}
	}
}

func TestListSources(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want := numbered("s", 5)
	for _, name := range want {
		f.source(name, cairn.ACL{})
	}
	var got []string
	for _, s := range allPages(t, 2, 3, func(p api.Page) ([]api.SourceStatus, string, error) { return f.ListSources(t.Context(), p) }) {
		got = append(got, s.Name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
}

func TestReadableSources(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.member("ann"), f.member("bob")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	want := numbered("s", 5)
	for _, name := range want {
		f.document(f.source(name, anns), "a", "A", "text", anns)
	}
	f.hide(f.document(f.source("hidden", anns), "a", "A", "text", anns))
	f.source("empty", anns)
	got := allPages(t, 2, 3, func(p api.Page) ([]string, string, error) { return f.ReadableSources(ctx, ann, p) })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Ann's sources (-want +got):\n%s", d)
	}
	for _, v := range []cairn.Viewer{bob, {}} {
		if got, _, err := f.ReadableSources(ctx, v, api.Page{Limit: 9}); err != nil || len(got) > 0 {
			t.Errorf("a stranger's sources: %v, %v", got, err)
		}
	}
}

// readers returns which of the viewers may read a document, and checks that its
// chunks have the class of the document.
func (f *fixture) readers(id cairn.DocumentID, viewers ...cairn.Viewer) (n int) {
	f.t.Helper()
	for _, v := range viewers {
		if _, err := f.Document(f.t.Context(), v, id, ""); err == nil {
			n++
		}
	}
	if f.count(`SELECT count(*) FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.id = $1 AND c.acl_id <> d.acl_id`, id) != 0 {
		f.t.Errorf("the chunks of %s have another class than the document", id)
	}
	return n
}

// replace gives a source what may be changed of it.
func (f *fixture) replace(s cairn.Source) error {
	_, err := f.UpdateSource(f.t.Context(), s.ID, func(stored *cairn.Source) error { *stored = s; return nil })
	return err
}

// TestUpdateSourceLosesNoEdit edits different things of a source at once.
func TestUpdateSourceLosesNoEdit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	s := f.source("handbook", cairn.Allow(cairn.Everyone))
	id := f.document(s, "a", "A", "text", s.ACL)
	ann := f.member("ann")
	edits := []func(*cairn.Source){
		func(s *cairn.Source) { s.Paused = true },
		func(s *cairn.Source) { s.ACL = cairn.Allow(cairn.AccountKey(ann.Account)) },
	}
	for i := range 30 { // more than the pool has connections
		edits = append(edits, func(s *cairn.Source) { s.Settings[fmt.Sprint("s", i)] = "x" })
	}
	var wg sync.WaitGroup
	for _, edit := range edits {
		wg.Go(func() {
			_, err := f.UpdateSource(ctx, s.ID, func(s *cairn.Source) error {
				time.Sleep(2 * time.Millisecond)
				edit(s)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := f.SourceNamed(ctx, "handbook")
	f.check(err)
	if !got.Paused || len(got.Settings) != 30 || !slices.Equal(got.ACL.Allow[0], []cairn.PrincipalKey{cairn.AccountKey(ann.Account)}) {
		t.Errorf("an edit is lost: %+v", got)
	}
	if f.readers(id, cairn.Viewer{Account: "x", Keys: []cairn.PrincipalKey{cairn.Everyone}}) != 0 || f.readers(id, ann) != 1 {
		t.Error("the documents have another ACL than the source")
	}
	failed := errors.New("no")
	_, err = f.UpdateSource(ctx, s.ID, func(s *cairn.Source) error { s.Paused, s.Settings["s0"] = false, "y"; return failed })
	wantError(t, "an edit that fails", err, failed)
	if after, err := f.SourceNamed(ctx, "handbook"); err != nil || cmp.Diff(got, after) != "" {
		t.Errorf("after an edit that failed %+v, %v", after, err)
	}
	_, err = f.SourceNamed(ctx, "")
	wantError(t, "no name", err, cairn.ErrNotFound)
	_, err = f.SourceNamed(ctx, "n\x00l")
	wantError(t, "bad text", err, cairn.ErrNotFound)
}

func TestUpdateSourceChangesTheACLOfItsDocuments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.member("ann"), f.member("bob")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", cairn.Allow(cairn.AccountKey(bob.Account)))
	theirs := f.document(s, "a", "A", "text", s.ACL)
	own := f.document(s, "b", "B", "text", cairn.ACL{})
	f.exec(`UPDATE documents SET acl_own = true WHERE id = $1`, own)
	elsewhere := f.document(f.source("other", s.ACL), "a", "A", "text", s.ACL)

	s.ACL, s.Paused, s.Settings = anns, true, map[string]string{"path": "/srv"}
	f.check(f.replace(s))
	got, err := f.SourceByID(ctx, s.ID)
	f.check(err)
	if d := cmp.Diff(s, got); d != "" {
		t.Errorf("updated (-want +got):\n%s", d)
	}
	if f.readers(theirs, ann) != 1 || f.readers(theirs, bob) != 0 {
		t.Error("the new ACL does not hold for a document of the source")
	}
	if f.readers(own, ann, bob) != 0 {
		t.Error("a document with an ACL of its own has lost it")
	}
	if f.readers(elsewhere, ann) != 0 || f.readers(elsewhere, bob) != 1 {
		t.Error("a document of another source has changed")
	}

	s.ID = "none"
	wantError(t, "unknown", f.replace(s), cairn.ErrNotFound)
}

func TestUpdateSourceBetweenModes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann, bob := f.member("ann"), f.member("bob")
	anns, bobs := cairn.Allow(cairn.AccountKey(ann.Account)), cairn.Allow(cairn.AccountKey(bob.Account))
	s := f.source("wiki", anns)
	told, untold := f.document(s, "a", "A", "text", bobs), f.document(s, "b", "B", "text", anns)
	f.exec(`UPDATE documents SET acl_own = true WHERE id = $1`, told) // as the connector read it

	s.ACLMode = cairn.ACLFromSource
	f.check(f.replace(s))
	if f.readers(told, bob) != 1 || f.readers(told, ann) != 0 {
		t.Error("the permissions that the connector read have given way to the configuration")
	}
	if f.readers(untold, ann, bob) != 0 {
		t.Error("a document of which the connector has told nothing is readable")
	}
	s.ACLMode = cairn.ACLDeclared
	f.check(f.replace(s))
	for _, id := range []cairn.DocumentID{told, untold} {
		if f.readers(id, ann) != 1 || f.readers(id, bob) != 0 {
			t.Error("what is declared does not hold for all documents")
		}
	}
}
