package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

var (
	_ auth.Store   = (*DB)(nil)
	_ api.Accounts = (*DB)(nil)
)

// ListAccounts implements api.Accounts.
func (db *DB) ListAccounts(ctx context.Context, p api.Page) ([]cairn.Account, string, error) {
	from, err := after[emailKey]("accounts", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT id, coalesce(email, '') AS email, name, role, disabled_at IS NOT NULL AS disabled, created_at AS created
		FROM accounts
		WHERE (coalesce(email, ''), id) > ($1, $2)
		ORDER BY coalesce(email, ''), id LIMIT $3`, from.Email, from.ID, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list accounts: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowToStructByName[cairn.Account])
	if err != nil {
		return nil, "", fmt.Errorf("list accounts: %w", err)
	}
	accounts, next := nextPage("accounts", accounts, p.Limit, func(a cairn.Account) emailKey {
		return emailKey{a.Email, string(a.ID)}
	})
	return accounts, next, nil
}

// AccountByID implements api.Accounts.
func (db *DB) AccountByID(ctx context.Context, id cairn.AccountID) (cairn.Account, error) {
	return account(ctx, db.worker, `
		SELECT id, coalesce(email, '') AS email, name, role, disabled_at IS NOT NULL AS disabled, created_at AS created
		FROM accounts WHERE id = $1`, string(id))
}

// AccountByEmail implements api.Accounts.
func (db *DB) AccountByEmail(ctx context.Context, email string) (cairn.Account, error) {
	email, ok := cairn.FoldAddress(email)
	if !ok {
		return cairn.Account{}, fmt.Errorf("account: %w", cairn.ErrNotFound)
	}
	return account(ctx, db.worker, `
		SELECT id, coalesce(email, '') AS email, name, role, disabled_at IS NOT NULL AS disabled, created_at AS created
		FROM accounts WHERE email = $1`, email)
}

func account(ctx context.Context, q querier, sql string, args ...any) (cairn.Account, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return cairn.Account{}, fmt.Errorf("account: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[cairn.Account])
	if err != nil {
		return cairn.Account{}, fmt.Errorf("account: %w", missing(err))
	}
	return a, nil
}

// CreateAccount implements api.Accounts.
func (db *DB) CreateAccount(ctx context.Context, a cairn.Account) (cairn.Account, error) {
	if err := checkAccount(&a); err != nil {
		return cairn.Account{}, err
	}
	err := db.change(ctx, func(tx pgx.Tx) (what changed, err error) {
		a, err = createAccount(ctx, tx, a)
		return changed{action: audit.AccountCreate, kind: audit.KindAccount, id: string(a.ID), detail: "role:" + string(a.Role)}, err
	})
	if err != nil {
		return cairn.Account{}, err
	}
	return a, nil
}

func createAccount(ctx context.Context, q querier, a cairn.Account) (cairn.Account, error) {
	a.ID = cairn.AccountID(cairn.NewID())
	err := q.QueryRow(ctx, `
		INSERT INTO accounts (id, email, name, role, disabled_at)
		VALUES ($1, nullif($2, ''), $3, $4, CASE WHEN $5 THEN now() END)
		RETURNING created_at`, a.ID, a.Email, a.Name, a.Role, a.Disabled).Scan(&a.Created)
	if err != nil {
		return cairn.Account{}, fmt.Errorf("create account: %w", refused(err, "there is an account with the address "+a.Email))
	}
	return a, nil
}

// UpdateAccount implements api.Accounts. Whom it disables stays so until it enables her:
// see storeUser.
func (db *DB) UpdateAccount(ctx context.Context, id cairn.AccountID, edit func(*cairn.Account) error) (cairn.Account, error) {
	var a cairn.Account
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		admins, err := lockAdministrators(ctx, tx)
		if err != nil {
			return changed{}, err
		}
		before, err := account(ctx, tx, `
			SELECT id, coalesce(email, '') AS email, name, role, disabled_at IS NOT NULL AS disabled, created_at AS created
			FROM accounts WHERE id = $1 FOR NO KEY UPDATE`, string(id))
		if err != nil {
			return changed{}, err
		}
		a = before
		if err := edit(&a); err != nil {
			return changed{}, err
		}
		a.ID, a.Created = before.ID, before.Created
		if err := checkAccount(&a); err != nil {
			return changed{}, err
		}
		if err := admins.remainWith(ctx, tx, a); err != nil {
			return changed{}, err
		}
		_, err = tx.Exec(ctx, `
			UPDATE accounts SET email = nullif($2, ''), name = $3, role = $4,
			       disabled_at = CASE WHEN $5 THEN coalesce(disabled_at, now()) END, locked = $5 AND (locked OR disabled_at IS NULL)
			WHERE id = $1`, a.ID, a.Email, a.Name, a.Role, a.Disabled)
		if err != nil {
			return changed{}, refused(err, "there is an account with the address "+a.Email)
		}
		if a.Disabled { // else they would go on when it is enabled again
			err = endEverything(ctx, tx, a.ID)
		}
		return changed{action: audit.AccountUpdate, kind: audit.KindAccount, id: string(a.ID), detail: accountDetail(before, a)}, err
	})
	if err != nil {
		return cairn.Account{}, fmt.Errorf("update account: %w", err)
	}
	return a, nil
}

// endEverything ends the sessions, sign-in codes and tokens of an account, and the tokens
// that were made by these, whoever's they are.
func endEverything(ctx context.Context, tx pgx.Tx, id cairn.AccountID) error {
	if err := endAccess(ctx, tx, id, auth.Hash{}); err != nil {
		return err
	}
	return revokeAll(ctx, tx, id)
}

// accountDetail says what of an account was changed.
func accountDetail(before, a cairn.Account) string {
	var what []string
	if before.Role != a.Role {
		what = append(what, "role:"+string(a.Role))
	}
	if before.Disabled != a.Disabled {
		what = append(what, fmt.Sprintf("disabled:%t", a.Disabled))
	}
	if before.Email != a.Email {
		what = append(what, "email")
	}
	if before.Name != a.Name {
		what = append(what, "name")
	}
	return strings.Join(what, " ")
}

// administrators are those who can sign in, in order. They are locked: two of them
// cannot demote each other.
type administrators []cairn.AccountID

// lockAdministrators comes before any other lock of accounts, so that nobody waits
// in a circle.
func lockAdministrators(ctx context.Context, tx pgx.Tx) (administrators, error) {
	rows, err := tx.Query(ctx, `
		SELECT id FROM accounts WHERE role = 'admin' AND disabled_at IS NULL AND NOT is_local ORDER BY id FOR NO KEY UPDATE`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[cairn.AccountID])
}

// remainWith refuses to make of the last administrator what a says; the local
// account, as which nobody can sign in, does not count and stays what it is.
func (admins administrators) remainWith(ctx context.Context, tx pgx.Tx, a cairn.Account) error {
	stays := a.Role == cairn.RoleAdmin && !a.Disabled
	var local bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM accounts WHERE id = $1 AND is_local)`, a.ID).Scan(&local); err != nil {
		return err
	}
	if local && !stays {
		return cairn.Errorf(cairn.ErrConflict, "the account local is the administrator of local mode and stays one; to be rid of it, run the server without local mode")
	}
	if !stays && slices.Equal(admins, []cairn.AccountID{a.ID}) {
		return cairn.Errorf(cairn.ErrConflict, "this is the last administrator who can sign in: make somebody else one first")
	}
	return nil
}

// checkAccount brings the address into the form in which it is stored.
func checkAccount(a *cairn.Account) error {
	if !a.Role.Valid() {
		return cairn.Errorf(cairn.ErrInvalid, "%q is no role: use admin, auditor or member", string(a.Role))
	}
	if a.Email == "" {
		return nil
	}
	email, ok := cairn.FoldAddress(a.Email)
	if !ok {
		return cairn.Errorf(cairn.ErrInvalid, "%q is no e-mail address", a.Email)
	}
	a.Email = email
	return nil
}
