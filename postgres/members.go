package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// memberSet is who belongs to a group: of each kind, in no order; repetitions do
// not matter.
type memberSet struct {
	accounts []cairn.AccountID
	groups   []string // ids
	emails   []string
}

// args returns the set as three parameters, of which none is null: null would
// equal nothing.
func (s memberSet) args(group string) []any {
	return []any{group, append([]cairn.AccountID{}, s.accounts...), append([]string{}, s.groups...), append([]string{}, s.emails...)}
}

// moved is how many members a group has got and lost.
type moved struct{ added, removed int64 }

func (m moved) any() bool { return m != moved{} }

func (m moved) plus(o moved) moved { return moved{m.added + o.added, m.removed + o.removed} }

// String says it in words of the audit log.
func (m moved) String() string { return fmt.Sprintf("added:%d removed:%d", m.added, m.removed) }

// replaceMembers makes a group consist of the set, and returns what has changed.
// The caller holds the group's row.
func replaceMembers(ctx context.Context, tx pgx.Tx, group string, s memberSet) (moved, error) {
	tag, err := tx.Exec(ctx, `
		DELETE FROM group_members
		WHERE group_id = $1 AND NOT (coalesce(account_id = ANY ($2), false) OR coalesce(member_id = ANY ($3), false)
		                             OR coalesce(email = ANY ($4), false))`, s.args(group)...)
	if err != nil {
		return moved{}, refused(err, "")
	}
	added, err := addMembers(ctx, tx, group, s)
	return added.plus(moved{removed: tag.RowsAffected()}), err
}

// addMembers adds the set to a group, and returns what has changed.
func addMembers(ctx context.Context, tx pgx.Tx, group string, s memberSet) (moved, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO group_members (group_id, account_id, member_id, email)
		SELECT DISTINCT $1::text, a, NULL, NULL FROM unnest($2::text[]) a
		UNION ALL SELECT DISTINCT $1::text, NULL, m, NULL FROM unnest($3::text[]) m
		UNION ALL SELECT DISTINCT $1::text, NULL, NULL, e FROM unnest($4::text[]) e
		ON CONFLICT DO NOTHING`, s.args(group)...)
	return moved{added: tag.RowsAffected()}, refused(err, "")
}

// removeMembers takes the set out of a group, and returns what has changed.
func removeMembers(ctx context.Context, tx pgx.Tx, group string, s memberSet) (moved, error) {
	tag, err := tx.Exec(ctx, `
		DELETE FROM group_members
		WHERE group_id = $1 AND (account_id = ANY ($2) OR member_id = ANY ($3) OR email = ANY ($4))`, s.args(group)...)
	return moved{removed: tag.RowsAffected()}, refused(err, "")
}
