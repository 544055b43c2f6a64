package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// provided says, where accounts is called a, that an identity provider brought an
// account, by a sign-in or by SCIM.
const provided = `(a.user_name IS NOT NULL OR a.external_id IS NOT NULL OR EXISTS (SELECT FROM bindings b WHERE b.account_id = a.id))`

// PasswordByEmail implements auth.Passwords.
func (db *DB) PasswordByEmail(ctx context.Context, email string) (cairn.AccountID, string, error) {
	email, ok := cairn.FoldAddress(email)
	if !ok {
		return "", "", fmt.Errorf("password by address: %w", cairn.ErrNotFound)
	}
	r, err := exactlyOne[struct {
		ID   cairn.AccountID
		Hash string
	}](db.worker.Query(ctx, `
		SELECT a.id, p.hash FROM accounts a JOIN passwords p ON p.account_id = a.id
		WHERE a.email = $1 AND a.disabled_at IS NULL AND NOT `+provided, email))
	if err != nil {
		return "", "", fmt.Errorf("password by address: %w", missing(err))
	}
	return r.ID, r.Hash, nil
}

// PasswordOf implements auth.Passwords.
func (db *DB) PasswordOf(ctx context.Context, account cairn.AccountID) (string, error) {
	hash, err := passwordOf(ctx, db.worker, account)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	return hash, nil
}

// passwordOf reads the hash of an account.
func passwordOf(ctx context.Context, q querier, account cairn.AccountID) (string, error) {
	var hash string
	var theirs bool
	err := q.QueryRow(ctx, `
		SELECT coalesce((SELECT p.hash FROM passwords p WHERE p.account_id = a.id), ''), `+provided+`
		FROM accounts a WHERE a.id = $1`, account).Scan(&hash, &theirs)
	if err != nil {
		return "", missing(err)
	}
	if theirs {
		return "", cairn.Errorf(cairn.ErrDenied, "your account is the identity provider's: sign in there; a password here would lead around it")
	}
	return hash, nil
}

// SetPassword implements auth.Passwords. The tokens of the account stay: each can be
// revoked by itself.
func (db *DB) SetPassword(ctx context.Context, account cairn.AccountID, old, hash string, keep auth.Hash) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		if err := lockAccount(ctx, tx, account); err != nil {
			return changed{}, err
		}
		before, err := passwordOf(ctx, tx, account)
		if err != nil {
			return changed{}, err
		}
		var current bool // nobody has ended what the password is set by
		err = tx.QueryRow(ctx, `
			SELECT a.disabled_at IS NULL AND ($2 OR EXISTS (SELECT FROM sessions s WHERE s.hash = $3 AND s.account_id = a.id))
			FROM accounts a WHERE a.id = $1`, account, keep == auth.Hash{}, keep[:]).Scan(&current)
		if err != nil {
			return changed{}, err
		}
		if !current {
			return changed{}, cairn.Errorf(cairn.ErrUnauthenticated, "you were signed out meanwhile; sign in again")
		}
		if before != old {
			return changed{}, cairn.Errorf(cairn.ErrConflict, "the password was changed meanwhile; try again")
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO passwords (account_id, hash) VALUES ($1, $2)
			ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash, set_at = now()`, account, hash)
		if err != nil {
			return changed{}, err
		}
		what := changed{action: audit.PasswordSet, kind: audit.KindAccount, id: string(account), detail: "first"}
		if old != "" {
			what.detail = "changed"
		}
		return what, endAccess(ctx, tx, account, keep)
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

// RehashPassword implements auth.Passwords. Nothing that the audit log would tell of
// has changed.
func (db *DB) RehashPassword(ctx context.Context, account cairn.AccountID, old, hash string) error {
	_, err := db.worker.Exec(ctx, `UPDATE passwords SET hash = $3 WHERE account_id = $1 AND hash = $2`, account, old, hash)
	if err != nil {
		return fmt.Errorf("rehash password: %w", err)
	}
	return nil
}

// RemovePassword implements auth.Passwords.
func (db *DB) RemovePassword(ctx context.Context, account cairn.AccountID) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		if err := lockAccount(ctx, tx, account); err != nil {
			return changed{}, err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM passwords WHERE account_id = $1`, account); err != nil {
			return changed{}, err
		}
		return changed{action: audit.PasswordRemove, kind: audit.KindAccount, id: string(account)}, endAccess(ctx, tx, account, auth.Hash{})
	})
	if err != nil {
		return fmt.Errorf("remove password: %w", err)
	}
	return nil
}

// lockAccount lets one transaction at a time change an account. What depends on it is
// read by later statements: they see what the one before has written.
func lockAccount(ctx context.Context, tx pgx.Tx, id cairn.AccountID) error {
	return missing(tx.QueryRow(ctx, `SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE`, id).Scan(&id))
}

// holdEnabled keeps an account from being disabled, and its password from being
// changed, until the transaction ends. One that is disabled or gone is ErrInvalid.
func holdEnabled(ctx context.Context, tx pgx.Tx, id cairn.AccountID) error {
	var enabled bool
	err := tx.QueryRow(ctx, `SELECT disabled_at IS NULL FROM accounts WHERE id = $1 FOR SHARE`, id).Scan(&enabled)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !enabled {
		return cairn.Errorf(cairn.ErrInvalid, "the account is disabled or gone")
	}
	return err
}

// endAccess ends the sessions of an account, but for keep, and its sign-in codes.
func endAccess(ctx context.Context, tx pgx.Tx, id cairn.AccountID, keep auth.Hash) error {
	if _, err := tx.Exec(ctx, `DELETE FROM sessions WHERE account_id = $1 AND hash <> $2`, id, keep[:]); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM sign_in_codes WHERE account_id = $1`, id)
	return err
}
