package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
)

// stack puts books that everybody may read and leaves their chunks fresh.
func (l *library) stack(n int) {
	l.t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		l.put(fmt.Sprintf("book-%03d", i), &book{
			text: "falcon " + randomText(r), acl: cairn.Allow(cairn.Everyone), kind: cairn.KindPage, language: "en", vector: randomVector(r),
		})
	}
}

// TestRebuildDerivesEverySegment: the terms of every segment were derived in
// another way. What is packed during the rebuild must not be merged with what is
// not derived anew yet.
func TestRebuildDerivesEverySegment(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	x := l.replicas[0]
	l.check(x.Maintain(t.Context())) // notes the version of the analysis
	l.stack(15)
	l.exec(`UPDATE fresh SET terms = (SELECT terms FROM fresh ORDER BY chunk_id LIMIT 1)`)
	x.upkeep = upkeep{packFrom: 1, packAtMost: 12, small: 1, together: 100, largest: 14, looseCodes: 1}
	l.check(x.Maintain(t.Context()))
	if ids := l.segmentIDs(); len(ids) != 2 {
		t.Fatalf("segments %v, want 2", ids)
	}
	x.upkeep = upkeep{packFrom: 1, packAtMost: 4, small: 1, together: 100, largest: 14, looseCodes: 1}
	l.check(x.Rebuild(t.Context(), nil))
	found, err := x.Verify(t.Context(), true)
	if l.check(err); len(found.Problems) > 0 {
		t.Errorf("after the rebuild verify finds %+v", found.Problems)
	}
}

// TestSearchSeesClassesOfItsState: between the moment at which a search knows the
// viewer's classes and that at which it reads the index, another search reads of
// a chunk in a new class. The viewer may read it before and after.
func TestSearchSeesClassesOfItsState(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.stack(1)
	x := l.replicas[0]
	if n := len(l.words(x, "falcon")); n != 1 {
		t.Fatalf("%d are found", n)
	}
	for range cap(x.searching) {
		x.searching <- struct{}{}
	}
	found := make(chan int)
	go func() { found <- len(l.words(x, "falcon")) }()
	time.Sleep(200 * time.Millisecond) // until it waits for its turn
	b := l.books["book-000"]
	b.acl = cairn.Allow(cairn.Everyone, "user:somebody-new")
	l.put("book-000", b)
	l.check(x.refresh(t.Context()))
	for range cap(x.searching) {
		<-x.searching
	}
	if n := <-found; n != 1 {
		t.Errorf("%d are found while permissions change", n)
	}
}

// TestMaintenancePassesADamagedSegment: one that cannot be merged keeps nothing
// else from being merged.
func TestMaintenancePassesADamagedSegment(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.stack(20)
	x := l.replicas[0]
	x.upkeep = upkeep{packFrom: 1, packAtMost: 5, small: 6, together: 100, largest: 10, looseCodes: 1}
	l.check(x.Maintain(t.Context()))
	ids := l.segmentIDs()
	if len(ids) != 4 {
		t.Fatalf("segments %v, want 4", ids)
	}
	l.exec(`UPDATE postings SET data = '' WHERE segment = $1`, ids[1])
	x.upkeep.together, x.upkeep.largest = 2, 40
	l.check(x.Maintain(t.Context()))
	if left := l.segmentIDs(); len(left) != 2 || left[0] != ids[1] {
		t.Errorf("segments %v are left, want %d, which is damaged, and one more", left, ids[1])
	}
	if n := len(l.words(x, "falcon")); n != 15 {
		t.Errorf("%d are found, want 15", n)
	}
}

// TestRebuildWhileDocumentsAreErased: a chunk that is being deleted while its
// segment is dissolved does not stop the rebuild.
func TestRebuildWhileDocumentsAreErased(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 6)
	tx, err := l.worker.Begin(t.Context())
	l.check(err)
	_, err = tx.Exec(t.Context(), `DELETE FROM chunks WHERE id = (SELECT min(id) FROM chunks)`)
	l.check(err)
	done := make(chan error)
	go func() { done <- l.replicas[0].Rebuild(context.WithoutCancel(t.Context()), nil) }()
	select {
	case err = <-done:
	case <-time.After(2 * time.Second): // it waits for us, perhaps
		l.check(tx.Commit(t.Context()))
		err = <-done
	}
	_ = tx.Commit(t.Context())
	l.check(err)
	found, err := l.replicas[0].Verify(t.Context(), true)
	if l.check(err); len(found.Problems) > 0 {
		t.Errorf("verify finds %+v", found.Problems)
	}
}

// TestMaintenanceEndsWhileFreshChunksAreDeleted: more fresh chunks than a segment is
// made of are being deleted. Maintenance leaves them alone and ends.
func TestMaintenanceEndsWhileFreshChunksAreDeleted(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.stack(eager.packFrom + 2)
	tx, err := l.worker.Begin(t.Context())
	l.check(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), `DELETE FROM chunks`)
	l.check(err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	l.check(l.replicas[0].Maintain(ctx))
	if ids := l.segmentIDs(); len(ids) > 0 {
		t.Errorf("segments %v are made of chunks that are being deleted", ids)
	}
	l.check(tx.Rollback(t.Context()))
	l.check(l.replicas[0].Maintain(t.Context()))
	if ids := l.segmentIDs(); len(ids) != 1 {
		t.Errorf("segments %v, want 1 of the chunks that were not deleted", ids)
	}
}

// TestRestoreUnderARunningServer: after the cluster was exchanged or set back,
// positions mean nothing, and rows may have the keys of others.
func TestRestoreUnderARunningServer(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 10)
	x := l.replicas[0]
	for name, restore := range map[string]func(){
		"another cluster": func() { x.identity++ },
		"set back":        func() { x.at.xmax = "9" + x.at.xmax },
	} {
		l.words(x, "falcon")
		if x.cache.rows.Len() == 0 {
			t.Fatal("no row is in the cache")
		}
		before := x.current()
		restore()
		l.check(x.refresh(t.Context()))
		if n := x.cache.rows.Len(); n != 0 || x.current() == before {
			t.Errorf("%s: %d rows are in the cache; the index must be read anew", name, n)
		}
	}
}

// TestCodesSurviveAnotherSpace: while another model is in use, segments are merged;
// whoever goes back to the first finds everything by its vectors.
func TestCodesSurviveAnotherSpace(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 12)
	other, err := l.UseSpace(t.Context(), "another", dimensions, nil)
	l.check(err)
	x := NewIndex(l.DB, other)
	x.upkeep = eager
	l.exec(`DELETE FROM chunks WHERE id IN (SELECT id FROM chunks ORDER BY id LIMIT 4)`)
	l.check(x.Maintain(t.Context()))
	l.exec(`DELETE FROM segment_codes WHERE segment IN (SELECT id FROM segments WHERE retired_at IS NOT NULL)`) // as sweep does
	again, err := l.UseSpace(t.Context(), l.space.Model, dimensions, nil)
	l.check(err)
	hits, err := NewIndex(l.DB, again).Nearest(t.Context(), cairn.Query{Viewer: anybody}, make([]float32, dimensions), 100)
	if l.check(err); len(hits) != 8 {
		t.Errorf("%d of 8 chunks are found by their vectors", len(hits))
	}
}

// TestActiveSpace: whoever is not told of a model works on the index of the space
// that servers use, even of none.
func TestActiveSpace(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 12)
	before := l.codes()
	rebuild := func(want string) {
		t.Helper()
		active, err := l.ActiveSpace(t.Context())
		l.check(err)
		if active.Model != want {
			t.Fatalf("the active space is %q, want %q", active.Model, want)
		}
		x := NewIndex(l.DB, active)
		x.upkeep = eager
		l.check(x.Rebuild(t.Context(), nil))
		found, err := x.Verify(t.Context(), true)
		if l.check(err); len(found.Problems) > 0 {
			t.Errorf("with the space %q verify finds %+v", want, found.Problems)
		}
	}
	rebuild(l.space.Model)
	if diff := gocmp.Diff(before, l.codes()); diff != "" {
		t.Errorf("codes (-before +rebuilt):\n%s", diff)
	}
	_, err := l.UseSpace(t.Context(), "another", dimensions, nil)
	l.check(err)
	rebuild("another")
	l.exec(`UPDATE vector_spaces SET active = false`)
	rebuild("")
	_, err = l.UseSpace(t.Context(), l.space.Model, dimensions, nil)
	l.check(err)
	if diff := gocmp.Diff(before, l.codes()); diff != "" {
		t.Errorf("codes (-before +used again):\n%s", diff)
	}
	rebuild(l.space.Model)
}

// TestCodesOfAnotherSegmentAreLeftToIt: codes lie beside a segment that cannot be
// read. Those of a segment whose chunks lie around its own are not written again
// and again because of them.
func TestCodesOfAnotherSegmentAreLeftToIt(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.stack(10)
	x := l.replicas[0]
	x.upkeep = upkeep{packFrom: 1, packAtMost: 5, small: 1, together: 100, largest: 6, looseCodes: 1}
	l.check(x.Maintain(t.Context()))
	ids := l.segmentIDs()
	if len(ids) != 2 {
		t.Fatalf("segments %v, want 2", ids)
	}
	l.exec(`DELETE FROM segment_codes`)
	l.check(encodeSpace(t.Context(), l.worker, l.space))
	l.exec(`UPDATE segments SET header = '' WHERE id = $1`, ids[1])
	l.exec(`UPDATE segments SET high = 1e9 WHERE id = $1`, ids[0])
	told := func() int { return l.count(`SELECT count(*) FROM changes WHERE kind = $1`, changeSegment) }
	before := told()
	for range 3 {
		l.check(x.Maintain(t.Context())) // its state is of when both could be read
		x = NewIndex(l.DB, l.space)
		x.upkeep = l.replicas[0].upkeep
	}
	if n := told() - before; n != 1 {
		t.Errorf("codes are put into a segment %d times, want once", n)
	}
	if n := l.count(`SELECT count(*) FROM fresh_codes`); n != 5 {
		t.Errorf("%d codes lie beside segments, want the 5 of the one that cannot be read", n)
	}
}

// TestInterruptedCodesAreMade: the process that gave a space its codes was
// stopped before all vectors had one.
func TestInterruptedCodesAreMade(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.stack(5)
	l.exec(`UPDATE vector_spaces SET centre = NULL, seed = NULL`)
	l.exec(`DELETE FROM fresh_codes`)
	tx, err := l.worker.Begin(t.Context())
	l.check(err)
	_, err = tx.Exec(t.Context(), `LOCK TABLE fresh_codes IN EXCLUSIVE MODE`)
	l.check(err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := l.UseSpace(ctx, l.space.Model, dimensions, nil); err == nil {
		t.Error("codes are made in a locked table")
	}
	l.check(tx.Rollback(t.Context()))
	space, err := l.UseSpace(t.Context(), l.space.Model, dimensions, nil)
	l.check(err)
	hits, err := NewIndex(l.DB, space).Nearest(t.Context(), cairn.Query{Viewer: anybody}, make([]float32, dimensions), 100)
	if l.check(err); len(hits) != 5 {
		t.Errorf("%d of 5 chunks are found by their vectors", len(hits))
	}
}

// TestLongFeed: so much has changed that reading everything anew is less work.
func TestLongFeed(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.stack(3)
	x := l.replicas[0]
	l.check(x.Load(t.Context()))
	x.feedLimit = 10
	first := x.current()
	l.exec(`INSERT INTO changes (kind, ref) SELECT 1, 1e9 + n FROM generate_series(1, 10) n`)
	l.check(x.refresh(t.Context()))
	if x.current() != first {
		t.Error("all was read anew because of ten changes")
	}
	l.erase("book-000")
	l.exec(`INSERT INTO changes (kind, ref) SELECT 1, 1e9 + n FROM generate_series(1, 11) n`)
	if n := len(l.words(x, "falcon")); n != 2 || x.current() == first {
		t.Errorf("%d are found, want 2, in a state that was read anew", n)
	}
}
