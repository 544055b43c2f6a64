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
)

// CreateSession implements auth.Sessions.
func (db *DB) CreateSession(ctx context.Context, hash auth.Hash, s auth.Session) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		if err := admitSession(ctx, tx, s); err != nil {
			return changed{}, err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO sessions (hash, account_id, by_code, created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			hash[:], s.Account, s.ByCode, s.Created, s.Expires, s.Used)
		return changed{action: audit.SignIn, kind: audit.KindAccount, id: string(s.Account), by: s.Account},
			refused(err, "there is a session with this secret")
	})
	if err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	return nil
}

// admitSession makes sure, until the transaction ends, that the account may still sign
// in in the way in which it does: whatever ends its access meanwhile is not outrun.
func admitSession(ctx context.Context, tx pgx.Tx, s auth.Session) error {
	err := holdEnabled(ctx, tx, s.Account)
	if err == nil {
		err = holdProof(ctx, tx, s)
	}
	if errors.Is(err, cairn.ErrInvalid) || errors.Is(err, cairn.ErrDenied) {
		return cairn.Errorf(cairn.ErrUnauthenticated, "the account was disabled, reset or given to somebody else meanwhile; sign in again")
	}
	return err
}

// holdProof is ErrInvalid when what a session rests on is gone: everything that ends
// the access of an account locks it first, and holdEnabled keeps it from that. The code
// is used up.
func holdProof(ctx context.Context, tx pgx.Tx, s auth.Session) error {
	var holds bool
	switch {
	case s.ByCode:
		tag, err := tx.Exec(ctx, `
			DELETE FROM sign_in_codes WHERE hash = $1 AND account_id = $2 AND redeemed_at IS NOT NULL`, s.By.Code[:], s.Account)
		if err != nil {
			return err
		}
		holds = tag.RowsAffected() == 1
	case s.By.Password != "":
		hash, err := passwordOf(ctx, tx, s.Account)
		if err != nil {
			return err
		}
		holds = hash == s.By.Password
	case s.By.Person != auth.Subject{}:
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM bindings WHERE account_id = $1 AND issuer = $2 AND subject = $3)`,
			s.Account, s.By.Person.Issuer, s.By.Person.Subject).Scan(&holds)
		if err != nil {
			return err
		}
	default:
		holds = true // of local mode: it rests on the server's own file
	}
	if !holds {
		return cairn.ErrInvalid
	}
	return nil
}

// SessionByHash implements auth.Sessions.
func (db *DB) SessionByHash(ctx context.Context, hash auth.Hash) (auth.Session, auth.Holder, error) {
	r, err := exactlyOne[struct {
		ByCode    bool
		CreatedAt time.Time
		ExpiresAt time.Time
		UsedAt    time.Time
		holderRow
	}](db.callers.Query(ctx, `
		SELECT s.by_code, s.created_at, s.expires_at, s.used_at, `+holderColumns+`
		FROM sessions s JOIN accounts a ON a.id = s.account_id
		WHERE s.hash = $1`, hash[:]))
	if err != nil {
		return auth.Session{}, auth.Holder{}, fmt.Errorf("session: %w", err)
	}
	h, err := db.holder(ctx, r.holderRow)
	if err != nil {
		return auth.Session{}, auth.Holder{}, fmt.Errorf("session: %w", err)
	}
	return auth.Session{Account: r.Holder, ByCode: r.ByCode, Created: r.CreatedAt, Expires: r.ExpiresAt, Used: r.UsedAt}, h, nil
}

// TouchSession implements auth.Sessions. It waits for nobody who changes the session.
func (db *DB) TouchSession(ctx context.Context, hash auth.Hash, at time.Time) error {
	_, err := db.callers.Exec(ctx, `
		UPDATE sessions SET used_at = greatest(used_at, $2)
		WHERE hash = (SELECT hash FROM sessions WHERE hash = $1 FOR NO KEY UPDATE SKIP LOCKED)`, hash[:], at)
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// DeleteSession implements auth.Sessions.
func (db *DB) DeleteSession(ctx context.Context, hash auth.Hash) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		var account cairn.AccountID
		err := tx.QueryRow(ctx, `DELETE FROM sessions WHERE hash = $1 RETURNING account_id`, hash[:]).Scan(&account)
		if errors.Is(err, pgx.ErrNoRows) {
			return changed{}, nil
		}
		return changed{action: audit.SignOut, kind: audit.KindAccount, id: string(account), by: account}, err
	})
	if err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// codesLock lets one transaction at a time make or redeem codes: at most one of
// them creates the first administrator.
const codesLock = 0x6361_6972_6e02

// CreateCode implements auth.Codes.
func (db *DB) CreateCode(ctx context.Context, hash auth.Hash, account cairn.AccountID, expires time.Time) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		if account != "" { // else for the first administrator
			if err := holdEnabled(ctx, tx, account); err != nil {
				return changed{}, err
			}
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, codesLock); err != nil {
			return changed{}, err
		}
		_, err := tx.Exec(ctx, `DELETE FROM sign_in_codes WHERE account_id IS NOT DISTINCT FROM nullif($1, '')`, account)
		if err != nil {
			return changed{}, err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO sign_in_codes (hash, account_id, expires_at) VALUES ($1, nullif($2, ''), $3)`, hash[:], account, expires)
		return changed{action: audit.AccountCode, kind: audit.KindAccount, id: string(account)},
			refused(err, "there is a sign-in code with this secret")
	})
	if err != nil {
		return fmt.Errorf("create sign-in code: %w", err)
	}
	return nil
}

// HasCode implements auth.Codes.
func (db *DB) HasCode(ctx context.Context, hash auth.Hash, now time.Time) (bool, error) {
	var there bool
	err := db.worker.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sign_in_codes WHERE hash = $1 AND expires_at > $2 AND redeemed_at IS NULL)`, hash[:], now).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("sign-in code: %w", err)
	}
	return there, nil
}

// RedeemCode implements auth.Codes. The administrator of local mode does not
// count: nobody can sign in as it.
func (db *DB) RedeemCode(ctx context.Context, hash auth.Hash, email string, now time.Time) (cairn.AccountID, error) {
	var account cairn.AccountID
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, codesLock); err != nil {
			return changed{}, err
		}
		err := tx.QueryRow(ctx, `
			UPDATE sign_in_codes SET redeemed_at = now() WHERE hash = $1 AND expires_at > $2 AND redeemed_at IS NULL
			RETURNING coalesce(account_id, '')`, hash[:], now).Scan(&account)
		if err != nil {
			return changed{}, notFound(err)
		}
		if account != "" {
			return changed{}, nil
		}
		if account, err = createFirstAdministrator(ctx, tx, email); err != nil {
			return changed{}, err
		}
		_, err = tx.Exec(ctx, `UPDATE sign_in_codes SET account_id = $2 WHERE hash = $1`, hash[:], account)
		return changed{action: audit.AccountCreate, kind: audit.KindAccount, id: string(account), detail: "role:admin", by: account}, err
	})
	if err != nil {
		return "", fmt.Errorf("redeem sign-in code: %w", err)
	}
	return account, nil
}

func createFirstAdministrator(ctx context.Context, tx pgx.Tx, email string) (cairn.AccountID, error) {
	there, err := hasAdministrator(ctx, tx)
	if err != nil {
		return "", err
	}
	if there {
		return "", cairn.ErrNotFound
	}
	a := cairn.Account{Email: email, Name: "administrator", Role: cairn.RoleAdmin}
	if err := checkAccount(&a); err != nil {
		return "", err
	}
	if a.ID, err = takeLocalAccount(ctx, tx, a); !isMissing(err) {
		return a.ID, err
	}
	a, err = createAccount(ctx, tx, a)
	return a.ID, err
}

// takeLocalAccount makes the account of local mode, with its sources, what is
// private to it and its conversations, that of the first administrator. What signed
// the local account in before signs nobody in any more. ErrNotFound when there is none.
func takeLocalAccount(ctx context.Context, tx pgx.Tx, a cairn.Account) (cairn.AccountID, error) {
	if err := endLocalAccess(ctx, tx); err != nil {
		return "", err
	}
	var id cairn.AccountID
	err := tx.QueryRow(ctx, `
		UPDATE accounts SET email = nullif($1, ''), name = $2, is_local = false, disabled_at = NULL WHERE is_local
		RETURNING id`, a.Email, a.Name).Scan(&id)
	return id, refused(err, "there is an account with the address "+a.Email)
}

// HasAdministrator reports whether somebody can sign in as an administrator.
// Without one, serve prints a code for the first.
func (db *DB) HasAdministrator(ctx context.Context) (bool, error) {
	there, err := hasAdministrator(ctx, db.worker)
	if err != nil {
		return false, fmt.Errorf("administrators: %w", err)
	}
	return there, nil
}

func hasAdministrator(ctx context.Context, q querier) (bool, error) {
	var there bool
	err := q.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM accounts WHERE role = 'admin' AND disabled_at IS NULL AND NOT is_local)`).Scan(&there)
	return there, err
}

// LocalAccount implements auth.Locals.
func (db *DB) LocalAccount(ctx context.Context) (auth.Holder, error) {
	h, err := db.localHolder(ctx)
	if errors.Is(err, cairn.ErrNotFound) {
		_, err = db.worker.Exec(ctx, `
			INSERT INTO accounts (id, name, role, is_local) VALUES ($1, 'local', 'admin', true)
			ON CONFLICT DO NOTHING`, cairn.NewID())
		if err == nil {
			h, err = db.localHolder(ctx)
		}
	}
	if err != nil {
		return auth.Holder{}, fmt.Errorf("local account: %w", err)
	}
	return h, nil
}

func (db *DB) localHolder(ctx context.Context) (auth.Holder, error) {
	r, err := exactlyOne[holderRow](db.callers.Query(ctx, `SELECT `+holderColumns+` FROM accounts a WHERE a.is_local`))
	if err != nil {
		return auth.Holder{}, err
	}
	return db.holder(ctx, r)
}

// EndLocalAccess ends the sessions, tokens and codes of the local account: for a
// server that no longer runs in local mode, where a file was enough to become it.
func (db *DB) EndLocalAccess(ctx context.Context) error {
	if err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error { return endLocalAccess(ctx, tx) }); err != nil {
		return fmt.Errorf("end local access: %w", err)
	}
	return nil
}

func endLocalAccess(ctx context.Context, tx pgx.Tx) error {
	for _, statement := range []string{
		`DELETE FROM sessions s USING accounts a WHERE a.id = s.account_id AND a.is_local`,
		`DELETE FROM sign_in_codes c USING accounts a WHERE a.id = c.account_id AND a.is_local`,
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	var local cairn.AccountID
	switch err := tx.QueryRow(ctx, `SELECT id FROM accounts WHERE is_local`).Scan(&local); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	return revokeAll(ctx, tx, local)
}
