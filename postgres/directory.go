package postgres

import (
	"context"
	"fmt"
	"iter"
	"maps"
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
// sequence ends with an error, or a name in it cannot be stored, nothing changes.
func (s *Ingest) SetMembers(ctx context.Context, source cairn.Source, run ingest.Lease, members iter.Seq2[connectors.Member, error]) error {
	if err := cairn.CheckSourceName(source.Name); err != nil {
		return err
	}
	w, err := collectMembers(source.Name, members)
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
		return w.store(ctx, tx, source)
	})
	if err != nil {
		return fmt.Errorf("groups of %s: %w", source.Name, err)
	}
	return nil
}

// wantedMembers is who a source says is in which group: row i is a member of
// groups[i], by address or as a group; the other is empty.
type wantedMembers struct {
	names             []string // of all groups, in order
	groups            []string
	emails, subgroups []string
}

func collectMembers(directory string, members iter.Seq2[connectors.Member, error]) (wantedMembers, error) {
	var w wantedMembers
	names := map[string]bool{}
	name := func(group string) error {
		if !cairn.GroupKey(directory, group).Valid() {
			return cairn.Errorf(cairn.ErrInvalid, "the source has a group called %q, which cannot be named in an ACL: a name is one line and not empty", group)
		}
		names[group] = true
		return nil
	}
	for m, err := range members {
		if err != nil {
			return w, err
		}
		if err := name(m.Group); err != nil {
			return w, err
		}
		if email, ok := cairn.FoldAddress(m.Email); ok {
			w.groups, w.emails, w.subgroups = append(w.groups, m.Group), append(w.emails, email), append(w.subgroups, "")
		}
		if m.Subgroup != "" {
			if err := name(m.Subgroup); err != nil {
				return w, err
			}
			w.groups, w.emails, w.subgroups = append(w.groups, m.Group), append(w.emails, ""), append(w.subgroups, m.Subgroup)
		}
	}
	w.names = slices.Sorted(maps.Keys(names))
	return w, nil
}

// store writes what differs.
func (w wantedMembers) store(ctx context.Context, tx pgx.Tx, source cairn.Source) error {
	ids := make([]string, len(w.names))
	for i := range ids {
		ids[i] = cairn.NewID()
	}
	_, err := tx.Exec(ctx, `DELETE FROM groups WHERE source_id = $1 AND name <> ALL ($2)`, source.ID, append([]string{}, w.names...))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO groups (id, directory, name, source_id)
		SELECT id, $1, name, $2 FROM unnest($3::text[], $4::text[]) x (id, name) ON CONFLICT DO NOTHING`,
		source.Name, source.ID, ids, w.names)
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
	args := []any{source.ID, append([]string{}, w.groups...), append([]string{}, w.emails...), append([]string{}, w.subgroups...)}
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
