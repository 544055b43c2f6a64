package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

const (
	// inUse says of a row k of acl_keys that something has its ACL: a document, though it
	// is withheld, a former text, or a source.
	inUse = `(
		EXISTS (SELECT FROM documents d WHERE d.acl_id = k.acl_id) OR EXISTS (SELECT FROM documents d WHERE d.withheld_acl = k.acl_id)
		OR EXISTS (SELECT FROM bodies b WHERE b.acl_id = k.acl_id) OR EXISTS (SELECT FROM sources s WHERE s.acl_id = k.acl_id))`

	// isDenied and isAdmitted say of a group h that ACLs in use deny it, or let it in.
	isDenied = `EXISTS (
		SELECT FROM acl_keys k WHERE k.principal = 'group:' || h.directory || ':' || h.name AND k.clause < 0 AND ` + inUse + `)`
	isAdmitted = `EXISTS (
		SELECT FROM acl_keys k WHERE k.principal = 'group:' || h.directory || ':' || h.name AND k.clause >= 0 AND ` + inUse + `)`
)

// notDenied refuses to let a group go, or its name, when permissions in use deny it: they
// would deny its members no more. For a group that goes, those count that it is in, too.
func notDenied(ctx context.Context, tx pgx.Tx, directory, name string, goes bool) error {
	var denied string
	err := tx.QueryRow(ctx, `
		WITH RECURSIVE above (id) AS (
			SELECT id FROM groups WHERE directory = $1 AND name = $2
			UNION SELECT m.group_id FROM above a JOIN group_members m ON m.member_id = a.id WHERE $3)
		SELECT 'group:' || h.directory || ':' || h.name FROM above JOIN groups h USING (id) WHERE `+isDenied+` LIMIT 1`,
		directory, name, goes).Scan(&denied)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return missing(err)
	}
	return cairn.Errorf(cairn.ErrConflict,
		"permissions of documents or sources deny %s, and who is denied by this group could read them without it: take it out of these first", denied)
}

// addKept adds to what a source tells of its groups who stays in them although it does not
// say so. Of groups that it failed to tell of, those are the members of before. A group
// that it does not name any more, or any when it tells nobody's address, as one does that has
// lost the right to, keeps all people who were in it, through others as well, where
// permissions in use deny it, or one that it is in, and none let it in: else whoever is
// denied could read because a site hides a group.
func addKept(ctx context.Context, q querier, source cairn.SourceID, w *ingest.Members) error {
	nobody := !slices.ContainsFunc(w.Emails, func(email string) bool { return email != "" })
	rows, err := q.Query(ctx, `
		WITH RECURSIVE above (name, id) AS (
			SELECT name, id FROM groups WHERE source_id = $1 AND ($3 OR name <> ALL ($2)) AND name <> ALL ($4)
			UNION SELECT a.name, m.group_id FROM above a JOIN group_members m ON m.member_id = a.id
		), kept (name) AS (
			SELECT a.name FROM above a JOIN groups h USING (id) GROUP BY a.name HAVING bool_or(`+isDenied+`) AND NOT bool_or(`+isAdmitted+`)
		), inside (name, id) AS (
			SELECT name, g.id FROM kept JOIN groups g USING (name) WHERE g.source_id = $1
			UNION SELECT i.name, m.member_id FROM inside i JOIN group_members m ON m.group_id = i.id WHERE m.member_id IS NOT NULL
		)
		SELECT DISTINCT i.name, coalesce(m.email, ''), '' FROM inside i LEFT JOIN group_members m ON m.group_id = i.id AND m.email IS NOT NULL
		UNION ALL
		SELECT g.name, coalesce(m.email, ''), coalesce(s.name, '')
		FROM groups g JOIN group_members m ON m.group_id = g.id LEFT JOIN groups s ON s.id = m.member_id AND s.source_id = $1
		WHERE g.source_id = $1 AND g.name = ANY ($4)
		ORDER BY 1, 2, 3`, source, append([]string{}, w.Names...), nobody, append([]string{}, w.Untold...))
	if err != nil {
		return err
	}
	var name, email, subgroup string
	_, err = pgx.ForEachRow(rows, []any{&name, &email, &subgroup}, func() error {
		w.Names = append(w.Names, name)
		if email != "" || subgroup != "" {
			w.Add(name, email, subgroup)
		}
		return nil
	})
	slices.Sort(w.Names)
	w.Names = slices.Compact(w.Names)
	return err
}
