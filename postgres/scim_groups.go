package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/scim"
)

// scimGroupColumns are those of a scimGroupRow, where groups is called g.
const scimGroupColumns = `g.id, g.name, coalesce(g.external_id, '') AS external_id, g.created_at, g.changed_at, g.revision`

type scimGroupRow struct {
	ID         string
	Name       string
	ExternalID string
	CreatedAt  time.Time
	ChangedAt  time.Time
	Revision   int64
}

func (r scimGroupRow) group() scim.Group {
	return scim.Group{
		ID: r.ID, Display: r.Name, ExternalID: r.ExternalID, Created: r.CreatedAt, Changed: r.ChangedAt, Revision: r.Revision,
	}
}

// ListGroups implements scim.Groups.
func (s *SCIM) ListGroups(ctx context.Context, q scim.Query) ([]scim.Group, int, error) {
	if q.None {
		return nil, 0, nil
	}
	const matching = ` FROM groups g WHERE g.directory = $1
		AND ($2::text IS NULL OR g.id = $2) AND ($3::text IS NULL OR g.external_id = $3)
		AND ($4::text IS NULL OR folded(g.name) = folded($4))
		AND ($5::text IS NULL OR EXISTS (SELECT FROM group_members m WHERE m.group_id = g.id AND (m.account_id = $5 OR m.member_id = $5)))`
	args := []any{cairn.SCIMDirectory, q.ID, q.ExternalID, q.Display, q.Member}
	var total int
	if err := s.db.worker.QueryRow(ctx, `SELECT count(*)`+matching, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("list groups: %w", refused(err, ""))
	}
	rows, err := s.db.worker.Query(ctx, `SELECT `+scimGroupColumns+matching+` ORDER BY g.created_at, g.id OFFSET $6 LIMIT $7`,
		append(args, q.Offset, q.Limit)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list groups: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[scimGroupRow])
	if err != nil {
		return nil, 0, fmt.Errorf("list groups: %w", err)
	}
	groups := make([]scim.Group, len(found))
	for i, r := range found {
		groups[i] = r.group()
	}
	if q.Members {
		if err := addSCIMMembers(ctx, s.db.worker, groups); err != nil {
			return nil, 0, fmt.Errorf("list groups: %w", err)
		}
	}
	return groups, total, nil
}

// addSCIMMembers reads the members of groups: accounts and groups by their ids.
func addSCIMMembers(ctx context.Context, q querier, groups []scim.Group) error {
	ids, at := make([]string, len(groups)), make(map[string]*scim.Group, len(groups))
	for i := range groups {
		ids[i] = groups[i].ID
		at[groups[i].ID] = &groups[i]
	}
	rows, err := q.Query(ctx, `
		SELECT m.group_id, coalesce(m.account_id, m.member_id), coalesce(nullif(a.name, ''), a.email, g.name, ''), m.member_id IS NOT NULL
		FROM group_members m LEFT JOIN accounts a ON a.id = m.account_id LEFT JOIN groups g ON g.id = m.member_id
		WHERE m.group_id = ANY ($1) AND m.email IS NULL ORDER BY 2`, ids)
	if err != nil {
		return err
	}
	var group string
	var m scim.Member
	_, err = pgx.ForEachRow(rows, []any{&group, &m.ID, &m.Display, &m.Group}, func() error {
		at[group].Members = append(at[group].Members, m)
		return nil
	})
	return err
}

// CreateGroup implements scim.Groups.
func (s *SCIM) CreateGroup(ctx context.Context, g scim.Group) (scim.Group, error) {
	var out scim.Group
	err := s.db.change(ctx, func(tx pgx.Tx) (changed, error) {
		r, err := exactlyOne[scimGroupRow](tx.Query(ctx, `
			INSERT INTO groups AS g (id, directory, name, external_id) VALUES ($1, $2, $3, nullif($4, ''))
			RETURNING `+scimGroupColumns, cairn.NewID(), cairn.SCIMDirectory, g.Display, g.ExternalID))
		if err != nil {
			return changed{}, refused(err, "there is a group with the name "+g.Display)
		}
		ids := make([]string, len(g.Members))
		for i, m := range g.Members {
			ids[i] = m.ID
		}
		members, err := scimMembers(ctx, tx, ids)
		if err != nil {
			return changed{}, err
		}
		moved, err := addMembers(ctx, tx, r.ID, members)
		if err != nil {
			return changed{}, err
		}
		groups := []scim.Group{r.group()}
		err = addSCIMMembers(ctx, tx, groups)
		out = groups[0]
		return changed{action: audit.GroupCreate, kind: audit.KindGroup, id: r.ID, detail: moved.String()}, err
	})
	if err != nil {
		return scim.Group{}, fmt.Errorf("create group: %w", err)
	}
	return out, nil
}

// scimMembers tells which of ids are accounts and which groups that identity
// providers see; one that is neither is ErrInvalid.
func scimMembers(ctx context.Context, q querier, ids []string) (memberSet, error) {
	var found memberSet
	if len(ids) == 0 {
		return found, nil
	}
	err := q.QueryRow(ctx, `
		SELECT ARRAY (SELECT a.id FROM `+scimUsers+` AND a.id = ANY ($1)),
		       ARRAY (SELECT id FROM groups WHERE directory = $2 AND id = ANY ($1))`, ids, cairn.SCIMDirectory).Scan(&found.accounts, &found.groups)
	if err != nil {
		return found, refused(err, "")
	}
	there := make(map[string]bool, len(ids))
	for _, id := range found.groups {
		there[id] = true
	}
	for _, id := range found.accounts {
		there[string(id)] = true
	}
	for _, id := range ids {
		if !there[id] {
			return found, cairn.Errorf(cairn.ErrInvalid, "there is no user or group %q: provision it before it becomes a member", id)
		}
	}
	return found, nil
}

// UpdateGroup implements scim.Groups.
func (s *SCIM) UpdateGroup(ctx context.Context, id string, plan func(scim.Group) ([]scim.GroupEdit, error)) (scim.Group, error) {
	var out scim.Group
	err := s.db.change(ctx, func(tx pgx.Tx) (changed, error) {
		r, err := lockSCIMGroup(ctx, tx, id)
		if err != nil {
			return changed{}, err
		}
		edits, err := plan(r.group())
		if err != nil {
			return changed{}, err
		}
		name, external, members := r.Name, r.ExternalID, moved{}
		for _, e := range edits {
			if e.Display != nil {
				name = *e.Display
			}
			if e.ExternalID != nil {
				external = *e.ExternalID
			}
			m, err := editMembers(ctx, tx, id, e)
			if err != nil {
				return changed{}, err
			}
			members = members.plus(m)
		}
		if name != r.Name { // its key goes to nobody
			if err := notDenied(ctx, tx, cairn.SCIMDirectory, r.Name, false); err != nil {
				return changed{}, err
			}
		}
		if members.any() || name != r.Name || external != r.ExternalID {
			r, err = exactlyOne[scimGroupRow](tx.Query(ctx, `
				UPDATE groups g SET name = $2, external_id = nullif($3, ''), revision = revision + 1, changed_at = now()
				WHERE id = $1 RETURNING `+scimGroupColumns, id, name, external))
		}
		out = r.group()
		what := changed{action: audit.GroupUpdate, kind: audit.KindGroup, id: id, detail: members.String()}
		return what, refused(err, "there is a group with the name "+name)
	})
	if err != nil {
		return scim.Group{}, fmt.Errorf("update group: %w", err)
	}
	return out, nil
}

// lockSCIMGroup reads a group that nobody else changes until the transaction ends.
func lockSCIMGroup(ctx context.Context, tx pgx.Tx, id string) (scimGroupRow, error) {
	r, err := exactlyOne[scimGroupRow](tx.Query(ctx, `
		SELECT `+scimGroupColumns+` FROM groups g WHERE g.directory = $1 AND g.id = $2 FOR NO KEY UPDATE`, cairn.SCIMDirectory, id))
	return r, missing(err)
}

// editMembers does what an edit says of the members of a group.
func editMembers(ctx context.Context, tx pgx.Tx, id string, e scim.GroupEdit) (moved, error) {
	add, err := scimMembers(ctx, tx, e.Add)
	if err != nil {
		return moved{}, err
	}
	if e.Clear {
		return replaceMembers(ctx, tx, id, add)
	}
	var gone moved
	if len(e.Remove) > 0 {
		remove := memberSet{groups: e.Remove}
		for _, r := range e.Remove {
			remove.accounts = append(remove.accounts, cairn.AccountID(r))
		}
		if gone, err = removeMembers(ctx, tx, id, remove); err != nil {
			return moved{}, err
		}
	}
	if len(e.Add) == 0 {
		return gone, nil
	}
	added, err := addMembers(ctx, tx, id, add)
	return added.plus(gone), err
}

// DeleteGroup implements scim.Groups.
func (s *SCIM) DeleteGroup(ctx context.Context, id string, check func(scim.Group) error) error {
	err := s.db.change(ctx, func(tx pgx.Tx) (changed, error) {
		r, err := lockSCIMGroup(ctx, tx, id)
		if err != nil {
			return changed{}, err
		}
		if err := check(r.group()); err != nil {
			return changed{}, err
		}
		if err := notDenied(ctx, tx, cairn.SCIMDirectory, r.Name, true); err != nil {
			return changed{}, err
		}
		_, err = tx.Exec(ctx, `DELETE FROM groups WHERE id = $1`, id)
		return changed{action: audit.GroupDelete, kind: audit.KindGroup, id: id}, err
	})
	if err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	return nil
}
