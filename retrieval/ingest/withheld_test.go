package ingest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// books returns five documents with the word "secretword".
func books() map[string]string {
	files := map[string]string{}
	for i := range 5 {
		files[fmt.Sprintf("%d.md", i)] = fmt.Sprintf("# Book %d\n\nSecretword number %d.\n", i, i)
	}
	return files
}

// withheld makes a source lose all that it has, which waits for a confirmation then.
func (b *bench) withheld(w *wall) {
	b.t.Helper()
	w.files = nil
	if _, _, err := b.permit(w, cairn.SyncOptions{}); !ingest.IsWaiting(err) {
		b.t.Fatalf("all has vanished, and the run ends with %v", err)
	}
	b.closed("withheld", "secretword")
}

// edit changes the source's permissions, as an administrator does.
func (b *bench) edit(mode cairn.ACLMode, acl cairn.ACL) {
	b.t.Helper()
	var err error
	b.source, err = b.db.UpdateSource(b.t.Context(), b.source.ID, func(s *cairn.Source) error { s.ACLMode, s.ACL = mode, acl; return nil })
	check(b.t, err)
}

// Whatever becomes of the permissions of a source, what is withheld is open when the
// source has it again and not before, and then as was told last.
func TestWithheldIsOpenedByItsSourceAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	w := newWall(books())
	for name := range w.files {
		w.acls[name] = board
	}
	b.mustSync(&w.shelf)
	b.withheld(w)
	state := func(when string, own bool, acl cairn.ACL) {
		t.Helper()
		access, err := b.db.DocumentAccess(t.Context(), b.document("1.md"))
		check(t, err)
		if !access.Withheld || access.Own != own || access.ACL.Hash() != acl.Hash() {
			t.Errorf("%s: %+v, want withheld, and %v when it is back", when, access, acl)
		}
		if n := len(b.finds(aBoard, "secretword")) + len(b.finds(everyone, "secretword")); n > 0 {
			t.Errorf("%s: %d of what is withheld are found", when, n)
		}
	}
	state("as it vanished", true, board)
	b.edit(cairn.ACLDeclared, cairn.Allow(cairn.Everyone))
	state("declared", false, cairn.Allow(cairn.Everyone))
	b.edit(cairn.ACLFromSource, cairn.ACL{})
	state("read at the source again", false, cairn.ACL{})
	b.edit(cairn.ACLDeclared, hr)
	b.declare(cairn.Allow(cairn.Everyone))
	state("declared once more", false, cairn.Allow(cairn.Everyone))

	b.source.Kind = "overruled"
	w.files = books()
	delete(w.files, "0.md") // which is one in five: no longer too many
	b.mustPermit(w)
	if got := b.finds(everyone, "secretword"); len(got) != 4 {
		t.Errorf("back, and found are %q", got)
	}
	w.files, w.acls = books(), nil
	b.mustSync(&w.shelf)
	if got := b.finds(everyone, "secretword"); len(got) != 5 {
		t.Errorf("the last is back, and found are %q", got)
	}
	if n := b.count(`SELECT count(*) FROM documents WHERE withheld_acl IS NOT NULL`); n != 0 {
		t.Errorf("%d are still withheld", n)
	}
}

// What the source lists, but cannot tell about, stays withheld.
func TestUntoldStaysWithheld(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	w := newWall(books())
	for name := range w.files {
		w.acls[name] = cairn.Allow(cairn.Everyone)
	}
	b.mustSync(&w.shelf)
	b.withheld(w)
	w.files = books()
	w.untold["1.md"] = errors.New("forbidden")
	b.mustPermit(w)
	if got := b.finds(everyone, "secretword"); len(got) != 4 {
		t.Errorf("found are %q, want all but the one that is not told about", got)
	}
	delete(w.untold, "1.md")
	b.mustPermit(w)
	if got := b.finds(everyone, "secretword"); len(got) != 5 {
		t.Errorf("all is told, and found are %q", got)
	}
}

// What is withheld and hers alone is erased with her, like all that is.
func TestErasureOfAPersonReachesWithheld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		withheld  bool
		confirmed bool
	}{{name: "listed"}, {name: "withheld", withheld: true}, {name: "withheld and then hidden", withheld: true, confirmed: true}} {
		b := newBench(t)
		ann, err := b.db.CreateAccount(t.Context(), cairn.Account{Email: "ann@acme.test", Role: cairn.RoleMember})
		check(t, err)
		b.source, err = b.db.CreateSource(t.Context(), cairn.Source{Name: "diary", Kind: "shelf", ACLMode: cairn.ACLDeclared,
			Owner: ann.ID, ACL: cairn.Allow(cairn.AccountKey(ann.ID))})
		check(t, err)
		w := newWall(books())
		w.acls["4.md"] = cairn.Allow(cairn.UserKey(ann.Email)) // by a rule of the source
		b.mustSync(&w.shelf)
		if c.withheld {
			b.withheld(w)
		}
		if c.confirmed {
			_, _, err := b.permit(w, cairn.SyncOptions{Confirm: true})
			check(t, err)
		}
		receipt, err := b.db.EraseAccount(t.Context(), ann.ID, "")
		check(t, err)
		if receipt.Counts["documents"] != 5 || receipt.Counts["bodies"] != 5 {
			t.Errorf("%s: the receipt says %v", c.name, receipt.Counts)
		}
		for _, table := range []string{"documents", "chunks", "bodies", "acl_keys WHERE principal <> 'everyone'"} {
			if n := b.count(`SELECT count(*) FROM ` + table); n != 0 {
				t.Errorf("%s: %d of %s are left", c.name, n, table)
			}
		}
		if n := b.count(`SELECT count(*) FROM sources WHERE name = 'diary'`); n != 0 {
			t.Errorf("%s: her source is left", c.name)
		}
	}
}
