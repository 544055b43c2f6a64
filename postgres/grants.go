package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var _ api.Grants = (*DB)(nil)

// readGrants begins a statement that returns grantRows, where grants is called g.
const readGrants = `
	SELECT g.id, g.source_id, g.document_id, g.reason, g.by_account, g.created_at, g.expires_at, g.revoked_at, g.ends_at > now() AS lives,
	       coalesce(s.name, '') AS source_name, a.id AS account_id, coalesce(a.email, '') AS email, a.name, a.role,
	       a.disabled_at IS NOT NULL AS disabled, a.created_at AS joined
	FROM grants g JOIN accounts a ON a.id = g.account_id LEFT JOIN sources s ON s.id = g.source_id`

// grantRow is a grant as the database has it, with who holds it.
type grantRow struct {
	ID         cairn.GrantID
	SourceID   *cairn.SourceID
	DocumentID *cairn.DocumentID
	Reason     string
	ByAccount  cairn.AccountID
	CreatedAt  time.Time
	ExpiresAt  time.Time
	RevokedAt  *time.Time
	Lives      bool
	SourceName string
	AccountID  cairn.AccountID
	Email      string
	Name       string
	Role       cairn.Role
	Disabled   bool
	Joined     time.Time
}

func (r grantRow) status() api.GrantStatus {
	g := api.GrantStatus{
		Grant: cairn.Grant{
			ID: r.ID, Account: r.AccountID, Reason: r.Reason, By: r.ByAccount, Created: r.CreatedAt, Expires: r.ExpiresAt, Revoked: orZero(r.RevokedAt),
		},
		Holder:     cairn.Account{ID: r.AccountID, Email: r.Email, Name: r.Name, Role: r.Role, Disabled: r.Disabled, Created: r.Joined},
		SourceName: r.SourceName, Lives: r.Lives,
	}
	if r.SourceID != nil {
		g.Source = *r.SourceID
	}
	if r.DocumentID != nil {
		g.Document = *r.DocumentID
	}
	return g
}

// CreateGrant implements api.Grants. The account is held meanwhile: whoever disables
// it either sees the grant, or has come first.
func (db *DB) CreateGrant(ctx context.Context, g cairn.Grant, lifetime time.Duration) (api.GrantStatus, error) {
	var made grantRow
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		g.ID = cairn.GrantID(cairn.NewID())
		tag, err := tx.Exec(ctx, `
			INSERT INTO grants (id, account_id, source_id, document_id, reason, by_account, expires_at)
			SELECT $1, id, nullif($3, ''), nullif($4, ''), $5, $6, now() + $7::interval
			FROM accounts WHERE id = $2 AND disabled_at IS NULL FOR SHARE`,
			g.ID, g.Account, g.Source, g.Document, g.Reason, g.By, lifetime)
		if err != nil {
			return changed{}, refused(err, "")
		}
		if tag.RowsAffected() == 0 {
			return changed{}, cairn.Errorf(cairn.ErrInvalid, "the account is disabled or gone; a grant needs one that can sign in")
		}
		made, err = exactlyOne[grantRow](tx.Query(ctx, readGrants+` WHERE g.id = $1`, g.ID))
		return changed{action: audit.GrantCreate, kind: audit.KindGrant, id: string(g.ID), detail: grantDetail(made.status().Grant)}, err
	})
	if err != nil {
		return api.GrantStatus{}, fmt.Errorf("create grant: %w", err)
	}
	return made.status(), nil
}

// grantDetail says who may read what, and until when.
func grantDetail(g cairn.Grant) string {
	what := "source:" + string(g.Source)
	if g.Document != "" {
		what = "document:" + string(g.Document)
	}
	return fmt.Sprintf("account:%s %s until:%s", g.Account, what, g.Expires.UTC().Format(time.RFC3339))
}

// ListGrants implements api.Grants.
func (db *DB) ListGrants(ctx context.Context, ended bool, p api.Page) ([]api.GrantStatus, string, error) {
	from, err := after[timeKey]("grants", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, readGrants+`
		WHERE ($1 OR g.ends_at > now()) AND ($2::timestamptz IS NULL OR (g.created_at, g.id) < ($2, $3))
		ORDER BY g.created_at DESC, g.id DESC LIMIT $4`, ended, nilTime(from.At), from.ID, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list grants: %w", err)
	}
	return pageOf(rows, "grants", p.Limit, func(r grantRow) timeKey { return timeKey{r.CreatedAt, string(r.ID)} }, grantRow.status)
}

// RevokeGrant implements api.Grants.
func (db *DB) RevokeGrant(ctx context.Context, id cairn.GrantID) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		var account string
		err := tx.QueryRow(ctx, `
			UPDATE grants SET revoked_at = now() WHERE id = $1 AND ends_at > now() RETURNING account_id`, id).Scan(&account)
		return changed{action: audit.GrantRevoke, kind: audit.KindGrant, id: string(id), detail: "account:" + account}, missing(err)
	})
	if err != nil {
		return fmt.Errorf("revoke grant: %w", err)
	}
	return nil
}

// GrantOf implements api.Access.
func (db *DB) GrantOf(ctx context.Context, account cairn.AccountID, document cairn.DocumentID) (cairn.Grant, error) {
	r, err := exactlyOne[grantRow](db.worker.Query(ctx, readGrants+`
		WHERE g.account_id = $1 AND g.ends_at > now()
		  AND (g.document_id = $2 OR g.source_id = (SELECT source_id FROM documents WHERE id = $2))
		ORDER BY g.ends_at DESC, g.id LIMIT 1`, account, document))
	if err != nil {
		return cairn.Grant{}, fmt.Errorf("grant of a document: %w", missing(err))
	}
	return r.status().Grant, nil
}

// granted returns the ids of the sources and documents that grants of v cover which
// live now. Whoever held none when the viewer was resolved costs nothing.
func (db *DB) granted(ctx context.Context, v cairn.Viewer) ([]string, error) {
	if len(v.Grants) == 0 {
		return nil, nil
	}
	rows, err := db.lookup.Query(ctx, `
		SELECT coalesce(source_id, document_id) FROM grants WHERE id = ANY ($1) AND account_id = $2 AND ends_at > now()`, v.Grants, v.Account)
	if err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	return ids, nil
}

// searchable returns what is granted to v as a search needs it.
func (db *DB) searchable(ctx context.Context, v cairn.Viewer) (index.Granted, error) {
	ids, err := db.granted(ctx, v)
	if err != nil || len(ids) == 0 {
		return index.Granted{}, err
	}
	rows, err := db.lookup.Query(ctx, `
		SELECT c.id FROM unnest($1::text[]) d (id) CROSS JOIN LATERAL (SELECT id FROM chunks WHERE document_id = d.id OFFSET 0) c`, ids)
	if err != nil {
		return index.Granted{}, fmt.Errorf("granted chunks: %w", err)
	}
	chunks, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return index.Granted{}, fmt.Errorf("granted chunks: %w", err)
	}
	return index.Granted{Sources: ids, Chunks: chunks}, nil // the id of a document is that of no source
}

// withUses puts behind each event that shows documents to somebody who holds grants
// one for each of them that covers some of the documents, be they readable without it
// or not: the log leaves out no use, and a grant that ends meanwhile hides none. What
// was erased in between can no longer be matched: a document that is gone counts as
// covered by each grant of a source, and a grant that is gone as one that covered all.
func (db *DB) withUses(ctx context.Context, events []audit.Event) ([]audit.Event, error) {
	var all []audit.Event
	for _, e := range events {
		all = append(all, e)
		if len(e.Grants) == 0 || len(e.Documents) == 0 {
			continue
		}
		rows, err := db.worker.Query(ctx, `
			SELECT held.id, array_agg(shown.id ORDER BY shown.n)
			FROM unnest($1::text[]) held (id) LEFT JOIN grants g ON g.id = held.id
			CROSS JOIN unnest($2::text[]) WITH ORDINALITY shown (id, n) LEFT JOIN documents d ON d.id = shown.id
			WHERE g.id IS NULL OR shown.id = g.document_id OR d.source_id = g.source_id
			   OR d.id IS NULL AND g.source_id IS NOT NULL
			GROUP BY held.id ORDER BY held.id`, e.Grants, e.Documents)
		if err != nil {
			return nil, fmt.Errorf("uses of grants: %w", err)
		}
		use := e
		use.Action, use.Object, use.Detail = audit.GrantUse, audit.Object{Kind: audit.KindGrant}, "action:"+string(e.Action)
		_, err = pgx.ForEachRow(rows, []any{&use.Object.ID, &use.Documents}, func() error {
			all = append(all, use)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("uses of grants: %w", err)
		}
	}
	return all, nil
}
