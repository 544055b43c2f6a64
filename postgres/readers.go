package postgres

import (
	"context"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/auth"
)

// readers says which accounts are admitted by ACLs, of many accounts and ACLs at
// once: for every key that the ACLs name it has the accounts that hold it.
type readers struct {
	accounts []cairn.Account // that are not disabled, by address
	holders  map[cairn.PrincipalKey]accountSet
}

// The memberships and groups that there are, and those that there would be if a source,
// which is $2 and whose name is $7, told of groups: $3 are their names, and $4, $5 and $6
// who is in them. A group of its own that is not among them is none.
const (
	groupsNow = `
		WITH RECURSIVE edges AS NOT MATERIALIZED (
			SELECT group_id, account_id, email, member_id FROM group_members
		), named AS NOT MATERIALIZED (
			SELECT id, directory, name FROM groups
		), `
	groupsThen = `
		WITH RECURSIVE site AS MATERIALIZED (
			SELECT n.name, coalesce(g.id, 'new:' || n.name) AS id
			FROM unnest($3::text[]) n (name) LEFT JOIN groups g ON g.source_id = $2 AND g.name = n.name
		), edges AS MATERIALIZED (
			SELECT m.group_id, m.account_id, m.email, m.member_id
			FROM group_members m JOIN groups g ON g.id = m.group_id WHERE g.source_id IS DISTINCT FROM $2
			UNION ALL
			SELECT s.id, NULL, nullif(w.email, ''), member.id
			FROM unnest($4::text[], $5::text[], $6::text[]) w (name, email, subgroup)
			JOIN site s ON s.name = w.name LEFT JOIN site member ON member.name = w.subgroup AND w.subgroup <> ''
		), named AS (
			SELECT id, directory, name FROM groups WHERE source_id IS DISTINCT FROM $2
			UNION ALL
			SELECT id, $7::text, name FROM site
		), `
	// The closure is that of heldGroups, of all accounts at once.
	holders = `
		held (account_id, group_id) AS (
			(SELECT a.id, m.group_id FROM accounts a JOIN edges m ON m.account_id = a.id WHERE a.disabled_at IS NULL
			 UNION
			 SELECT a.id, m.group_id FROM accounts a JOIN edges m ON m.email = a.email WHERE a.disabled_at IS NULL)
			UNION
			SELECT h.account_id, m.group_id FROM held h JOIN edges m ON m.member_id = h.group_id
		), keys AS (
			SELECT h.account_id, array_agg('group:' || g.directory || ':' || g.name) AS groups
			FROM held h JOIN named g ON g.id = h.group_id
			WHERE 'group:' || g.directory || ':' || g.name = ANY ($1)
			GROUP BY h.account_id
		)
		SELECT a.id, coalesce(a.email, '') AS email, a.name, a.role, a.created_at, coalesce(k.groups, '{}')
		FROM accounts a LEFT JOIN keys k ON k.account_id = a.id
		WHERE a.disabled_at IS NULL
		ORDER BY coalesce(a.email, ''), a.id`
)

// siteGroups is what a source would tell of its groups.
type siteGroups struct {
	source  cairn.Source
	members ingest.Members
}

// args returns what groupsThen needs from $2 on; the first is for $1.
func (s *siteGroups) args(first any) []any {
	m := s.members
	return []any{
		first, s.source.ID, append([]string{}, m.Names...), append([]string{}, m.Groups...), append([]string{}, m.Emails...),
		append([]string{}, m.Subgroups...), s.source.Name,
	}
}

// readReaders reads who holds the keys that ACLs name, in one state of the directory:
// as it is, or with other groups of a source, unless then is nil.
func readReaders(ctx context.Context, q querier, acls iter.Seq[cairn.ACL], then *siteGroups) (*readers, error) {
	r := &readers{holders: make(map[cairn.PrincipalKey]accountSet)}
	for a := range acls {
		for _, k := range slices.Concat(append([][]cairn.PrincipalKey{a.Deny}, a.Allow...)...) {
			r.holders[k] = nil
		}
	}
	keys := make([]string, 0, len(r.holders))
	for k := range r.holders {
		keys = append(keys, string(k))
	}
	statement, args := groupsNow+holders, []any{keys}
	if then != nil {
		statement, args = groupsThen+holders, then.args(keys)
	}
	rows, err := q.Query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("who holds which key: %w", err)
	}
	var h auth.Holder
	fields := []any{&h.Account.ID, &h.Account.Email, &h.Account.Name, &h.Account.Role, &h.Account.Created, &h.Groups}
	_, err = pgx.ForEachRow(rows, fields, func() error {
		r.add(h)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("who holds which key: %w", err)
	}
	return r, nil
}

// add notes an account under those of its keys that matter.
func (r *readers) add(h auth.Holder) {
	n := len(r.accounts)
	r.accounts = append(r.accounts, h.Account)
	for _, k := range auth.ViewerOf(h).Keys {
		if set, named := r.holders[k]; named {
			r.holders[k] = set.with(n)
		}
	}
}

// of returns the accounts that an ACL admits, as (cairn.ACL).Admits says of each. It
// is one of those that r was read for.
func (r *readers) of(a cairn.ACL) accountSet {
	if len(a.Allow) == 0 {
		return nil
	}
	admitted := r.union(a.Allow[0])
	for _, clause := range a.Allow[1:] {
		met := r.union(clause)
		for i := range admitted {
			admitted[i] &= met[i]
		}
	}
	return admitted.without(r.union(a.Deny))
}

// union returns the accounts that hold any of the keys, in a set of its own.
func (r *readers) union(keys []cairn.PrincipalKey) accountSet {
	all := make(accountSet, len(r.accounts)/64+1)
	for _, k := range keys {
		for i, word := range r.holders[k] {
			all[i] |= word
		}
	}
	return all
}

// accountSet is a set of places in readers.accounts: place n is bit n%64 of word n/64.
type accountSet []uint64

// with returns the set with one more place, which may be in the same array.
func (s accountSet) with(n int) accountSet {
	for len(s) <= n/64 {
		s = append(s, 0)
	}
	s[n/64] |= 1 << (n % 64)
	return s
}

// without returns what of s is not in other.
func (s accountSet) without(other accountSet) accountSet {
	left := make(accountSet, len(s))
	copy(left, s)
	for i := range min(len(s), len(other)) {
		left[i] &^= other[i]
	}
	return left
}

func (s accountSet) len() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// all yields the places of the set in ascending order.
func (s accountSet) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(64*i + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}
