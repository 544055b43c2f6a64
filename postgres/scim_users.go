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
const scimUserColumns = `a.id, coalesce(a.user_name, a.email) AS user_name, a.user_name IS NOT NULL AS named, coalesce(a.external_id, '') AS external_id,
	coalesce(a.email, '') AS address, a.name AS display, a.role, a.profile, a.disabled_at IS NULL AS active,
	a.created_at, a.changed_at, a.revision`

// scimUsers are the accounts that identity providers see.
const scimUsers = `accounts a WHERE NOT a.is_local AND coalesce(a.user_name, a.email) IS NOT NULL`

type scimUserRow struct {
	ID         cairn.AccountID
	UserName   string
	Named      bool
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
		ID: r.ID, UserName: r.UserName, Named: r.Named, ExternalID: r.ExternalID, Address: r.Address, Display: r.Display,
		Profile: r.Profile, Active: r.Active, Created: r.CreatedAt, Changed: r.ChangedAt, Revision: r.Revision,
	}
}

// ListUsers implements scim.Users.
func (s *SCIM) ListUsers(ctx context.Context, q scim.Query) ([]scim.User, int, error) {
	if q.None {
		return nil, 0, nil
	}
	if q.Email != nil {
		email, ok := cairn.FoldAddress(*q.Email)
		if !ok {
			return nil, 0, nil // nobody has it
		}
		q.Email = &email
	}
	const matching = ` FROM ` + scimUsers + `
		AND ($1::text IS NULL OR a.id = $1) AND ($2::text IS NULL OR a.external_id = $2)
		AND ($3::text IS NULL OR folded(coalesce(a.user_name, a.email)) = folded($3)) AND ($4::text IS NULL OR a.email = $4)
		AND ($5::text IS NULL OR folded(a.name) = folded($5)) AND ($6::boolean IS NULL OR (a.disabled_at IS NULL) = $6)`
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
		admins, err := lockAdministrators(ctx, tx)
		if err != nil {
			return changed{}, err
		}
		r, err := lockUser(ctx, tx, id)
		if err != nil {
			return changed{}, err
		}
		u := r.user()
		if err := edit(&u); err != nil {
			return changed{}, err
		}
		if err := admins.remainWith(ctx, tx, cairn.Account{ID: id, Role: r.Role, Disabled: !u.Active}); err != nil {
			return changed{}, denied(err)
		}
		if err := r.mayBecome(ctx, tx, u); err != nil {
			return changed{}, err
		}
		what := changed{action: audit.AccountUpdate, kind: audit.KindAccount, id: string(id), detail: scimDetail(r.user(), u)}
		if out, err = storeUser(ctx, tx, u); err != nil || u.Active {
			return what, err
		}
		return what, endAccess(ctx, tx, id, auth.Hash{}) // its tokens are refused while it is disabled
	})
	if err != nil {
		return scim.User{}, fmt.Errorf("update user: %w", err)
	}
	return out, nil
}

// storeUser stores an account that there is; one that an administrator here has disabled
// stays so. Only a user name that the provider has
// given is kept as one.
func storeUser(ctx context.Context, tx pgx.Tx, u scim.User) (scim.User, error) {
	r, err := exactlyOne[scimUserRow](tx.Query(ctx, `
		UPDATE accounts a SET email = $2, name = $3, 
		       disabled_at = CASE WHEN NOT $4 THEN coalesce(a.disabled_at, now()) WHEN a.locked THEN a.disabled_at END,
		       user_name = CASE WHEN $8 THEN $5 END, external_id = nullif($6, ''), profile = $7
		WHERE id = $1
		RETURNING `+scimUserColumns, u.ID, u.Address, u.Display, u.Active, u.UserName, u.ExternalID, u.Profile, u.Named))
	return r.user(), refused(err, userTaken(u))
}

// mayBecome refuses what a provider may not make of an administrator: another
// address, or one who can no longer sign in with the password that she has. Who
// becomes inactive cannot sign in anyway.
func (r scimUserRow) mayBecome(ctx context.Context, tx pgx.Tx, u scim.User) error {
	if r.Role != cairn.RoleAdmin {
		return nil
	}
	if u.Address != r.Address {
		return cairn.Errorf(cairn.ErrDenied, "the address of an administrator is changed by an administrator: cairn user, or the page of accounts")
	}
	if !u.Active || !u.Named && u.ExternalID == "" {
		return nil
	}
	hash, err := passwordOf(ctx, tx, r.ID)
	if errors.Is(err, cairn.ErrDenied) { // it is the provider's already
		return nil
	}
	if err == nil && hash != "" {
		err = cairn.Errorf(cairn.ErrDenied, "this administrator signs in with a password, which would not be accepted any more: "+
			"remove it first with cairn user reset, when the account can sign in at the identity provider")
	}
	return err
}

// scimDetail says what of a user was changed, as far as the rest of Cairn knows it.
func scimDetail(before, u scim.User) string {
	of := func(u scim.User) cairn.Account {
		return cairn.Account{Email: u.Address, Name: u.Display, Disabled: !u.Active}
	}
	return accountDetail(of(before), of(u))
}

// lockUser reads an account that nobody else changes until the transaction ends.
// lockAdministrators comes before it.
func lockUser(ctx context.Context, tx pgx.Tx, id cairn.AccountID) (scimUserRow, error) {
	r, err := exactlyOne[scimUserRow](tx.Query(ctx, `SELECT `+scimUserColumns+` FROM `+scimUsers+` AND a.id = $1 FOR NO KEY UPDATE`, id))
	return r, missing(err)
}

// denied makes of an ErrConflict, which tells identity providers that a name is taken,
// an ErrDenied.
func denied(err error) error {
	if errors.Is(err, cairn.ErrConflict) {
		return cairn.Errorf(cairn.ErrDenied, "%s", err.Error())
	}
	return err
}

// DeleteUser implements scim.Users.
func (s *SCIM) DeleteUser(ctx context.Context, id, by cairn.AccountID, check func(scim.User) error) error {
	_, err := s.db.eraseAccount(ctx, id, by, func(tx pgx.Tx) error {
		r, err := lockUser(ctx, tx, id)
		if err != nil {
			return err
		}
		return check(r.user())
	})
	if err != nil {
		return fmt.Errorf("delete user: %w", denied(err))
	}
	return nil
}
