package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/index"
)

// defaultFeedLimit is how many changes are read one by one: more take longer than
// to read everything anew, and could take longer than a statement may.
const defaultFeedLimit = 100_000

// errLongFeed is returned when there are more changes than that.
var errLongFeed = errors.New("more has changed than is read at once")

// refresh applies what was committed before it was called. Callers who wait for
// one that is under way share the next.
func (x *Index) refresh(ctx context.Context) error {
	seen := x.begun.Load()
	x.refreshing.Lock()
	defer x.refreshing.Unlock()
	if x.succeeded > seen {
		return nil // one that began after this call has ended
	}
	number := x.begun.Add(1)
	if err := x.readNews(ctx); err != nil {
		return err
	}
	x.succeeded = number
	return nil
}

// readNews reads the change feed, or everything if that does not do.
func (x *Index) readNews(ctx context.Context) error {
	if !x.loaded || x.identity != x.db.identity.Load() {
		return x.load(ctx)
	}
	n, ok, err := readFeed(ctx, x.db.lookup, x.at, x.space.ID, x.feedLimit)
	if err != nil {
		return err
	}
	if !ok || n.next.before(x.at) || n.next.at.Sub(x.at.at) > changeRetention/2 {
		return x.load(ctx)
	}
	if len(n.segments) > 0 {
		// The classes of a segment's chunks have to be of the state in which the
		// feed is read, or a revocation between the two would be lost.
		n, err = x.readFeedWithSegments(ctx)
		if errors.Is(err, errLongFeed) {
			return x.load(ctx)
		}
		if err != nil {
			return err
		}
	}
	x.apply(n)
	return nil
}

// readFeedWithSegments reads the feed and the segments that it tells of in one
// state of the database.
func (x *Index) readFeedWithSegments(ctx context.Context) (n news, err error) {
	err = x.db.inSnapshot(ctx, func(tx pgx.Tx) error {
		var ok bool
		if n, ok, err = readFeed(ctx, tx, x.at, x.space.ID, x.feedLimit); err != nil || !ok {
			return cmp.Or(err, errLongFeed)
		}
		n.change.Retired, err = x.loadSegments(ctx, tx, n.segments, func(s index.Segment) {
			n.change.Segments = append(n.change.Segments, s)
		})
		return err
	})
	return n, err
}

func (x *Index) apply(n news) {
	x.db.classes.note(n.classes)
	x.reject(x.current().Apply(n.change))
	for _, chunk := range n.change.Gone {
		delete(x.leftOut, chunk)
	}
	x.at = n.next
}

// loadBatch is how many fresh chunks are applied at once while loading.
const loadBatch = 5000

// load reads everything anew. It goes on when the search that met the need has
// no more time: the next one is glad of it.
func (x *Index) load(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	state := index.New(x.words)
	var at position
	var rejected []index.Rejected
	identity := x.db.identity.Load()
	err := x.db.inSnapshot(ctx, func(tx pgx.Tx) (err error) {
		if at, err = readPosition(ctx, tx); err != nil {
			return err
		}
		_, err = x.loadSegments(ctx, tx, nil, func(s index.Segment) { state.Apply(index.Change{Segments: []index.Segment{s}}) })
		if err != nil {
			return err
		}
		var batch []index.FreshChunk
		flush := func() {
			rejected = append(rejected, state.Apply(index.Change{Fresh: batch})...)
			batch = batch[:0]
		}
		err = readFresh(ctx, tx, x.space.ID, func(c index.FreshChunk) {
			if batch = append(batch, c); len(batch) == loadBatch {
				flush()
			}
		})
		flush()
		return err
	})
	if err != nil {
		return fmt.Errorf("load the index: %w", err)
	}
	// Only now: sets of classes that were looked up before the snapshot may lack
	// some that the feed from here on does not tell of.
	x.db.classes.reset()
	x.cache.drop() // a restored database may give the same numbers to other segments
	x.state.Lock()
	x.state.State = state
	clear(x.damaged)
	x.state.Unlock()
	x.at, x.loaded, x.identity = at, true, identity
	maps.DeleteFunc(x.leftOut, func(chunk int64, _ struct{}) bool {
		return !slices.ContainsFunc(rejected, func(r index.Rejected) bool { return r.Chunk == chunk })
	})
	x.reject(rejected)
	return nil
}

// reject logs each chunk that cannot be searched the first time: the others can.
// The caller holds refreshing.
func (x *Index) reject(rejected []index.Rejected) {
	for _, r := range rejected {
		if _, told := x.leftOut[r.Chunk]; !told {
			x.leftOut[r.Chunk] = struct{}{}
			x.db.log.Error("a chunk cannot be found by its words until its document is indexed anew", "chunk", r.Chunk, "error", r.Err)
		}
	}
}
