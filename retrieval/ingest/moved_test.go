package ingest_test

import (
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// moved is a change that tells where a document was before.
func moved(s *shelf, from, to, text string) connectors.Change {
	delete(s.files, from)
	s.files[to] = text
	c := s.change(to)
	c.From = from
	return c
}

// told does what a worker does with changes; the listing is that of the shelf, unless it
// is not asked for.
func (b *bench) told(s *shelf, list bool, changes ...connectors.Change) cairn.Counts {
	b.t.Helper()
	taken := b.take(cairn.SyncOptions{})
	result, err := b.syncer.Run(b.t.Context(), ingest.Sync{Source: b.source, Lease: taken.Lease, Prune: list, Connector: struct {
		script
		connectors.Lister
	}{changes, s}})
	check(b.t, err)
	b.finish(taken, result, err)
	return result.Counts
}

// A document that was moved and edited between two syncs is the same one: it has its id,
// and so its citations, and its former versions. It takes the permissions of its place.
func TestMovedAndEdited(t *testing.T) {
	t.Parallel()
	for _, list := range []bool{true, false} {
		b := newBench(t)
		s := &shelf{files: map[string]string{"a.md": "# Plan\n\nGannets dive.", "b.md": "Terns.", "c.md": "Gulls."}, acls: map[string]cairn.ACL{"hr/a.md": hr}}
		b.mustSync(s)
		id := b.document("a.md")
		c := moved(s, "a.md", "hr/a.md", "# Plan\n\nGannets dive, and cormorants.")
		if got := b.told(s, list, c, connectors.Change{Op: connectors.Delete, External: "a.md"}); got != counts(1, 0, 1, 0, 0, 0) {
			t.Errorf("%t: %+v", list, got)
		}
		if again := b.document("hr/a.md"); again != id {
			t.Errorf("%t: it was %s and is %s", list, id, again)
		}
		if n := b.count(`SELECT count(*) FROM bodies WHERE document_id = $1`, id); n != 2 {
			t.Errorf("%t: it has %d versions", list, n)
		}
		b.closed("after it was moved", "gannets")
		if got := b.finds(cairn.Viewer{Account: "h", Keys: []cairn.PrincipalKey{"group:cairn:hr"}}, "cormorants"); len(got) != 1 {
			t.Errorf("%t: HR finds %q", list, got)
		}
		if n := b.count(`SELECT count(*) FROM documents WHERE external_id = 'a.md'`); n != 0 {
			t.Errorf("%t: the former name is still there", list)
		}
	}
}

// What is moved and cannot be read is the same document, too: its text stays, and its
// permissions are those of the new place.
func TestMovedAndUnreadable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.docx": "Plain text about pelicans.", "b.md": "Terns."}, acls: map[string]cairn.ACL{"hr/a.docx": hr}}
	b.mustSync(s)
	id := b.document("a.docx")
	if got := b.told(s, true, moved(s, "a.docx", "hr/a.docx", brokenFile)); got.Failed != 1 || got.Deleted != 0 {
		t.Errorf("%+v", got)
	}
	if again := b.document("hr/a.docx"); again != id {
		t.Errorf("it was %s and is %s", id, again)
	}
	b.closed("after it was moved", "pelicans")
}

// A former name that the source still lists, that is not known, or that belongs to a
// document which has its place already, counts for nothing.
func TestFormerNamesThatDoNotCount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "Gannets.", "b.md": "Terns.", "c.md": "Gulls."}}
	b.mustSync(s)
	a, bb := b.document("a.md"), b.document("b.md")
	copied := moved(s, "a.md", "copy.md", "Gannets, once more.")
	s.files["a.md"] = "Gannets."
	replaced := moved(s, "a.md", "b.md", "Terns again.")
	s.files["a.md"] = "Gannets."
	unknown := moved(s, "nothing.md", "new.md", "Herons.")
	if got := b.told(s, true, copied, replaced, unknown); got != counts(3, 2, 1, 0, 0, 0) {
		t.Errorf("%+v", got)
	}
	if b.document("a.md") != a || b.document("b.md") != bb || b.document("copy.md") == a {
		t.Error("a document has become another one")
	}
	b.open("it was copied, not moved", "gannets")
}

// A document that was hidden by a run of permissions, because its old name had gone, is
// the same one again.
func TestMovedAndHidden(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"a.md": "Gannets dive.", "b.md": "Terns.", "c.md": "Gulls.", "d.md": "Storks."})
	b.mustSync(&w.shelf)
	id := b.document("a.md")
	c := moved(&w.shelf, "a.md", "z.md", "Gannets dive deep.")
	b.mustPermit(w)
	b.closed("hidden", "gannets")
	b.told(&w.shelf, true, c)
	if again := b.document("z.md"); again != id {
		t.Errorf("it was %s and is %s", id, again)
	}
	b.open("under its new name", "deep")
}

// Documents that take each other's names, by way of a third one or in a chain, stay what
// they were.
func TestNamesThatAreTakenAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "Gannets.", "b.md": "Terns.", "c.md": "Gulls."}}
	b.mustSync(s)
	first, second, third := b.document("a.md"), b.document("b.md"), b.document("c.md")
	got := b.told(s, false, moved(s, "a.md", "t.md", "Gannets, on their way."), moved(s, "b.md", "a.md", "Terns dive."),
		moved(s, "t.md", "b.md", "Gannets dive."), connectors.Change{Op: connectors.Delete, External: "t.md"})
	if got != counts(2, 0, 2, 0, 0, 0) || b.document("a.md") != second || b.document("b.md") != first {
		t.Errorf("they have changed places: %+v", got)
	}
	got = b.told(s, false, moved(s, "c.md", "d.md", "Gulls dive."), moved(s, "b.md", "c.md", "Gannets."), moved(s, "a.md", "b.md", "Terns."))
	if got != counts(3, 0, 3, 0, 0, 0) || b.document("b.md") != second || b.document("c.md") != first || b.document("d.md") != third {
		t.Errorf("they have moved on by one: %+v", got)
	}
	b.open("under their new names", "terns")
	b.open("under their new names", "gannets")
}

// A document that was hidden and is back under its name stays what it is, although
// another one comes with its text.
func TestBackAndCopied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWall(map[string]string{"a.md": "Gannets dive.", "b.md": "Terns.", "c.md": "Gulls.", "d.md": "Storks."})
	b.mustSync(&w.shelf)
	id := b.document("a.md")
	text := w.files["a.md"]
	delete(w.files, "a.md")
	b.mustPermit(w)
	back := &shelf{files: map[string]string{"a.md": text, "z.md": text}}
	b.told(&w.shelf, true, back.change("z.md"), back.change("a.md")) // it comes after the listing
	if b.document("a.md") != id || b.document("z.md") == id {
		t.Error("the copy has become the document")
	}
}

// That a document is gone may be told in the same breath as the one that has its text: it
// has another name, and nothing was deleted.
func TestRenamedAndToldAsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "Gannets.", "b.md": "Terns.", "c.md": "Gulls."}}
	b.mustSync(s)
	id := b.document("a.md")
	delete(s.files, "a.md")
	s.files["z.md"] = "Gannets."
	got := b.told(s, true, connectors.Change{Op: connectors.Delete, External: "a.md"}, s.change("z.md"))
	if got != counts(1, 0, 1, 0, 0, 0) || b.document("z.md") != id {
		t.Errorf("%+v", got)
	}
}

// What was moved and then deleted, beyond the guard, is withheld under the name that it
// has in the store.
func TestMovedAndWithheld(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "Gannets.", "b.md": "Terns.", "c.md": "Gulls.", "d.md": "Storks."}}
	b.mustSync(s)
	gone := script{moved(s, "a.md", "z.md", "Gannets."), {Op: connectors.Delete, External: "z.md"}, {Op: connectors.Delete, External: "b.md"}}
	if _, err := b.sync(gone, cairn.SyncOptions{}); !ingest.IsWaiting(err) {
		t.Errorf("half of it is gone, and the run ends with %v", err)
	}
	b.closed("withheld", "gannets")
	b.closed("withheld", "terns")
	b.open("still there", "gulls")
}
