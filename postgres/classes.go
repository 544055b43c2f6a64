package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cairnhq/cairn"
)

// Classes knows which ACL classes admit a viewer. ACL rows never change, so
// that an answer stays right for the classes it was given for; classes that
// came later are asked for when the change feed has told of them. It may be used
// by several goroutines at once.
type Classes struct {
	pool *pgxpool.Pool

	mu    sync.Mutex
	told  uint64  // how many classes the feed has told of; a reset counts as one
	added []int32 // the last of them, in order
	cache *simplelru.LRU[keysHash, *admission]
	bytes int // of what is in cache
}

// keysHash identifies a set of principal keys.
type keysHash [sha256.Size]byte

// admission is what is known of the holder of some keys.
type admission struct {
	mu   sync.Mutex
	set  *ClassSet // nil: not asked for yet
	seen uint64    // the value of Classes.told that set is right for

	cost int // bytes that it counts in the cache, guarded by Classes.mu
}

const (
	maxClassBytes  = 16 << 20 // of the cache: at 300,000 classes some 440 viewers
	admissionBytes = 256      // what an admission takes beside its set
	// maxAdded is how many new classes are remembered at least, and half of how
	// many at most. A viewer who was away for more is asked for anew.
	maxAdded = 512
)

func newClasses(pool *pgxpool.Pool) *Classes {
	c := &Classes{pool: pool}
	// Bounded by bytes: see charge. The size is valid, so there is no error.
	c.cache, _ = simplelru.NewLRU(math.MaxInt, func(_ keysHash, a *admission) { c.bytes -= a.cost })
	return c
}

// note tells of classes that are new.
func (c *Classes) note(ids []int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told += uint64(len(ids))
	c.added = append(c.added, ids...)
	if n := len(c.added); n > 2*maxAdded {
		c.added = slices.Clone(c.added[n-maxAdded:])
	}
}

// reset says that classes may have been added of which the change feed did not
// tell: everything is asked for anew.
func (c *Classes) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told++
	c.added = nil
}

// count returns how many classes the feed has told of: as long as it stays the
// same, what Visible returns is right for every class that it told of.
func (c *Classes) count() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

// Visible returns the classes that admit v, right for every class that was
// committed before the feed was last read; its table reaches beyond all of them.
// Callers must not change the keys of v meanwhile.
func (c *Classes) Visible(ctx context.Context, v cairn.Viewer) (*ClassSet, error) {
	hash := hashViewer(v)
	a := c.admission(hash)
	a.mu.Lock()
	defer a.mu.Unlock()
	now, added, all := c.since(a.seen)
	set := a.set
	switch {
	case set == nil || all:
		found, err := admitting(ctx, c.pool, v)
		if err != nil {
			return nil, err
		}
		set = newClassSet(found.all(), found.highest)
	case len(added) > 0:
		found, err := admittingAmong(ctx, c.pool, v, added)
		if err != nil {
			return nil, err
		}
		set = set.with(found, slices.Max(added))
	default:
		return set, nil
	}
	a.set, a.seen = set, now
	c.charge(hash, a, set.size())
	return set, nil
}

// Of returns a function that reports whether a class admits v: see Visible.
func (c *Classes) Of(ctx context.Context, v cairn.Viewer) (func(class int32) bool, error) {
	set, err := c.Visible(ctx, v)
	if err != nil {
		return nil, err
	}
	return set.Has, nil
}

// List returns the classes that admit v, in ascending order: see Visible.
func (c *Classes) List(ctx context.Context, v cairn.Viewer) ([]int32, error) {
	set, err := c.Visible(ctx, v)
	if err != nil {
		return nil, err
	}
	return slices.Collect(set.all()), nil
}

// since returns the classes that the feed told of after seen, as a slice that
// nobody changes; all when they are no longer known.
func (c *Classes) since(seen uint64) (now uint64, added []int32, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	missed := c.told - seen
	if missed > uint64(len(c.added)) {
		return c.told, nil, true
	}
	return c.told, c.added[uint64(len(c.added))-missed:], false
}

// admission returns what is known of the holder of the keys, perhaps nothing.
func (c *Classes) admission(hash keysHash) *admission {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.cache.Get(hash)
	if !ok {
		a = &admission{}
		c.cache.Add(hash, a)
		c.setCost(a, 0)
	}
	return a
}

// charge counts the bytes of a's set, and drops those sets that were not asked
// for longest until the cache is within its bound.
func (c *Classes) charge(hash keysHash, a *admission, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in, ok := c.cache.Peek(hash); ok && in == a { // else it was dropped meanwhile
		c.setCost(a, bytes)
	}
}

// setCost is called with mu held, for what is in the cache.
func (c *Classes) setCost(a *admission, bytes int) {
	c.bytes += admissionBytes + bytes - a.cost
	a.cost = admissionBytes + bytes
	for c.bytes > maxClassBytes {
		c.cache.RemoveOldest()
	}
}

// hashViewer returns the same for viewers who are admitted alike.
func hashViewer(v cairn.Viewer) keysHash {
	own := hashKeys(v.Keys)
	if len(v.Also) == 0 {
		return own
	}
	hashes := make([]keysHash, len(v.Also))
	for i, keys := range v.Also {
		hashes[i] = hashKeys(keys)
	}
	slices.SortFunc(hashes, func(a, b keysHash) int { return bytes.Compare(a[:], b[:]) })
	all := own[:]
	for _, h := range slices.Compact(hashes) {
		all = append(all, h[:]...)
	}
	return sha256.Sum256(all)
}

// hashKeys returns the same for the same set of keys, in whatever order. The
// lengths keep keys apart whatever they hold.
func hashKeys(keys []cairn.PrincipalKey) keysHash {
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	var all []byte
	for _, k := range slices.Compact(sorted) {
		all = binary.AppendUvarint(all, uint64(len(k)))
		all = append(all, k...)
	}
	return sha256.Sum256(all)
}
