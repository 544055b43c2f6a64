package postgres

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// holderColumns are those of a holderRow, where accounts is called a. Who makes a
// request is asked with each of them, in one statement.
const holderColumns = `a.id AS holder, coalesce(a.email, '') AS email, a.name AS holder_name, a.role, a.disabled_at IS NOT NULL AS disabled,
	a.created_at AS joined, ARRAY (SELECT group_name FROM group_members WHERE account_id = a.id ORDER BY group_name) AS groups,
	ARRAY (SELECT 'group:' || directory || ':' || name FROM account_groups WHERE account_id = a.id ORDER BY directory, name) AS others`

// holderRow is an account with the groups that it belongs to.
type holderRow struct {
	Holder     cairn.AccountID
	Email      string
	HolderName string
	Role       cairn.Role
	Disabled   bool
	Joined     time.Time
	Groups     []string
	Others     []cairn.PrincipalKey // groups of other directories
}

func (r holderRow) holder() auth.Holder {
	return auth.Holder{
		Account: cairn.Account{ID: r.Holder, Email: r.Email, Name: r.HolderName, Role: r.Role, Disabled: r.Disabled, Created: r.Joined},
		Groups:  r.Groups,
		Others:  r.Others,
	}
}

// isMissing reports whether err says that there is no such row.
func isMissing(err error) bool { return errors.Is(err, cairn.ErrNotFound) }

// exactlyOne returns the row of a query; none is ErrNotFound.
func exactlyOne[T any](rows pgx.Rows, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	return row, notFound(err)
}
