package postgres

import (
	"context"

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

// replaceMembers makes a group consist of the set, and reports whether that is a
// change. The caller holds the group's row.
func replaceMembers(ctx context.Context, tx pgx.Tx, group string, s memberSet) (changed bool, err error) {
	tag, err := tx.Exec(ctx, `
		DELETE FROM group_members
		WHERE group_id = $1 AND NOT (coalesce(account_id = ANY ($2), false) OR coalesce(member_id = ANY ($3), false)
		                             OR coalesce(email = ANY ($4), false))`, s.args(group)...)
	if err != nil {
		return false, refused(err, "")
	}
	added, err := addMembers(ctx, tx, group, s)
	return added || tag.RowsAffected() > 0, err
}

// addMembers adds the set to a group, and reports whether that is a change.
func addMembers(ctx context.Context, tx pgx.Tx, group string, s memberSet) (changed bool, err error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO group_members (group_id, account_id, member_id, email)
		SELECT DISTINCT $1::text, a, NULL, NULL FROM unnest($2::text[]) a
		UNION ALL SELECT DISTINCT $1::text, NULL, m, NULL FROM unnest($3::text[]) m
		UNION ALL SELECT DISTINCT $1::text, NULL, NULL, e FROM unnest($4::text[]) e
		ON CONFLICT DO NOTHING`, s.args(group)...)
	return tag.RowsAffected() > 0, refused(err, "")
}

// removeMembers takes the set out of a group, and reports whether that is a change.
func removeMembers(ctx context.Context, tx pgx.Tx, group string, s memberSet) (changed bool, err error) {
	tag, err := tx.Exec(ctx, `
		DELETE FROM group_members
		WHERE group_id = $1 AND (account_id = ANY ($2) OR member_id = ANY ($3) OR email = ANY ($4))`, s.args(group)...)
	return tag.RowsAffected() > 0, refused(err, "")
}
