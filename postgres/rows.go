package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/index"
)

// rowCache keeps the rows of postings that were used last, within a bound of
// bytes. It may be used by several goroutines at once.
type rowCache struct {
	mu    sync.Mutex
	rows  *simplelru.LRU[index.Key, []byte]
	size  int // bytes, with rowOverhead for each row
	limit int
}

// rowOverhead is about what the cache needs for a row beside its bytes.
const rowOverhead = 200

func newRowCache(limit int) *rowCache {
	c := &rowCache{limit: limit}
	const noLimit = 1 << 40 // of rows; bytes count
	// Cannot fail: the limit is positive.
	c.rows, _ = simplelru.NewLRU(noLimit, func(_ index.Key, data []byte) { c.size -= len(data) + rowOverhead })
	return c
}

// get puts the rows that it has into found and returns the other keys.
func (c *rowCache) get(keys []index.Key, found map[index.Key][]byte) (missing []index.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		if data, ok := c.rows.Get(k); ok {
			found[k] = data
		} else {
			missing = append(missing, k)
		}
	}
	return missing
}

func (c *rowCache) put(k index.Key, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows.Contains(k) || len(data)+rowOverhead > c.limit {
		return
	}
	c.rows.Add(k, data)
	for c.size += len(data) + rowOverhead; c.size > c.limit; {
		c.rows.RemoveOldest()
	}
}

// drop empties the cache.
func (c *rowCache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows.Purge()
}

// setLimit changes the bound.
func (c *rowCache) setLimit(limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.limit = limit; c.size > c.limit; {
		c.rows.RemoveOldest()
	}
}

// errStale is returned when a search needs rows of a segment that was deleted
// after it had been merged into another: the search has to begin anew.
var errStale = errors.New("a segment is gone")

// fetch returns the rows that a search needs, checked: a row that is missing or differs
// from what was written is an *index.Damage.
func (x *Index) fetch(ctx context.Context, search *index.Search, words bool) (map[index.Key][]byte, error) {
	keys := search.Keys(words)
	found := make(map[index.Key][]byte, len(keys))
	missing := x.cache.get(keys, found)
	if len(missing) == 0 {
		return found, nil
	}
	segments, numbers := make([]int32, len(missing)), make([]int64, len(missing))
	for i, k := range missing {
		segments[i], numbers[i] = k.Segment, k.Key
	}
	rows, err := x.db.lookup.Query(ctx, `
		SELECT x.segment, x.key, p.data, s.id IS NOT NULL
		FROM unnest($1::int[], $2::bigint[]) AS x (segment, key)
		LEFT JOIN LATERAL (SELECT data FROM postings WHERE segment = x.segment AND key = x.key OFFSET 0) p ON true
		LEFT JOIN LATERAL (SELECT id FROM segments WHERE id = x.segment OFFSET 0) s ON true`, segments, numbers)
	if err != nil {
		return nil, fmt.Errorf("postings: %w", err)
	}
	var k index.Key
	var data []byte
	var alive bool
	_, err = pgx.ForEachRow(rows, []any{&k.Segment, &k.Key, &data, &alive}, func() error {
		switch {
		case !alive:
			return errStale
		case data == nil:
			return &index.Damage{Segment: k.Segment, Key: k.Key, Err: errors.New("the row is missing")}
		}
		if err := search.Check(k, data); err != nil {
			return &index.Damage{Segment: k.Segment, Key: k.Key, Err: err}
		}
		found[k] = data
		x.cache.put(k, data)
		data = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("postings: %w", err)
	}
	return found, nil
}
