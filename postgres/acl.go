package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	for _, h := range hashes {
		hash := [32]byte(h)
		if _, ok := classes[hash]; ok {
			continue
		}
		id, err := createClass(ctx, q, hash, byHash[hash].Canonical())
		if err != nil {
			return nil, err
		}
		classes[hash] = id
	}
	return classes, nil
}

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

func createClass(ctx context.Context, q beginner, hash [32]byte, a cairn.ACL) (int32, error) {
	rule, err := json.Marshal(a)
	if err != nil {
		return 0, fmt.Errorf("ACL: %w", err)
	}
	clauses, principals := aclKeys(a)
	simple := len(a.Allow) == 1 && len(a.Deny) == 0 // to hold a key is enough: see admitting
	var id int32
	err = pgx.BeginFunc(ctx, q, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			INSERT INTO acls (hash, rule, clauses) VALUES ($1, $2, $3)
			ON CONFLICT (hash) DO NOTHING RETURNING id`, hash[:], rule, len(a.Allow)).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) { // somebody else has just made it
			return tx.QueryRow(ctx, `SELECT id FROM acls WHERE hash = $1`, hash[:]).Scan(&id)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO acl_keys (acl_id, clause, principal, simple)
			SELECT $1, *, $4 FROM unnest($2::int[], $3::text[]) ON CONFLICT DO NOTHING`, id, clauses, principals, simple)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("create ACL class: %w", err)
	}
	return id, nil
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
