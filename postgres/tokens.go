package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

var _ api.Tokens = (*DB)(nil)

// tokenRow is a token as the database has it.
type tokenRow struct {
	ID         string
	AccountID  cairn.AccountID
	Name       string
	Scopes     []cairn.Scope
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt *time.Time
	RevokedAt  *time.Time
}

// orphaned says of a token t that one by which it was made, or one before that, is of
// somebody who could not make it now: whose account is disabled, or who is no administrator
// while the token is another's. That may change again, so that nothing was revoked.
const orphaned = `
	(t.parent_id IS NOT NULL AND EXISTS (
		WITH RECURSIVE above AS (
			SELECT p.parent_id, p.account_id FROM tokens p WHERE p.id = t.parent_id
			UNION ALL SELECT p.parent_id, p.account_id FROM above JOIN tokens p ON p.id = above.parent_id)
		SELECT FROM above JOIN accounts maker ON maker.id = above.account_id
		WHERE maker.disabled_at IS NOT NULL OR maker.id <> t.account_id AND maker.role <> 'admin')) AS orphaned`

func (r tokenRow) token() cairn.Token {
	return cairn.Token{
		ID: r.ID, Account: r.AccountID, Name: r.Name, Scopes: r.Scopes,
		Created: r.CreatedAt, Expires: r.ExpiresAt, LastUsed: orZero(r.LastUsedAt), Revoked: orZero(r.RevokedAt),
	}
}

// TokenByHash implements auth.Tokens.
func (db *DB) TokenByHash(ctx context.Context, hash auth.Hash) (cairn.Token, auth.Holder, error) {
	r, err := exactlyOne[struct {
		tokenRow
		Orphaned bool
		holderRow
	}](db.callers.Query(ctx, `
		SELECT t.id, t.account_id, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at, `+orphaned+`, `+holderColumns+`
		FROM tokens t JOIN accounts a ON a.id = t.account_id
		WHERE t.hash = $1`, hash[:]))
	if err != nil {
		return cairn.Token{}, auth.Holder{}, fmt.Errorf("token: %w", err)
	}
	h, err := db.holder(ctx, r.holderRow)
	if err != nil {
		return cairn.Token{}, auth.Holder{}, fmt.Errorf("token: %w", err)
	}
	t := r.token()
	t.Orphaned = r.Orphaned
	return t, h, nil
}

// TouchToken implements auth.Tokens. It waits for nobody who changes the token.
func (db *DB) TouchToken(ctx context.Context, id string, at time.Time) error {
	_, err := db.callers.Exec(ctx, `
		UPDATE tokens SET last_used_at = greatest(last_used_at, $2)
		WHERE id = (SELECT id FROM tokens WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED)`, id, at)
	if err != nil {
		return fmt.Errorf("touch token: %w", err)
	}
	return nil
}

// ListTokens implements api.Tokens.
func (db *DB) ListTokens(ctx context.Context, account cairn.AccountID, p api.Page) ([]cairn.Token, string, error) {
	from, err := after[timeKey]("tokens", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT id, account_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
		FROM tokens
		WHERE ($1 = '' OR account_id = $1) AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
		ORDER BY created_at DESC, id DESC LIMIT $4`, account, nilTime(from.At), from.ID, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list tokens: %w", err)
	}
	return pageOf(rows, "tokens", p.Limit, func(r tokenRow) timeKey { return timeKey{r.CreatedAt, r.ID} }, tokenRow.token)
}

// CreateToken implements api.Tokens.
func (db *DB) CreateToken(ctx context.Context, hash auth.Hash, t cairn.Token) (cairn.Token, error) {
	for _, s := range t.Scopes {
		if !s.Valid() {
			return cairn.Token{}, cairn.Errorf(cairn.ErrInvalid, "%q is no scope: use search, ask, read, write, scim or admin", string(s))
		}
	}
	if t.Scopes == nil {
		t.Scopes = cairn.DefaultScopes()
	}
	t.ID = cairn.NewID()
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		if err := holdEnabled(ctx, tx, t.Account); err != nil {
			return changed{}, err
		}
		until, err := parentExpires(ctx, tx, t.Parent)
		if err != nil {
			return changed{}, err
		}
		err = insertToken(ctx, tx, hash, &t, until)
		return changed{action: audit.TokenCreate, kind: audit.KindToken, id: t.ID, detail: tokenDetail(t)}, err
	})
	if err != nil {
		return cairn.Token{}, fmt.Errorf("create token: %w", err)
	}
	t.LastUsed, t.Revoked = time.Time{}, time.Time{}
	return t, nil
}

// insertToken stores a token, which ends no later than until, and notes in it from when to
// when it is.
func insertToken(ctx context.Context, tx pgx.Tx, hash auth.Hash, t *cairn.Token, until *time.Time) error {
	err := tx.QueryRow(ctx, `
		INSERT INTO tokens (id, account_id, name, hash, scopes, expires_at, parent_id)
		VALUES ($1, $2, $3, $4, $5, least($6, $7::timestamptz), nullif($8, ''))
		RETURNING created_at, expires_at`, t.ID, t.Account, t.Name, hash[:], t.Scopes, t.Expires, until, t.Parent).Scan(&t.Created, &t.Expires)
	return refused(err, "there is a token with this secret")
}

// parentExpires returns when the token ends by which another is made, nil without one. It
// is held: whoever revokes it either sees the other, or has come first.
func parentExpires(ctx context.Context, tx pgx.Tx, parent string) (*time.Time, error) {
	if parent == "" {
		return nil, nil
	}
	var until time.Time
	err := tx.QueryRow(ctx, `SELECT expires_at FROM tokens WHERE id = $1 AND revoked_at IS NULL FOR SHARE`, parent).Scan(&until)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, cairn.Errorf(cairn.ErrConflict, "the token that you use has been revoked")
	}
	return &until, err
}

// revokeMade revokes the tokens that were made by those of an expression over its
// parameter, and by these in turn.
func revokeMade(ctx context.Context, tx pgx.Tx, by string, parameter any, at time.Time) error {
	_, err := tx.Exec(ctx, `
		WITH RECURSIVE made AS (
			SELECT id FROM tokens WHERE `+by+`
			UNION SELECT t.id FROM tokens t JOIN made ON t.parent_id = made.id)
		UPDATE tokens SET revoked_at = $2 WHERE id IN (SELECT id FROM made) AND revoked_at IS NULL`, parameter, at)
	return err
}

// revokeAll revokes the tokens of an account and those that were made by them. The first
// statement waits for who makes one by them at the moment, so that the second sees it.
func revokeAll(ctx context.Context, tx pgx.Tx, account cairn.AccountID) error {
	_, err := tx.Exec(ctx, `SELECT FROM tokens WHERE account_id = $1 AND revoked_at IS NULL ORDER BY id FOR NO KEY UPDATE`, account)
	if err != nil {
		return err
	}
	return revokeMade(ctx, tx, `account_id = $1`, account, time.Now().UTC())
}

// RevokeToken implements api.Tokens. A token that was revoked before keeps its
// time.
func (db *DB) RevokeToken(ctx context.Context, account cairn.AccountID, id string, at time.Time) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		var owner string
		err := tx.QueryRow(ctx, `
			UPDATE tokens SET revoked_at = coalesce(revoked_at, $3) WHERE id = $2 AND ($1 = '' OR account_id = $1)
			RETURNING account_id`, account, id, at).Scan(&owner)
		if err == nil {
			err = revokeMade(ctx, tx, `id = $1`, id, at)
		}
		return changed{action: audit.TokenRevoke, kind: audit.KindToken, id: id, detail: "account:" + owner}, missing(err)
	})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

// tokenDetail says whose token it is and what it may be used for.
func tokenDetail(t cairn.Token) string {
	detail := "account:" + string(t.Account)
	for _, s := range t.Scopes {
		detail += " scope:" + string(s)
	}
	return detail
}
