package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/cairnhq/cairn"
)

// admitted are classes that admit a viewer.
type admitted struct {
	highest int32   // class number there is
	simple  []byte  // four bytes a class, which may repeat
	others  []int32 // those whose clauses had to be counted
}

// all yields the classes in no order; one may be yielded several times.
func (a admitted) all() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for b := a.simple; len(b) >= 4; b = b[4:] {
			if !yield(int32(binary.BigEndian.Uint32(b))) {
				return
			}
		}
		for _, class := range a.others {
			if !yield(class) {
				return
			}
		}
	}
}

// list returns the classes in ascending order, each once.
func (a admitted) list() []int32 { return slices.Compact(slices.Sorted(a.all())) }

// admitting returns the classes that admit v: those in which she meets as many
// clauses as there are, and no key of hers is denied. Of a simple class she holds
// a key, which is all that it asks for; bytes are half as large as an array of
// numbers and need no decoding. OFFSET 0 keeps the planner at one look into an
// index for each key: where many classes admit her it would read the table.
func admitting(ctx context.Context, q querier, v cairn.Viewer) (admitted, error) {
	var a admitted
	err := q.QueryRow(ctx, `
		SELECT coalesce((SELECT max(id) FROM acls), 0),
		       (SELECT string_agg(int4send(k.acl_id), '')
		        FROM unnest($1::text[]) AS held (principal)
		        CROSS JOIN LATERAL (SELECT acl_id FROM acl_keys WHERE simple AND principal = held.principal OFFSET 0) k),
		       ARRAY (
		        SELECT a.id
		        FROM (SELECT k.acl_id, count(DISTINCT k.clause) FILTER (WHERE k.clause >= 0) AS met, bool_or(k.clause < 0) AS denied
		              FROM unnest($1::text[]) AS held (principal)
		              CROSS JOIN LATERAL (SELECT acl_id, clause FROM acl_keys WHERE NOT simple AND principal = held.principal OFFSET 0) k
		              GROUP BY k.acl_id) k
		        JOIN acls a ON a.id = k.acl_id
		        WHERE a.clauses > 0 AND k.met = a.clauses AND NOT k.denied)`, v.Keys).Scan(&a.highest, &a.simple, &a.others)
	if err != nil {
		return admitted{}, fmt.Errorf("ACL classes: %w", err)
	}
	if len(v.Also) > 0 {
		others, err := admittingEvery(ctx, q, v.Also, a.list())
		return admitted{highest: a.highest, others: others}, err
	}
	return a, nil
}

// admittingEvery returns those among classes that admit the holder of each set of keys.
func admittingEvery(ctx context.Context, q querier, sets [][]cairn.PrincipalKey, classes []int32) ([]int32, error) {
	var holders []int32
	var keys []cairn.PrincipalKey
	for i, set := range sets {
		for _, k := range set {
			holders, keys = append(holders, int32(i)), append(keys, k)
		}
	}
	var ids []int32
	err := q.QueryRow(ctx, `
		SELECT ARRAY (
			SELECT k.acl_id
			FROM (SELECT h.holder, k.acl_id, count(DISTINCT k.clause) FILTER (WHERE k.clause >= 0) AS met, bool_or(k.clause < 0) AS denied
			      FROM unnest($1::int[], $2::text[]) AS h (holder, principal)
			      JOIN acl_keys k ON k.principal = h.principal AND k.acl_id = ANY ($3)
			      GROUP BY h.holder, k.acl_id) k
			JOIN acls a ON a.id = k.acl_id
			WHERE a.clauses > 0 AND k.met = a.clauses AND NOT k.denied
			GROUP BY k.acl_id HAVING count(*) = $4)`, holders, keys, classes, len(sets)).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("ACL classes: %w", err)
	}
	return ids, nil
}

// admittingAmong returns those among classes that admit v, in no order.
func admittingAmong(ctx context.Context, q querier, v cairn.Viewer, classes []int32) ([]int32, error) {
	if len(v.Keys) == 0 || len(classes) == 0 {
		return nil, nil
	}
	return admittingOf(ctx, q, `$2`, v, classes)
}

// admittingChunks returns those classes that admit v and that chunks among ids
// have now, in no order.
func admittingChunks(ctx context.Context, q querier, v cairn.Viewer, ids []int64) ([]int32, error) {
	return admittingOf(ctx, q, `ARRAY (SELECT acl_id FROM chunks WHERE id = ANY ($2))`, v, ids)
}

// admittingOf returns the classes that admit v among those that an expression
// makes of its parameter.
func admittingOf(ctx context.Context, q querier, among string, v cairn.Viewer, parameter any) ([]int32, error) {
	var ids []int32
	err := q.QueryRow(ctx, `
		SELECT ARRAY (
			SELECT a.id
			FROM (SELECT acl_id, count(DISTINCT clause) FILTER (WHERE clause >= 0) AS met, bool_or(clause < 0) AS denied
			      FROM acl_keys
			      WHERE principal = ANY ($1) AND acl_id = ANY (`+among+`)
			      GROUP BY acl_id) k
			JOIN acls a ON a.id = k.acl_id
			WHERE a.clauses > 0 AND k.met = a.clauses AND NOT k.denied)`, v.Keys, parameter).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("ACL classes: %w", err)
	}
	if len(v.Also) > 0 {
		return admittingEvery(ctx, q, v.Also, ids)
	}
	return ids, nil
}
