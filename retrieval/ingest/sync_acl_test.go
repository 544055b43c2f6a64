package ingest_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

const mailWithAttachment = "From: Ann <ann@acme.test>\r\nTo: all@acme.test\r\nSubject: Offer\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nThe herons are enclosed.\r\n" +
	"--b\r\nContent-Type: text/plain; name=\"prices.txt\"\r\nContent-Disposition: attachment; filename=\"prices.txt\"\r\n\r\n" +
	"Flamingos cost forty euros.\r\n--b--\r\n"

var hr = cairn.Allow("group:cairn:hr")

// closed fails the test when everybody finds a word.
func (b *bench) closed(when, word string) {
	b.t.Helper()
	if got := b.finds(everyone, word); len(got) > 0 {
		b.t.Errorf("%s: everybody finds %q", when, got)
	}
}

func (b *bench) open(when, word string) {
	b.t.Helper()
	if got := b.finds(everyone, word); len(got) == 0 {
		b.t.Errorf("%s: nobody finds %q", when, word)
	}
}

func (b *bench) mustSync(s connectors.Connector) cairn.Run {
	b.t.Helper()
	run, err := b.sync(s, cairn.SyncOptions{})
	check(b.t, err)
	return run
}

// declare changes the source's own ACL, as an administrator does.
func (b *bench) declare(acl cairn.ACL) {
	b.t.Helper()
	_, err := b.db.UpdateSource(b.t.Context(), b.source.ID, func(s *cairn.Source) error { s.ACL = acl; return nil })
	check(b.t, err)
	b.source.ACL = acl
}

func TestACLReachesAttachments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"m.eml": mailWithAttachment}, acls: map[string]cairn.ACL{}}
	b.mustSync(s)
	b.open("before", "flamingos")
	s.acls["m.eml"] = hr
	b.mustSync(s)
	b.closed("after the mail was closed", "herons")
	b.closed("after the mail was closed", "flamingos")
	delete(s.files, "m.eml")
	b.mustSync(s)
	b.closed("after the mail was deleted", "flamingos")
}

// TestOwnACLIsNotedWhenEqual gives a document a rule that says what the source
// says anyway: it must hold when the source is opened, and go when it is dropped.
func TestOwnACLIsNotedWhenEqual(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.declare(hr)
	s := &shelf{files: map[string]string{"pay.md": "# Pay\n\nCormorants earn more."}, acls: map[string]cairn.ACL{}}
	b.mustSync(s)
	s.acls["pay.md"] = hr
	b.mustSync(s)
	b.declare(cairn.Allow(cairn.Everyone))
	b.closed("a rule of its own", "cormorants")
	s.acls["pay.md"] = cairn.Allow(cairn.Everyone)
	b.mustSync(s)
	b.open("its rule was opened", "cormorants")
	delete(s.acls, "pay.md")
	b.mustSync(s)
	b.declare(hr)
	b.closed("without a rule the source's holds", "cormorants")
}

// TestUnreadableRevisionTakesTheNewACL narrows the permissions of a document in
// the same moment in which it becomes unreadable.
func TestUnreadableRevisionTakesTheNewACL(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"x.docx": "Plain text about pelicans."}, acls: map[string]cairn.ACL{}}
	b.mustSync(s)
	b.open("before", "pelicans")
	s.files["x.docx"] = brokenFile
	s.acls["x.docx"] = hr
	b.mustSync(s)
	b.closed("after", "pelicans")
	s.acls["x.docx"] = cairn.Allow("group:cairn:board")
	for range 6 { // until it is no longer tried
		b.mustSync(s)
	}
	board := cairn.Viewer{Account: "b", Keys: []cairn.PrincipalKey{"group:cairn:board"}}
	if got := b.finds(board, "pelicans"); len(got) != 1 {
		t.Errorf("the board finds %q", got)
	}
}

func TestNamesWithExclamationMarks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"Important!/a.md": "# A\n\nGannets.", "b.md": "# B\n\nTerns.", "b.md!/c.md": "# C\n\nGulls.", "d.md": "# D\n\nd"}}
	b.mustSync(s)
	for range 3 {
		if run := b.mustSync(s); run.Added+run.Deleted != 0 {
			t.Fatalf("nothing has changed, and the run says %+v", run.Counts)
		}
	}
	delete(s.files, "b.md!/c.md")
	if run := b.mustSync(s); run.Deleted != 1 {
		t.Errorf("one document is gone: %+v", run.Counts)
	}
}

// late is a shelf on which a document is missing from the listing only.
type late struct {
	*shelf
	missing string
}

func (l late) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for name, err := range l.shelf.Externals(ctx) {
			if name != l.missing && !yield(name, err) {
				return
			}
		}
	}
}

func TestPresentAfterTheListingIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"a.md": "# A\n\nGannets.", "b.md": "# B\n\nTerns.", "c.md": "# C\n\nGulls.", "d.md": "# D\n\nd"}}
	b.mustSync(s)
	taken := b.take(cairn.SyncOptions{})
	result, err := b.syncer.Run(t.Context(), ingest.Sync{Source: b.source, Connector: late{s, "b.md"}, Lease: taken.Lease, Prune: true})
	check(t, err)
	if result.Counts.Deleted != 0 || len(b.externals()) != 4 {
		t.Errorf("deleted %d, left %d", result.Counts.Deleted, len(b.externals()))
	}
}

// script is a source that tells the same changes each time.
type script []connectors.Change

func (s script) Changes(context.Context, connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for _, c := range s {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func TestUpsertThenACLInOneBatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	upsert := (&shelf{files: map[string]string{"a.md": "# A\n\nGannets dive."}}).change("a.md")
	acl := connectors.Change{Op: connectors.SetACL, External: "a.md", ACL: &hr}
	taken := b.take(cairn.SyncOptions{})
	_, err := b.syncer.Run(t.Context(), ingest.Sync{Source: b.source, Connector: script{upsert, acl}, Lease: taken.Lease})
	check(t, err)
	b.closed("an ACL came after the document", "gannets")
	if got := b.finds(cairn.Viewer{Account: "h", Keys: []cairn.PrincipalKey{"group:cairn:hr"}}, "gannets"); len(got) != 1 {
		t.Errorf("HR finds %q", got)
	}
}

func TestErrorsAreForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"bad.docx": brokenFile, "shut.md": "# Shut\n\nText.", "ok.md": "# Ok\n\nText."}, broken: map[string]bool{}}
	b.mustSync(s)
	s.broken["shut.md"] = true
	if run := b.mustSync(s); run.Failed != 2 {
		t.Fatalf("%+v", run.Counts)
	}
	delete(s.files, "bad.docx")      // gone
	delete(s.broken, "shut.md")      // readable again, and unchanged
	s.files["new.md"] = "# New\n\nx" // something else
	b.mustSync(s)
	known, err := b.store.Known(t.Context(), b.source.ID, []string{"bad.docx", "shut.md"})
	check(t, err)
	if known["bad.docx"].Failed || known["shut.md"].Failed {
		t.Errorf("errors are left: %+v", known)
	}
}

func TestPushedDocumentsAreErasedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pusher := &ingest.Pusher{Store: b.store, Sources: b.db, Prepare: b.syncer.Prepare}
	pushed, err := pusher.Put(t.Context(), b.source.ID, ingest.Push{External: "x", Title: "Mail", Content: []byte(mailWithAttachment), MediaType: "message/rfc822"})
	check(t, err)
	b.open("before", "flamingos")
	check(t, pusher.Delete(t.Context(), b.source.ID, "x"))
	b.closed("after", "flamingos")
	if _, err := b.db.Document(t.Context(), everyone, pushed.ID, pushed.Version); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("the document is still there: %v", err)
	}
}

// TestA12_06_FailureKeepsThePermissions: a document whose source fails is no more open
// than before, and the run says that it failed.
func TestA12_06_FailureKeepsThePermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"pay.md": "# Pay\n\nCormorants earn more."}, acls: map[string]cairn.ACL{"pay.md": hr}, broken: map[string]bool{}}
	b.mustSync(s)
	s.broken["pay.md"] = true
	if run := b.mustSync(s); run.Failed != 1 {
		t.Errorf("%+v", run.Counts)
	}
	b.closed("the document could not be read", "cormorants")
	s.listed = errors.New("429")
	_, _ = b.sync(s, cairn.SyncOptions{})
	b.closed("nothing could be read", "cormorants")
	if got := b.finds(cairn.Viewer{Account: "h", Keys: []cairn.PrincipalKey{"group:cairn:hr"}}, "cormorants"); len(got) != 1 {
		t.Errorf("HR finds %q", got)
	}
}

// TestA12_07_UnknownPermissionsAdmitNobody: a connector that reads permissions at its
// source brings a document without.
func TestA12_07_UnknownPermissionsAdmitNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	source, err := b.db.UpdateSource(t.Context(), b.source.ID, func(s *cairn.Source) error {
		s.ACLMode, s.ACL = cairn.ACLFromSource, cairn.ACL{}
		return nil
	})
	check(t, err)
	b.source = source
	s := &shelf{files: map[string]string{"a.md": "# A\n\nHerons."}, acls: map[string]cairn.ACL{}}
	b.mustSync(s)
	b.closed("without permissions", "herons")
	s.acls["a.md"] = cairn.Allow(cairn.Everyone)
	b.mustSync(s)
	b.open("with permissions", "herons")
}

// TestA12_12_MovedDocumentTakesThePermissionsOfItsPlace, and leaves those of the place
// where it was.
func TestA12_12_MovedDocumentTakesThePermissionsOfItsPlace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &shelf{files: map[string]string{"plan.md": "# Plan\n\nGannets dive.", "x.md": "# X\n\nx", "y.md": "# Y\n\ny"}, acls: map[string]cairn.ACL{"hr/plan.md": hr}}
	b.mustSync(s)
	b.open("before", "gannets")
	s.files["hr/plan.md"] = s.files["plan.md"]
	delete(s.files, "plan.md")
	b.mustSync(s)
	b.closed("after it was moved", "gannets")
	s.files["plan.md"] = s.files["hr/plan.md"]
	delete(s.files, "hr/plan.md")
	b.mustSync(s)
	b.open("after it was moved back", "gannets")
}
