package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

var _ api.Bindings = (*DB)(nil)

// SignInPerson implements auth.Bindings. A refusal is stored as far as there is
// something to store: the attempt that was used up, and the pending binding.
func (db *DB) SignInPerson(ctx context.Context, p auth.Person, now time.Time) (cairn.AccountID, error) {
	var id cairn.AccountID
	var refused auth.Refused
	err := db.change(ctx, func(tx pgx.Tx) (what changed, err error) {
		if refused, err = useUp(ctx, tx, p); err != nil || refused != "" {
			return changed{}, err
		}
		// Two subjects with one address, or one in two windows, come one after the other.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, p.Email); err != nil {
			return changed{}, err
		}
		if what, refused, err = accountOf(ctx, tx, p, now); err != nil || refused != "" {
			return changed{}, err
		}
		id = what.by
		return what, setAccountGroups(ctx, tx, id, cairn.OIDCDirectory, p.Groups)
	})
	if err != nil {
		return "", fmt.Errorf("sign in a person of the issuer: %w", err)
	}
	if refused != "" {
		return "", refused
	}
	return id, nil
}

// HolderOf implements auth.Bindings.
func (db *DB) HolderOf(ctx context.Context, person auth.Subject) (auth.Holder, error) {
	r, err := exactlyOne[holderRow](db.callers.Query(ctx, `
		SELECT `+holderColumns+`
		FROM bindings b JOIN accounts a ON a.id = b.account_id
		WHERE b.issuer = $1 AND b.subject = $2`, person.Issuer, person.Subject))
	if err != nil {
		return auth.Holder{}, fmt.Errorf("holder of an identity: %w", err)
	}
	h, err := db.holder(ctx, r)
	if err != nil {
		return auth.Holder{}, fmt.Errorf("holder of an identity: %w", err)
	}
	return h, nil
}

// useUp notes that the sign-in of a person is used.
func useUp(ctx context.Context, tx pgx.Tx, p auth.Person) (auth.Refused, error) {
	tag, err := tx.Exec(ctx, `INSERT INTO used_sign_ins (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, p.Once[:], p.Until)
	if err == nil && tag.RowsAffected() == 0 {
		return auth.RefusedStale, nil
	}
	return "", err
}

// signedIn is what a sign-in of an account changes, beside the session.
func signedIn(id cairn.AccountID, action audit.Action, detail string) changed {
	return changed{action: action, kind: audit.KindAccount, id: string(id), detail: detail, by: id}
}

// accountOf returns whose the account of a person is, bound to it, with what that
// has changed. It is locked before its groups are changed, as by who erases it.
func accountOf(ctx context.Context, tx pgx.Tx, p auth.Person, now time.Time) (changed, auth.Refused, error) {
	a, err := account(ctx, tx, `
		SELECT a.id, coalesce(a.email, '') AS email, a.name, a.role, a.disabled_at IS NOT NULL AS disabled, a.created_at AS created
		FROM bindings b JOIN accounts a ON a.id = b.account_id WHERE b.issuer = $1 AND b.subject = $2
		FOR NO KEY UPDATE OF a`, p.Issuer, p.Subject)
	if err == nil && a.Disabled {
		return changed{}, auth.RefusedDisabled, nil
	}
	if err == nil || !isMissing(err) {
		return signedIn(a.ID, "", ""), "", err
	}
	if p.Email == "" {
		return changed{}, auth.RefusedUnverified, nil
	}
	a, err = account(ctx, tx, `
		SELECT id, coalesce(email, '') AS email, name, role, disabled_at IS NOT NULL AS disabled, created_at AS created
		FROM accounts WHERE email = $1 FOR NO KEY UPDATE`, p.Email)
	action, detail := audit.AccountBind, ""
	switch {
	case isMissing(err) && !p.MayJoin:
		return changed{}, auth.RefusedUnknown, nil
	case isMissing(err):
		action, detail = audit.AccountCreate, "role:member"
		a, err = createAccount(ctx, tx, cairn.Account{Email: p.Email, Name: p.Name, Role: cairn.RoleMember})
	}
	if err != nil {
		return changed{}, "", err
	}
	if a.Disabled {
		return changed{}, auth.RefusedDisabled, nil
	}
	refused, err := bindFirst(ctx, tx, a, p, now)
	return signedIn(a.ID, action, detail), refused, err
}

// bindFirst binds an account to a person unless it is another's, or the person
// was dismissed. Nobody has said that it is the same person who had the account until
// now: what signed in as it before, tokens included, does so no longer. Administrators
// keep their tokens: without the one of the command line the only one could not make
// another, and who had such an account could have made accounts and tokens beside it.
func bindFirst(ctx context.Context, tx pgx.Tx, a cairn.Account, p auth.Person, now time.Time) (auth.Refused, error) {
	var bound, dismissed bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM bindings WHERE account_id = $1),
		       EXISTS (SELECT FROM pending_bindings WHERE account_id = $1 AND issuer = $2 AND subject = $3 AND dismissed_at IS NOT NULL)`,
		a.ID, p.Issuer, p.Subject).Scan(&bound, &dismissed)
	if err != nil {
		return "", err
	}
	if bound || dismissed {
		_, err := tx.Exec(ctx, `
			INSERT INTO pending_bindings (id, account_id, issuer, subject, name, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
			ON CONFLICT (account_id, issuer, subject) DO UPDATE
			SET attempts = pending_bindings.attempts + 1, last_at = excluded.last_at, name = excluded.name`,
			cairn.NewID(), a.ID, p.Issuer, p.Subject, p.Name, now)
		return auth.RefusedPending, err
	}
	_, err = tx.Exec(ctx, `
		WITH settled AS (DELETE FROM pending_bindings WHERE account_id = $1 AND issuer = $2 AND subject = $3)
		INSERT INTO bindings (account_id, issuer, subject, bound_at) VALUES ($1, $2, $3, $4)`, a.ID, p.Issuer, p.Subject, now)
	if err != nil {
		return "", err
	}
	if a.Role == cairn.RoleAdmin {
		return "", endAccess(ctx, tx, a.ID, auth.Hash{})
	}
	return "", endEverything(ctx, tx, a.ID)
}

// ForgetGroups removes what is known of the groups of a directory: for a server
// that no longer asks for them.
func (db *DB) ForgetGroups(ctx context.Context, directory string) error {
	if _, err := db.worker.Exec(ctx, `DELETE FROM groups WHERE directory = $1`, directory); err != nil {
		return fmt.Errorf("forget groups: %w", err)
	}
	return nil
}

// bindingRow is a pending binding as the database has it.
type bindingRow struct {
	Binding    string
	Issuer     string
	Subject    string
	PersonName string
	Attempts   int
	FirstAt    time.Time
	LastAt     time.Time
	cairn.Account
}

func (r bindingRow) binding() auth.PendingBinding {
	return auth.PendingBinding{
		ID: r.Binding, Account: r.Account, Issuer: r.Issuer, Subject: r.Subject, Name: r.PersonName,
		First: r.FirstAt, Last: r.LastAt, Attempts: r.Attempts,
	}
}

// ListBindings implements api.Bindings.
func (db *DB) ListBindings(ctx context.Context, p api.Page) ([]auth.PendingBinding, string, error) {
	from, err := after[timeKey]("bindings", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT b.id AS binding, b.issuer, b.subject, b.name AS person_name, b.attempts, b.first_at, b.last_at,
		       a.id, coalesce(a.email, '') AS email, a.name, a.role, a.disabled_at IS NOT NULL AS disabled, a.created_at AS created
		FROM pending_bindings b JOIN accounts a ON a.id = b.account_id
		WHERE b.dismissed_at IS NULL AND ($1::timestamptz IS NULL OR (b.first_at, b.id) > ($1, $2))
		ORDER BY b.first_at, b.id LIMIT $3`, nilTime(from.At), from.ID, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list bindings: %w", err)
	}
	return pageOf(rows, "bindings", p.Limit, func(r bindingRow) timeKey { return timeKey{r.FirstAt, r.Binding} }, bindingRow.binding)
}

// ConfirmBinding implements api.Bindings. The tokens of the account stay: its
// administrator has just said that it is the same person.
func (db *DB) ConfirmBinding(ctx context.Context, id string) (cairn.Account, error) {
	var confirmed cairn.Account
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		// The account is locked before what waits for it, as by who signs in.
		err := tx.QueryRow(ctx, `SELECT account_id FROM pending_bindings WHERE id = $1`, id).Scan(&confirmed.ID)
		if err != nil {
			return changed{}, missing(err)
		}
		confirmed, err = account(ctx, tx, `
			SELECT id, coalesce(email, '') AS email, name, role, disabled_at IS NOT NULL AS disabled, created_at AS created
			FROM accounts WHERE id = $1 FOR NO KEY UPDATE`, string(confirmed.ID))
		if err != nil {
			return changed{}, err
		}
		if err := rebind(ctx, tx, id, confirmed.ID); err != nil {
			return changed{}, err
		}
		// Nor is the other in the groups that the issuer told of this one.
		if err := setAccountGroups(ctx, tx, confirmed.ID, cairn.OIDCDirectory, nil); err != nil {
			return changed{}, err
		}
		return changed{action: audit.BindingConfirm, kind: audit.KindAccount, id: string(confirmed.ID), detail: "binding:" + id},
			endAccess(ctx, tx, confirmed.ID, auth.Hash{})
	})
	if err != nil {
		return cairn.Account{}, fmt.Errorf("confirm binding: %w", err)
	}
	return confirmed, nil
}

// rebind binds an account to the subject of a pending binding.
func rebind(ctx context.Context, tx pgx.Tx, pending string, account cairn.AccountID) error {
	var issuer, subject string
	err := tx.QueryRow(ctx, `
		DELETE FROM pending_bindings WHERE id = $1 AND dismissed_at IS NULL RETURNING issuer, subject`, pending).Scan(&issuer, &subject)
	if err != nil {
		return notFound(err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO bindings (account_id, issuer, subject, bound_at) VALUES ($1, $2, $3, now())
		ON CONFLICT (account_id) DO UPDATE SET issuer = excluded.issuer, subject = excluded.subject, bound_at = excluded.bound_at`,
		account, issuer, subject)
	return refused(err, "this identity signs in as another account: disable that one or change its address first")
}

// DismissBinding implements api.Bindings.
func (db *DB) DismissBinding(ctx context.Context, id string) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		var account string
		err := tx.QueryRow(ctx, `
			UPDATE pending_bindings SET dismissed_at = now() WHERE id = $1 AND dismissed_at IS NULL
			RETURNING account_id`, id).Scan(&account)
		return changed{action: audit.BindingDismiss, kind: audit.KindAccount, id: account, detail: "binding:" + id}, missing(err)
	})
	if err != nil {
		return fmt.Errorf("dismiss binding: %w", err)
	}
	return nil
}
