package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cairnhq/cairn"
)

// directoryEpoch tells states of the directory apart: it is another one after every change
// of who belongs to what, and no value comes twice.
type directoryEpoch [16]byte

// memberships knows in which groups accounts are, through other groups as well. An
// answer is kept under the epoch that it was computed at and used as long as the
// epoch is the same; a caller reads the epoch in its own request, so that a change
// holds from the next request on, on every server. It may be used by several
// goroutines at once.
type memberships struct {
	q querier

	mu    sync.Mutex
	cache *simplelru.LRU[cairn.AccountID, membership]
	bytes int // of what is in cache
}

// membership is what was computed of an account.
type membership struct {
	epoch  directoryEpoch
	email  string
	groups []cairn.PrincipalKey // in ascending order; nobody changes them
	bytes  int
}

const (
	maxMembershipBytes = 64 << 20 // of the cache
	membershipBytes    = 256      // what an entry takes beside its keys
	keyBytes           = 16       // what a key takes beside its text
)

func newMemberships(q querier) *memberships {
	m := &memberships{q: q}
	// Bounded by bytes: see keep. The size is valid, so there is no error.
	m.cache, _ = simplelru.NewLRU(math.MaxInt, func(_ cairn.AccountID, e membership) { m.bytes -= e.bytes })
	return m
}

// of returns the keys of all groups of an account whose address is email, in
// ascending order, right for now or a later state than that. Callers must not
// change the slice.
func (m *memberships) of(ctx context.Context, account cairn.AccountID, email string, now directoryEpoch) ([]cairn.PrincipalKey, error) {
	if e, ok := m.kept(account); ok && e.epoch == now && e.email == email {
		return e.groups, nil
	}
	e, err := readMembership(ctx, m.q, account, email)
	if err != nil {
		return nil, err
	}
	m.keep(account, e)
	return e.groups, nil
}

func (m *memberships) kept(account cairn.AccountID) (membership, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cache.Get(account)
}

// keep puts an entry into the cache, and drops those that were not asked for longest
// until it is within its bound.
func (m *memberships) keep(account cairn.AccountID, e membership) {
	e.bytes = membershipBytes
	for _, k := range e.groups {
		e.bytes += keyBytes + len(k)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cache.Remove(account)
	m.cache.Add(account, e)
	m.bytes += e.bytes
	for m.bytes > maxMembershipBytes {
		m.cache.RemoveOldest()
	}
}

// heldGroups begins a statement with the ids of the groups that the account $1 with
// the address $2 is in. UNION drops groups that were reached before, so that circles
// end; OFFSET 0 keeps the planner at looking into the index for each group.
const heldGroups = `
	WITH RECURSIVE held (id) AS (
		(SELECT group_id FROM group_members WHERE account_id = $1
		 UNION
		 SELECT group_id FROM group_members WHERE email = nullif($2, ''))
		UNION
		SELECT m.group_id
		FROM held CROSS JOIN LATERAL (SELECT group_id FROM group_members WHERE member_id = held.id OFFSET 0) m
	)`

// readMembership computes the closure of what an account belongs to, and reads the
// epoch, in one statement and so in one state.
func readMembership(ctx context.Context, q querier, account cairn.AccountID, email string) (membership, error) {
	e := membership{email: email}
	var directories, names []string
	err := q.QueryRow(ctx, heldGroups+`
		, named AS (
			SELECT g.directory, g.name
			FROM held CROSS JOIN LATERAL (SELECT directory, name FROM groups WHERE id = held.id OFFSET 0) g
		)
		SELECT (SELECT epoch FROM directory), coalesce(array_agg(directory), '{}'), coalesce(array_agg(name), '{}') FROM named`,
		account, email).Scan(&e.epoch, &directories, &names)
	if err != nil {
		return membership{}, fmt.Errorf("groups of an account: %w", err)
	}
	e.groups = make([]cairn.PrincipalKey, len(names))
	for i, name := range names {
		e.groups[i] = cairn.GroupKey(directories[i], name)
	}
	slices.Sort(e.groups)
	return e, nil
}
