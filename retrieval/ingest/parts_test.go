package ingest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// house is a club whose documents lie in rooms, which are parts of it.
type house struct {
	club
	rooms []connectors.Part
	fails error // the parts end with this
}

func (h *house) Parts(context.Context) iter.Seq2[connectors.Part, error] {
	return func(yield func(connectors.Part, error) bool) {
		for _, p := range h.rooms {
			if !yield(p, nil) {
				return
			}
		}
		if h.fails != nil {
			yield(connectors.Part{}, h.fails)
		}
	}
}

// rooms is a house with two documents in each of three rooms, which everybody may read.
// The name of one room begins with that of another.
func rooms() *house {
	h := &house{club: club{shelf: shelf{files: map[string]string{}, acls: map[string]cairn.ACL{}}}}
	everybody := cairn.Allow(cairn.Everyone)
	for i, name := range []string{"C1/a.md", "C1/b.md", "C12/a.md", "C12/b.md", "C2/a.md", "C2/b.md"} {
		h.files[name], h.acls[name] = "# Page\n\n"+word(i), everybody
	}
	for _, prefix := range []string{"C1/", "C12/", "C2/"} {
		h.rooms = append(h.rooms, connectors.Part{Prefix: prefix, ACL: &everybody})
	}
	return h
}

// reads says which of the documents of rooms are open, by number.
func (b *bench) reads(when string, want ...int) {
	b.t.Helper()
	for i := range 6 {
		if slices.Contains(want, i) {
			b.open(when, word(i))
		} else if n := len(b.finds(everyone, word(i))); n != 0 {
			b.t.Errorf("%s: document %d is found", when, i)
		}
	}
}

// A source that tells permissions of its parts gives each document that of its part, and
// nobody those of a part that is not there, until it is back. Nothing is read for it, and
// nothing deleted.
func TestPermissionsOfParts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	h := rooms()
	b.mustSync(h)
	opened := h.opened.Load()
	b.reads("at first", 0, 1, 2, 3, 4, 5)

	all := h.rooms
	h.rooms = slices.Clone(all)
	h.rooms[0].ACL = &board
	run := b.mustPermit(h)
	b.reads("one is closed", 2, 3, 4, 5)
	if diff := cmp.Diff(counts(6, 0, 2, 0, 0, 4), run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	h.rooms = all[:2]
	if run = b.mustPermit(h); run.Modified != 4 || run.Deleted != 0 {
		t.Errorf("%+v", run.Counts)
	}
	b.reads("one is open again, one has gone", 0, 1, 2, 3)
	if run = b.mustPermit(h); run.Modified != 0 || run.Unchanged != 6 {
		t.Errorf("again: %+v", run.Counts)
	}
	h.rooms = nil
	b.mustPermit(h)
	b.reads("all have gone")
	h.rooms = slices.Clone(all)
	unknown := &connectors.DocumentError{Code: connectors.PermissionsUnknown, Reason: "The room does not tell."}
	h.rooms[2] = connectors.Part{Prefix: "C2/", Err: unknown}
	run, result, err := b.permit(h, cairn.SyncOptions{})
	check(t, err)
	if !result.Untold || run.Failed != 2 {
		t.Errorf("one does not tell: %+v, %+v", result, run.Counts)
	}
	b.reads("all are back, but one does not tell", 0, 1, 2, 3)
	h.rooms = all
	b.mustPermit(h)
	b.reads("all tell", 0, 1, 2, 3, 4, 5)
	if n := h.opened.Load(); n != opened {
		t.Errorf("%d documents were opened", n-opened)
	}
	if n := b.count(`SELECT count(*) FROM document_errors`); n != 0 {
		t.Errorf("%d errors are left", n)
	}
}

// A list of parts that breaks off closes nothing.
func TestBrokenPartsKeepWhatWasKnown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	h := rooms()
	b.mustSync(h)
	h.rooms, h.fails = h.rooms[:1], errors.New("page 2 failed")
	h.rooms[0].ACL = &board
	if _, _, err := b.permit(h, cairn.SyncOptions{}); err == nil {
		t.Error("a list that broke off is no error")
	}
	b.reads("broken off", 2, 3, 4, 5)
}

// What is withheld because a listing has it no more, is not opened by its part; a listing
// that has it again opens it, also when the source tells only what is new.
func TestPartsLeaveWithheldClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	h := &feed{house: rooms()}
	b.mustSync(h)
	kept := h.files
	h.files = map[string]string{"C1/a.md": kept["C1/a.md"]}
	if _, err := b.sync(h, cairn.SyncOptions{}); !ingest.IsWaiting(err) {
		t.Fatalf("most have vanished, and the run ends with %v", err)
	}
	b.reads("withheld", 0)
	b.mustPermit(h)
	b.reads("withheld, and the parts are there", 0)
	h.files = kept
	opened := h.opened.Load()
	b.mustSync(h)
	b.reads("listed again", 0, 1, 2, 3, 4, 5)
	if n := h.opened.Load(); n != opened {
		t.Errorf("%d documents were opened", n-opened)
	}
}

// feed is a house that tells only what is new.
type feed struct{ *house }

func (f *feed) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		if since == "end" {
			return
		}
		for c, err := range f.house.Changes(ctx, since) {
			if !yield(c, err) {
				return
			}
		}
		yield(connectors.Change{Op: connectors.Checkpoint, Cursor: "end"}, nil)
	}
}

// Between two batches, parts are read by a new connector each time: one keeps what it was
// told.
func TestPartsBetweenBatches(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	h := rooms()
	for i := 10; i < 40; i++ {
		name := "C3/" + word(i)
		h.files[name], h.acls[name] = word(i), board
	}
	h.rooms = append(h.rooms, connectors.Part{Prefix: "C3/", ACL: &board})
	b.mustSync(h)
	taken, opened := b.take(cairn.SyncOptions{}), 0
	_, err := b.syncer.Run(t.Context(), ingest.Sync{
		Source: b.source, Connector: h, Lease: taken.Lease, PermissionsEvery: time.Nanosecond,
		Beside: func() (connectors.Connector, error) {
			switch opened++; opened {
			case 1:
				h.rooms[2].ACL = &board
				return h, nil
			case 2:
				b.reads("closed while documents are read", 0, 1, 2, 3)
				delete(h.acls, "C2/b.md")
			}
			return nil, errors.New("no connector")
		},
	})
	check(t, err)
	check(t, b.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded}))
	if opened < 2 {
		t.Errorf("%d connectors were opened", opened)
	}
}

// What an ACL is tentative for is nobody's while its last reading could not tell one.
func TestTentativePermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.readsACLs()
	w := newWall(books())
	for name := range w.files {
		w.acls[name] = board
	}
	b.mustSync(&w.shelf)
	w.untold["1.md"] = errors.New("forbidden")
	_, result, err := b.permit(w, cairn.SyncOptions{})
	check(t, err)
	if !result.Untold {
		t.Error("that one is not told is not said")
	}
	delete(w.untold, "1.md")
	for name := range w.files {
		w.acls[name] = cairn.Allow(cairn.Everyone)
	}
	run, result, err := b.permit(tentative{w}, cairn.SyncOptions{})
	check(t, err)
	if result.Untold || run.Failed != 1 || run.Modified != 4 {
		t.Errorf("%+v, %+v", result, run.Counts)
	}
	if got := b.finds(everyone, "secretword"); len(got) != 4 || slices.Contains(got, "1.md") {
		t.Errorf("found are %q", got)
	}
	if got := b.finds(aBoard, "secretword"); len(got) != 0 {
		t.Errorf("the board still finds %q", got)
	}
}

// tentative is a wall that is not sure of any ACL.
type tentative struct{ *wall }

func (w tentative) Permissions(ctx context.Context) iter.Seq2[connectors.Permission, error] {
	return func(yield func(connectors.Permission, error) bool) {
		for p, err := range w.wall.Permissions(ctx) {
			p.Tentative = true
			if !yield(p, err) {
				return
			}
		}
	}
}
