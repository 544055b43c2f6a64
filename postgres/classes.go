package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cairnhq/cairn"
)

// Classes knows which ACL classes admit a viewer. ACL rows never change, so
// that an answer stays right for the classes it was given for; classes that
// came later are asked for when the change feed has told of them.
type Classes struct {
	pool *pgxpool.Pool

	mu    sync.Mutex
	added []int32 // classes in the order in which the feed told of them
	cache map[string]*classSet
	order []string // keys of cache, oldest first
}

// classSet is the set of classes that admit the holder of some keys.
type classSet struct {
	mu    sync.Mutex
	asked int // how many of Classes.added it knows
	ids   map[int32]struct{}
}

// maxCachedViewers bounds the cache of Classes; a viewer costs about 50 bytes a
// class that admits her.
const maxCachedViewers = 1000

func newClasses(pool *pgxpool.Pool) *Classes {
	return &Classes{pool: pool, cache: make(map[string]*classSet)}
}

// note tells of classes that are new.
func (c *Classes) note(ids []int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added = append(c.added, ids...)
}

// reset forgets everything: the change feed was lost.
func (c *Classes) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added, c.cache, c.order = nil, make(map[string]*classSet), nil
}

// Of returns a function that reports whether a class admits v, right for every
// class that was committed before the feed was last read.
func (c *Classes) Of(ctx context.Context, v cairn.Viewer) (func(class int32) bool, error) {
	ids, err := c.set(ctx, v)
	if err != nil {
		return nil, err
	}
	return func(class int32) bool { _, ok := ids[class]; return ok }, nil
}

// List returns the classes that admit v, in no order.
func (c *Classes) List(ctx context.Context, v cairn.Viewer) ([]int32, error) {
	ids, err := c.set(ctx, v)
	if err != nil {
		return nil, err
	}
	return slices.Collect(maps.Keys(ids)), nil
}

// set returns the classes that admit v as a map that nobody changes.
func (c *Classes) set(ctx context.Context, v cairn.Viewer) (map[int32]struct{}, error) {
	set, added := c.lookup(v)
	set.mu.Lock()
	defer set.mu.Unlock()
	if set.ids == nil || set.asked < len(added) {
		if err := set.update(ctx, c.pool, v, added); err != nil {
			return nil, err
		}
	}
	return set.ids, nil
}

func (c *Classes) lookup(v cairn.Viewer) (*classSet, []int32) {
	keys := make([]string, len(v.Keys))
	for i, k := range v.Keys {
		keys[i] = string(k)
	}
	slices.Sort(keys)
	name := strings.Join(keys, "\n")
	c.mu.Lock()
	defer c.mu.Unlock()
	set, ok := c.cache[name]
	if !ok {
		set = &classSet{}
		c.cache[name] = set
		c.order = append(c.order, name)
		if len(c.order) > maxCachedViewers {
			delete(c.cache, c.order[0])
			c.order = c.order[1:]
		}
	}
	return set, c.added
}

// update asks for all classes the first time, later for those that were added.
func (s *classSet) update(ctx context.Context, pool *pgxpool.Pool, v cairn.Viewer, added []int32) error {
	var only []int32
	if s.ids != nil {
		only = added[s.asked:]
	}
	found, err := admitting(ctx, pool, v, only)
	if err != nil {
		return err
	}
	ids := make(map[int32]struct{}, len(s.ids)+len(found))
	for id := range s.ids {
		ids[id] = struct{}{}
	}
	for _, id := range found {
		ids[id] = struct{}{}
	}
	s.ids, s.asked = ids, len(added)
	return nil
}

// admitting returns the classes that admit v, among only (nil: among all): those
// in which she meets as many clauses as there are, and no key of hers is denied.
func admitting(ctx context.Context, pool *pgxpool.Pool, v cairn.Viewer, only []int32) ([]int32, error) {
	if len(v.Keys) == 0 || (only != nil && len(only) == 0) {
		return nil, nil
	}
	rows, err := pool.Query(ctx, `
		SELECT a.id
		FROM (SELECT acl_id, count(DISTINCT clause) FILTER (WHERE clause >= 0) AS met, bool_or(clause < 0) AS denied
		      FROM acl_keys
		      WHERE principal = ANY ($1) AND ($2::int[] IS NULL OR acl_id = ANY ($2))
		      GROUP BY acl_id) k
		JOIN acls a ON a.id = k.acl_id
		WHERE a.clauses > 0 AND k.met = a.clauses AND NOT k.denied`, v.Keys, only)
	if err != nil {
		return nil, fmt.Errorf("ACL classes: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("ACL classes: %w", err)
	}
	return ids, nil
}
