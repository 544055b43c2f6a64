package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// querier is what a pool, a connection and a transaction have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// beginner is a pool, or a transaction, in which Begin makes a savepoint.
type beginner interface {
	querier
	Begin(ctx context.Context) (pgx.Tx, error)
}

// aclClasses returns the class of each ACL, made where there is none yet. The
// classes are committed before any batch that uses them, so that two batches
// never wait for each other's.
func (db *DB) aclClasses(ctx context.Context, acls []cairn.ACL) (map[[32]byte]int32, error) {
	return aclClasses(ctx, db.worker, acls)
}

func aclClasses(ctx context.Context, q beginner, acls []cairn.ACL) (map[[32]byte]int32, error) {
	byHash := make(map[[32]byte]cairn.ACL, len(acls))
	for _, a := range acls {
		byHash[a.Hash()] = a
	}
	hashes := make([][]byte, 0, len(byHash))
	for h := range byHash {
		hashes = append(hashes, h[:])
	}
	slices.SortFunc(hashes, bytes.Compare) // one order for all, so that nobody deadlocks
	classes, err := classesByHash(ctx, q, hashes)
	if err != nil {
		return nil, err
	}
	hashes = slices.DeleteFunc(hashes, func(h []byte) bool { _, ok := classes[[32]byte(h)]; return ok })
	for part := range slices.Chunk(hashes, classesAtOnce) {
		if err := createClasses(ctx, q, part, byHash); err != nil {
			return nil, err
		}
		made, err := classesByHash(ctx, q, part)
		if err != nil {
			return nil, err
		}
		if len(made) < len(part) {
			return nil, errors.New("create ACL classes: one of them is missing")
		}
		maps.Copy(classes, made)
	}
	return classes, nil
}

// classesAtOnce bounds how many classes one statement makes: an ACL may have
// thousands of principals.
const classesAtOnce = 500

// aclClass returns the class of one ACL.
func (db *DB) aclClass(ctx context.Context, a cairn.ACL) (int32, error) {
	return aclClass(ctx, db.worker, a)
}

func aclClass(ctx context.Context, q beginner, a cairn.ACL) (int32, error) {
	classes, err := aclClasses(ctx, q, []cairn.ACL{a})
	if err != nil {
		return 0, err
	}
	return classes[a.Hash()], nil
}

func classesByHash(ctx context.Context, q querier, hashes [][]byte) (map[[32]byte]int32, error) {
	rows, err := q.Query(ctx, `SELECT hash, id FROM acls WHERE hash = ANY ($1)`, hashes)
	if err != nil {
		return nil, fmt.Errorf("ACL classes: %w", err)
	}
	classes := make(map[[32]byte]int32, len(hashes))
	var hash []byte
	var id int32
	_, err = pgx.ForEachRow(rows, []any{&hash, &id}, func() error {
		classes[[32]byte(hash)] = id
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ACL classes: %w", err)
	}
	return classes, nil
}

// createClasses makes the classes of hashes, which are sorted. Those that
// somebody else makes at the same time are waited for and left as they are.
func createClasses(ctx context.Context, q beginner, hashes [][]byte, byHash map[[32]byte]cairn.ACL) error {
	var rules, principals []string
	var sizes, clauses []int32
	var owners [][]byte // of principals: the hash of their ACL
	var simple []bool   // of principals: to hold the key is enough, see admitting
	for _, h := range hashes {
		a := byHash[[32]byte(h)].Canonical()
		rule, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("ACL: %w", err)
		}
		rules, sizes = append(rules, string(rule)), append(sizes, int32(len(a.Allow)))
		c, p := aclKeys(a)
		clauses, principals = append(clauses, c...), append(principals, p...)
		for range p {
			owners = append(owners, h)
			simple = append(simple, len(a.Allow) == 1 && len(a.Deny) == 0)
		}
	}
	err := pgx.BeginFunc(ctx, q, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			WITH made AS (
				INSERT INTO acls (hash, rule, clauses)
				SELECT h, r::jsonb, n FROM unnest($1::bytea[], $2::text[], $3::int[]) x (h, r, n) ORDER BY h
				ON CONFLICT (hash) DO NOTHING RETURNING id, hash)
			INSERT INTO acl_keys (acl_id, clause, principal, simple)
			SELECT made.id, k.clause, k.principal, k.simple
			FROM made JOIN unnest($4::bytea[], $5::int[], $6::text[], $7::boolean[]) k (hash, clause, principal, simple) ON k.hash = made.hash`,
			hashes, rules, sizes, owners, clauses, principals, simple)
		return err
	})
	if err != nil {
		return fmt.Errorf("create ACL classes: %w", err)
	}
	return nil
}

// aclKeys returns the keys of an ACL as rows; clause -1 is Deny.
func aclKeys(a cairn.ACL) (clauses []int32, principals []string) {
	add := func(clause int32, keys []cairn.PrincipalKey) {
		for _, k := range keys {
			clauses = append(clauses, clause)
			principals = append(principals, string(k))
		}
	}
	for i, clause := range a.Allow {
		add(int32(i), clause)
	}
	add(-1, a.Deny)
	return clauses, principals
}
