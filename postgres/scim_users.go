package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/scim"
)

var _ scim.Store = (*SCIM)(nil)

// SCIM keeps accounts and groups for identity providers.
type SCIM struct {
	db *DB
}

// NewSCIM returns the keeper of what identity providers bring.
func NewSCIM(db *DB) *SCIM { return &SCIM{db} }

// scimUserColumns are those of a scimUserRow, where accounts is called a.
const scimUserColumns = `a.id, coalesce(a.user_name, a.email) AS user_name, coalesce(a.external_id, '') AS external_id,
	coalesce(a.email, '') AS address, a.name AS display, a.role, a.profile, a.disabled_at IS NULL AS active,
	a.created_at, a.changed_at, a.revision`

// scimUsers are the accounts that identity providers see.
const scimUsers = `accounts a WHERE NOT a.is_local AND coalesce(a.user_name, a.email) IS NOT NULL`

type scimUserRow struct {
	ID         cairn.AccountID
	UserName   string
	ExternalID string
	Address    string
	Display    string
	Role       cairn.Role
	Profile    scim.Profile
	Active     bool
	CreatedAt  time.Time
	ChangedAt  time.Time
	Revision   int64
}

func (r scimUserRow) user() scim.User {
	return scim.User{
		ID: r.ID, UserName: r.UserName, ExternalID: r.ExternalID, Address: r.Address, Display: r.Display, Profile: r.Profile,
		Active: r.Active, Created: r.CreatedAt, Changed: r.ChangedAt, Revision: r.Revision,
	}
}

// ListUsers implements scim.Users.
func (s *SCIM) ListUsers(ctx context.Context, q scim.Query) ([]scim.User, int, error) {
	if q.None {
		return nil, 0, nil
	}
	const matching = ` FROM ` + scimUsers + `
		AND ($1::text IS NULL OR a.id = $1) AND ($2::text IS NULL OR a.external_id = $2)
		AND ($3::text IS NULL OR lower(coalesce(a.user_name, a.email)) = lower($3)) AND ($4::text IS NULL OR a.email = lower($4))
		AND ($5::text IS NULL OR lower(a.name) = lower($5)) AND ($6::boolean IS NULL OR (a.disabled_at IS NULL) = $6)`
	args := []any{q.ID, q.ExternalID, q.UserName, q.Email, q.Display, q.Active}
	var total int
	if err := s.db.worker.QueryRow(ctx, `SELECT count(*)`+matching, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("list users: %w", refused(err, ""))
	}
	rows, err := s.db.worker.Query(ctx, `SELECT `+scimUserColumns+matching+` ORDER BY a.created_at, a.id OFFSET $7 LIMIT $8`,
		append(args, q.Offset, q.Limit)...)
	if err != nil {
		return nil, 0, fmt.Errorf("list users: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[scimUserRow])
	if err != nil {
		return nil, 0, fmt.Errorf("list users: %w", err)
	}
	users := make([]scim.User, len(found))
	for i, r := range found {
		users[i] = r.user()
	}
	return users, total, nil
}

// CreateUser implements scim.Users.
func (s *SCIM) CreateUser(ctx context.Context, u scim.User) (scim.User, error) {
	var r scimUserRow
	err := s.db.change(ctx, func(tx pgx.Tx) (_ changed, err error) {
		r, err = exactlyOne[scimUserRow](tx.Query(ctx, `
			INSERT INTO accounts AS a (id, email, name, role, disabled_at, user_name, external_id, profile)
			VALUES ($1, $2, $3, 'member', CASE WHEN NOT $4 THEN now() END, $5, nullif($6, ''), $7)
			RETURNING `+scimUserColumns, cairn.NewID(), u.Address, u.Display, u.Active, u.UserName, u.ExternalID, u.Profile))
		return changed{action: audit.AccountCreate, kind: audit.KindAccount, id: string(r.ID), detail: "role:member"}, refused(err, userTaken(u))
	})
	if err != nil {
		return scim.User{}, fmt.Errorf("create user: %w", err)
	}
	return r.user(), nil
}

func userTaken(u scim.User) string {
	return fmt.Sprintf("there is a user with the name %s or the address %s", u.UserName, u.Address)
}

// UpdateUser implements scim.Users.
func (s *SCIM) UpdateUser(ctx context.Context, id cairn.AccountID, edit func(*scim.User) error) (scim.User, error) {
	var out scim.User
	err := s.db.change(ctx, func(tx pgx.Tx) (changed, error) {
		r, err := lockUser(ctx, tx, id)
		if err != nil {
			return changed{}, err
		}
		u := r.user()
		if err := edit(&u); err != nil {
			return changed{}, err
		}
		if r.Role == cairn.RoleAdmin && u.Address != r.Address {
			return changed{}, cairn.Errorf(cairn.ErrDenied, "the address of an administrator is changed by an administrator: cairn user, or the page of accounts")
		}
		if err := keepLast(ctx, tx, cairn.Account{ID: id, Role: r.Role, Disabled: !u.Active}); err != nil {
			return changed{}, err
		}
		what := changed{action: audit.AccountUpdate, kind: audit.KindAccount, id: string(id), detail: scimDetail(r.user(), u)}
		r, err = exactlyOne[scimUserRow](tx.Query(ctx, `
			UPDATE accounts a SET email = $2, name = $3, disabled_at = CASE WHEN NOT $4 THEN coalesce(a.disabled_at, now()) END,
			       user_name = $5, external_id = nullif($6, ''), profile = $7
			WHERE id = $1
			RETURNING `+scimUserColumns, id, u.Address, u.Display, u.Active, u.UserName, u.ExternalID, u.Profile))
		if err != nil {
			return changed{}, refused(err, userTaken(u))
		}
		out = r.user()
		if u.Active {
			return what, nil
		}
		return what, endAccess(ctx, tx, id, auth.Hash{}) // its tokens are refused while it is disabled
	})
	if err != nil {
		return scim.User{}, fmt.Errorf("update user: %w", err)
	}
	return out, nil
}

// scimDetail says what of a user was changed, as far as the rest of Cairn knows it.
func scimDetail(before, u scim.User) string {
	of := func(u scim.User) cairn.Account {
		return cairn.Account{Email: u.Address, Name: u.Display, Disabled: !u.Active}
	}
	return accountDetail(of(before), of(u))
}

// lockUser reads an account that nobody else changes until the transaction ends.
// Administrators are locked first, all of them: see keepAdministrator.
func lockUser(ctx context.Context, tx pgx.Tx, id cairn.AccountID) (scimUserRow, error) {
	if _, err := tx.Exec(ctx, `
		SELECT FROM accounts WHERE role = 'admin' AND disabled_at IS NULL AND NOT is_local ORDER BY id FOR NO KEY UPDATE`); err != nil {
		return scimUserRow{}, err
	}
	r, err := exactlyOne[scimUserRow](tx.Query(ctx, `SELECT `+scimUserColumns+` FROM `+scimUsers+` AND a.id = $1 FOR NO KEY UPDATE`, id))
	return r, missing(err)
}

// keepLast is keepAdministrator for identity providers: what they may not do is
// ErrDenied, because ErrConflict is that a name is taken.
func keepLast(ctx context.Context, tx pgx.Tx, a cairn.Account) error {
	err := keepAdministrator(ctx, tx, a)
	if errors.Is(err, cairn.ErrConflict) {
		return cairn.Errorf(cairn.ErrDenied, "%s", err.Error())
	}
	return err
}

// DeleteUser implements scim.Users.
func (s *SCIM) DeleteUser(ctx context.Context, id cairn.AccountID, check func(scim.User) error) error {
	err := s.db.change(ctx, func(tx pgx.Tx) (changed, error) {
		// Groups before accounts, as everybody does who locks both.
		_, err := tx.Exec(ctx, `
			UPDATE groups SET revision = revision + 1, changed_at = now()
			WHERE id IN (SELECT g.id FROM groups g JOIN group_members m ON m.group_id = g.id WHERE m.account_id = $1
			             ORDER BY g.id FOR NO KEY UPDATE OF g)`, id)
		if err != nil {
			return changed{}, missing(err)
		}
		r, err := lockUser(ctx, tx, id)
		if err != nil {
			return changed{}, err
		}
		if err := check(r.user()); err != nil {
			return changed{}, err
		}
		if err := keepLast(ctx, tx, cairn.Account{ID: id, Role: r.Role, Disabled: true}); err != nil {
			return changed{}, err
		}
		_, err = tx.Exec(ctx, `DELETE FROM accounts WHERE id = $1`, id)
		return changed{action: audit.AccountDelete, kind: audit.KindAccount, id: string(id)}, err
	})
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}
