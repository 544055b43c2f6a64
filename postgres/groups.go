package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var _ api.Groups = (*DB)(nil)

// ListGroups implements api.Groups.
func (db *DB) ListGroups(ctx context.Context, directory string, p api.Page) ([]api.Group, string, error) {
	from, err := after[string]("groups", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT name, id FROM groups WHERE directory = $1 AND name > $2 ORDER BY name LIMIT $3`, directory, from, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list groups: %w", err)
	}
	type named struct{ Name, ID string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[named])
	if err != nil {
		return nil, "", fmt.Errorf("list groups: %w", missing(err))
	}
	found, next := nextPage("groups", found, p.Limit, func(g named) string { return g.Name })
	groups, at := make([]api.Group, len(found)), make(map[string]*api.Group, len(found))
	for i, g := range found {
		groups[i] = api.Group{Directory: directory, Name: g.Name}
		at[g.ID] = &groups[i]
	}
	if err := db.addMembers(ctx, at); err != nil {
		return nil, "", fmt.Errorf("list groups: %w", err)
	}
	return groups, next, nil
}

// addMembers reads the members of groups, by their ids: accounts by e-mail, whether
// they are named or have the address that is, and groups by their keys.
func (db *DB) addMembers(ctx context.Context, groups map[string]*api.Group) error {
	ids := make([]string, 0, len(groups))
	for id := range groups {
		ids = append(ids, id)
	}
	rows, err := db.worker.Query(ctx, `
		SELECT DISTINCT m.group_id, a.id, coalesce(a.email, '') AS email, a.name, a.role,
		       a.disabled_at IS NOT NULL AS disabled, a.created_at AS created
		FROM group_members m JOIN accounts a ON a.id = m.account_id OR a.email = m.email
		WHERE m.group_id = ANY ($1)
		ORDER BY 3, 2`, ids)
	if err != nil {
		return err
	}
	type member struct {
		GroupID string
		cairn.Account
	}
	members, err := pgx.CollectRows(rows, pgx.RowToStructByName[member])
	if err != nil {
		return err
	}
	for _, m := range members {
		groups[m.GroupID].Members = append(groups[m.GroupID].Members, m.Account)
	}
	rows, err = db.worker.Query(ctx, `
		SELECT m.group_id, g.directory, g.name FROM group_members m JOIN groups g ON g.id = m.member_id
		WHERE m.group_id = ANY ($1) ORDER BY g.directory, g.name`, ids)
	if err != nil {
		return err
	}
	var id, directory, name string
	_, err = pgx.ForEachRow(rows, []any{&id, &directory, &name}, func() error {
		groups[id].Groups = append(groups[id].Groups, cairn.GroupKey(directory, name))
		return nil
	})
	return err
}

// CreateGroup implements api.Groups.
func (db *DB) CreateGroup(ctx context.Context, name string) error {
	if !cairn.GroupKey(cairn.OwnDirectory, name).Valid() {
		return cairn.Errorf(cairn.ErrInvalid, "%q is no name of a group: it must be one line and not empty", name)
	}
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		_, err := tx.Exec(ctx, `INSERT INTO groups (id, directory, name) VALUES ($1, $2, $3)`, cairn.NewID(), cairn.OwnDirectory, name)
		return changed{action: audit.GroupCreate, kind: audit.KindGroup, id: name}, refused(err, "there is a group "+name)
	})
	if err != nil {
		return fmt.Errorf("create group: %w", err)
	}
	return nil
}

// SetGroup implements api.Groups.
func (db *DB) SetGroup(ctx context.Context, name string, members []cairn.AccountID, groups []cairn.PrincipalKey) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		var id string
		err := tx.QueryRow(ctx, `
			SELECT id FROM groups WHERE directory = $1 AND name = $2 FOR NO KEY UPDATE`, cairn.OwnDirectory, name).Scan(&id)
		if err != nil {
			return changed{}, missing(err)
		}
		nested, err := groupIDs(ctx, tx, groups)
		if err != nil {
			return changed{}, err
		}
		moved, err := replaceMembers(ctx, tx, id, memberSet{accounts: members, groups: nested})
		return changed{action: audit.GroupUpdate, kind: audit.KindGroup, id: name, detail: moved.String()}, err
	})
	if err != nil {
		return fmt.Errorf("set group: %w", err)
	}
	return nil
}

// groupIDs returns the ids of groups by their keys; a key that is no group's is
// ErrNotFound.
func groupIDs(ctx context.Context, q querier, keys []cairn.PrincipalKey) ([]string, error) {
	ids := make([]string, len(keys))
	for i, k := range keys {
		directory, name, ok := strings.Cut(strings.TrimPrefix(string(k), "group:"), ":")
		if !ok || !k.Valid() {
			return nil, cairn.ErrNotFound
		}
		err := q.QueryRow(ctx, `SELECT id FROM groups WHERE directory = $1 AND name = $2`, directory, name).Scan(&ids[i])
		if err != nil {
			return nil, missing(err)
		}
	}
	return ids, nil
}

// DeleteGroup implements api.Groups.
func (db *DB) DeleteGroup(ctx context.Context, name string) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		if err := notDenied(ctx, tx, cairn.OwnDirectory, name, true); err != nil {
			return changed{}, err
		}
		err := tx.QueryRow(ctx, `
			DELETE FROM groups WHERE directory = $1 AND name = $2 RETURNING name`, cairn.OwnDirectory, name).Scan(&name)
		return changed{action: audit.GroupDelete, kind: audit.KindGroup, id: name}, missing(err)
	})
	if err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	return nil
}
