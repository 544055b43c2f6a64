package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var _ api.Groups = (*DB)(nil)

// ListGroups implements api.Groups.
func (db *DB) ListGroups(ctx context.Context, p api.Page) ([]api.Group, string, error) {
	from, err := after[string]("groups", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `SELECT name FROM groups WHERE name > $1 ORDER BY name LIMIT $2`, from, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list groups: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, "", fmt.Errorf("list groups: %w", err)
	}
	names, next := nextPage("groups", names, p.Limit, func(name string) string { return name })
	members, err := db.members(ctx, names)
	if err != nil {
		return nil, "", fmt.Errorf("list groups: %w", err)
	}
	groups := make([]api.Group, len(names))
	for i, name := range names {
		groups[i] = api.Group{Name: name, Members: members[name]}
	}
	return groups, next, nil
}

// members returns the members of groups, by e-mail.
func (db *DB) members(ctx context.Context, groups []string) (map[string][]cairn.Account, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT m.group_name, a.id, coalesce(a.email, '') AS email, a.name, a.role,
		       a.disabled_at IS NOT NULL AS disabled, a.created_at AS created
		FROM group_members m JOIN accounts a ON a.id = m.account_id
		WHERE m.group_name = ANY ($1)
		ORDER BY coalesce(a.email, ''), a.id`, groups)
	if err != nil {
		return nil, err
	}
	type member struct {
		GroupName string
		cairn.Account
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[member])
	if err != nil {
		return nil, err
	}
	byGroup := make(map[string][]cairn.Account)
	for _, m := range found {
		byGroup[m.GroupName] = append(byGroup[m.GroupName], m.Account)
	}
	return byGroup, nil
}

// CreateGroup implements api.Groups.
func (db *DB) CreateGroup(ctx context.Context, name string) error {
	if !cairn.GroupKey("cairn", name).Valid() {
		return cairn.Errorf(cairn.ErrInvalid, "%q is no name of a group: it must be one line and not empty", name)
	}
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		_, err := tx.Exec(ctx, `INSERT INTO groups (name) VALUES ($1)`, name)
		return changed{action: audit.GroupCreate, kind: audit.KindGroup, id: name}, refused(err, "there is a group "+name)
	})
	if err != nil {
		return fmt.Errorf("create group: %w", err)
	}
	return nil
}

// SetGroup implements api.Groups.
func (db *DB) SetGroup(ctx context.Context, name string, members []cairn.AccountID) error {
	if members == nil {
		members = []cairn.AccountID{} // nil would be null, which equals nothing
	}
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		err := tx.QueryRow(ctx, `SELECT name FROM groups WHERE name = $1 FOR UPDATE`, name).Scan(&name)
		if err != nil {
			return changed{}, missing(err)
		}
		removed, err := tx.Exec(ctx, `DELETE FROM group_members WHERE group_name = $1 AND NOT account_id = ANY ($2)`, name, members)
		if err != nil {
			return changed{}, refused(err, "")
		}
		added, err := tx.Exec(ctx, `
			INSERT INTO group_members (group_name, account_id)
			SELECT DISTINCT $1, id FROM unnest($2::text[]) id ON CONFLICT DO NOTHING`, name, members)
		detail := fmt.Sprintf("added:%d removed:%d", added.RowsAffected(), removed.RowsAffected())
		return changed{action: audit.GroupUpdate, kind: audit.KindGroup, id: name, detail: detail}, refused(err, "")
	})
	if err != nil {
		return fmt.Errorf("set group: %w", err)
	}
	return nil
}

// DeleteGroup implements api.Groups.
func (db *DB) DeleteGroup(ctx context.Context, name string) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		err := tx.QueryRow(ctx, `DELETE FROM groups WHERE name = $1 RETURNING name`, name).Scan(&name)
		return changed{action: audit.GroupDelete, kind: audit.KindGroup, id: name}, missing(err)
	})
	if err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	return nil
}
