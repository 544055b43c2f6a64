package ingest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// A run that reads documents for long tells what its connector knew at the beginning. What
// was told since of parts alone holds all the same: also for documents that are stored
// after it was, and changed ones.
func TestOldACLsOfPartsOpenNothing(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		b := newBench(t)
		b.readsACLs()
		old, now := rooms(), rooms()
		for i := 10; i < 40; i++ { // in batches before the others
			name := fmt.Sprintf("A/%d.md", i)
			old.files[name], old.acls[name] = word(i), cairn.Allow(cairn.Everyone)
		}
		everybody := cairn.Allow(cairn.Everyone)
		old.rooms = append(old.rooms, connectors.Part{Prefix: "A/", ACL: &everybody})
		if stored {
			b.mustSync(old)
			for name, text := range old.files {
				old.files[name] = text + "\n\nMore."
			}
		}
		now.rooms = append(now.rooms, connectors.Part{Prefix: "A/", Err: errors.New("not told")})
		now.rooms[0].ACL = &board           // narrowed
		now.rooms[2].Prefix = "of another/" // C2/ has vanished
		taken := b.take(cairn.SyncOptions{})
		_, err := b.syncer.Run(t.Context(), ingest.Sync{Source: b.source, Connector: old, Lease: taken.Lease, PermissionsEvery: time.Nanosecond, Beside: beside(now)})
		check(t, err)
		check(t, b.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded}))
		b.reads(fmt.Sprintf("stored before: %v", stored), 2, 3)
		b.open("its part was not told", word(12))
	}
}

// The same with permissions of each document.
func TestOldACLsOpenNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old, now := pages(30), pages(30)
	now.acls["25.md"], now.acls["26.md"], old.acls["27.md"], old.acls["28.md"], now.acls["28.md"] = hr, cairn.ACL{}, hr, hr, board
	taken := b.take(cairn.SyncOptions{})
	_, err := b.syncer.Run(t.Context(), ingest.Sync{
		Source: b.source, Connector: slow{old, func(int) {}}, Lease: taken.Lease, Prune: true, Beside: beside(now), PermissionsEvery: time.Nanosecond,
	})
	check(t, err)
	check(t, b.db.FinishRun(t.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded}))
	b.open("equal", word(19))
	for _, n := range []int{25, 26, 27, 28} /* of the last batch */ {
		b.closed("told in two ways", word(n))
	}
	if n := len(b.finds(aBoard, word(28))); n != 0 {
		t.Errorf("who has one of two groups finds %d documents", n)
	}
	b.mustPermit(now)
	b.open("told exactly since", word(27))
	if n := len(b.finds(aBoard, word(28))); n != 1 {
		t.Errorf("told exactly since, the board finds %d documents", n)
	}
}
