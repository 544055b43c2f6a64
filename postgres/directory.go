package postgres

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// SetMembers implements ingest.Store: it replaces the groups of a source, and who
// is in them, by what the source tells. The name of the source is the directory, so
// that groups of two sites are never the same, whatever they are called. When the
// sequence ends with an error, or a name in it cannot be stored, nothing changes. What
// addKept adds stays.
func (s *Ingest) SetMembers(ctx context.Context, source cairn.Source, run ingest.Lease, members iter.Seq2[connectors.Member, error]) error {
	if err := cairn.CheckSourceName(source.Name); err != nil {
		return err
	}
	w, err := ingest.CollectMembers(source.Name, members)
	if err != nil {
		return fmt.Errorf("groups of %s: %w", source.Name, err)
	}
	err = pgx.BeginFunc(ctx, s.db.worker, func(tx pgx.Tx) error {
		var id string // one at a time
		if err := tx.QueryRow(ctx, `SELECT id FROM sources WHERE id = $1 FOR NO KEY UPDATE`, source.ID).Scan(&id); err != nil {
			return notFound(err)
		}
		if err := held(ctx, tx, run); err != nil {
			return err
		}
		if err := addKept(ctx, tx, source.ID, &w); err != nil {
			return err
		}
		return storeMembers(ctx, tx, source, w)
	})
	if err != nil {
		return fmt.Errorf("groups of %s: %w", source.Name, err)
	}
	return nil
}

// storeMembers writes what differs.
func storeMembers(ctx context.Context, tx pgx.Tx, source cairn.Source, w ingest.Members) error {
	ids := make([]string, len(w.Names))
	for i := range ids {
		ids[i] = cairn.NewID()
	}
	_, err := tx.Exec(ctx, `DELETE FROM groups WHERE source_id = $1 AND name <> ALL ($2)`, source.ID, append([]string{}, w.Names...))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO groups (id, directory, name, source_id)
		SELECT id, $1, name, $2 FROM unnest($3::text[], $4::text[]) x (id, name) ON CONFLICT DO NOTHING`,
		source.Name, source.ID, ids, w.Names)
	if err != nil {
		return refused(err, "")
	}
	// Of a group in a group only those count that are the source's own.
	const wanted = `
		WITH wanted AS (
			SELECT g.id AS group_id, nullif(w.email, '') AS email, s.id AS member_id
			FROM unnest($2::text[], $3::text[], $4::text[]) w (name, email, subgroup)
			JOIN groups g ON g.source_id = $1 AND g.name = w.name
			LEFT JOIN groups s ON s.source_id = $1 AND s.name = nullif(w.subgroup, '')
			WHERE w.email <> '' OR s.id IS NOT NULL)`
	args := []any{source.ID, append([]string{}, w.Groups...), append([]string{}, w.Emails...), append([]string{}, w.Subgroups...)}
	_, err = tx.Exec(ctx, wanted+`
		DELETE FROM group_members m USING groups g
		WHERE g.source_id = $1 AND m.group_id = g.id
		  AND (m.group_id, coalesce(m.email, ''), coalesce(m.member_id, '')) NOT IN (
		      SELECT group_id, coalesce(email, ''), coalesce(member_id, '') FROM wanted)`, args...)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, wanted+`
		INSERT INTO group_members (group_id, email, member_id)
		SELECT DISTINCT group_id, email, member_id FROM wanted ON CONFLICT DO NOTHING`, args...)
	return refused(err, "")
}

// SetAccountGroups makes an account belong, of all groups of a directory, to those
// with the names alone, which are made where there are none. It is for what an
// identity provider says at a sign-in; a name that no ACL could hold is left out.
func (db *DB) SetAccountGroups(ctx context.Context, account cairn.AccountID, directory string, names []string) error {
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error { return setAccountGroups(ctx, tx, account, directory, names) })
	if err != nil {
		return fmt.Errorf("groups of an account: %w", err)
	}
	return nil
}

func setAccountGroups(ctx context.Context, tx pgx.Tx, account cairn.AccountID, directory string, names []string) error {
	names = slices.DeleteFunc(append([]string{}, names...), func(name string) bool {
		return strings.TrimSpace(name) == "" || !cairn.GroupKey(directory, name).Valid()
	})
	slices.Sort(names) // one order for all, so that nobody deadlocks
	names = slices.Compact(names)
	ids := make([]string, len(names))
	for i := range ids {
		ids[i] = cairn.NewID()
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO groups (id, directory, name)
		SELECT id, $1, name FROM unnest($2::text[], $3::text[]) x (id, name) ORDER BY name ON CONFLICT DO NOTHING`, directory, ids, names)
	if err != nil {
		return refused(err, "")
	}
	_, err = tx.Exec(ctx, `
		DELETE FROM group_members m USING groups g
		WHERE m.account_id = $1 AND g.id = m.group_id AND g.directory = $2 AND g.name <> ALL ($3)`, account, directory, names)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO group_members (group_id, account_id)
		SELECT id, $1 FROM groups WHERE directory = $2 AND name = ANY ($3) ON CONFLICT DO NOTHING`, account, directory, names)
	return refused(err, "")
}
