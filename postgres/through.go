package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// Through implements api.Access.
func (db *DB) Through(ctx context.Context, account cairn.AccountID) (map[cairn.PrincipalKey][]cairn.PrincipalKey, error) {
	a, err := db.AccountByID(ctx, account)
	if err != nil {
		return nil, err
	}
	rows, err := db.worker.Query(ctx, heldGroups+`
		SELECT g.id, g.directory, g.name,
		       EXISTS (SELECT FROM group_members WHERE group_id = g.id AND (account_id = $1 OR email = nullif($2, ''))) AS own,
		       ARRAY (SELECT m.group_id FROM group_members m WHERE m.member_id = g.id ORDER BY m.group_id) AS outer_groups
		FROM held JOIN groups g USING (id) ORDER BY g.directory, g.name`, a.ID, a.Email)
	if err != nil {
		return nil, fmt.Errorf("groups of an account: %w", err)
	}
	held, err := pgx.CollectRows(rows, pgx.RowToStructByName[heldGroup])
	if err != nil {
		return nil, fmt.Errorf("groups of an account: %w", err)
	}
	return chains(held), nil
}

// heldGroup is a group that an account is in.
type heldGroup struct {
	ID, Directory, Name string
	Own                 bool     // the account is a member itself
	OuterGroups         []string // ids of groups that it is a member of
}

func (g heldGroup) key() cairn.PrincipalKey { return cairn.GroupKey(g.Directory, g.Name) }

// chains goes from the account's own groups outwards, the nearest first.
func chains(held []heldGroup) map[cairn.PrincipalKey][]cairn.PrincipalKey {
	out := make(map[cairn.PrincipalKey][]cairn.PrincipalKey, len(held))
	byID, inner := make(map[string]heldGroup, len(held)), make(map[string]string, len(held))
	var reached []string
	for _, g := range held {
		byID[g.ID] = g
		if g.Own {
			inner[g.ID] = ""
			reached = append(reached, g.ID)
		}
	}
	for i := 0; i < len(reached); i++ {
		g := byID[reached[i]]
		chain := []cairn.PrincipalKey{g.key()}
		if id := inner[g.ID]; id != "" {
			chain = append(slices.Clone(out[byID[id].key()]), chain...)
		}
		out[g.key()] = chain
		for _, id := range g.OuterGroups {
			if _, known := inner[id]; !known {
				inner[id] = g.ID
				reached = append(reached, id)
			}
		}
	}
	return out
}
