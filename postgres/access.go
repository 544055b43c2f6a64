package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

var _ api.Access = (*DB)(nil)

// Holder implements api.Access.
func (db *DB) Holder(ctx context.Context, id cairn.AccountID) (auth.Holder, error) {
	r, err := exactlyOne[holderRow](db.worker.Query(ctx, `SELECT `+holderColumns+` FROM accounts a WHERE a.id = $1`, id))
	if err != nil {
		return auth.Holder{}, fmt.Errorf("account: %w", missing(err))
	}
	return db.holder(ctx, r)
}

// DocumentAccess implements api.Access. It reads neither text nor title.
func (db *DB) DocumentAccess(ctx context.Context, id cairn.DocumentID) (api.DocumentAccess, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT d.id AS document, s.name AS source, s.acl_mode AS mode, d.acl_own AS own, a.rule AS acl, d.hidden_at IS NOT NULL AS hidden,
		       d.withheld_acl IS NOT NULL AS withheld,
		       CASE WHEN s.acl_mode = 'source' OR d.acl_own AND s.permissions_synced_at IS NOT NULL
		            THEN greatest(s.permissions_synced_at, d.indexed_at) END AS synced,
		       s.degraded_since, `+degradedReason+` AS degraded_reason
		FROM documents d
		JOIN sources s ON s.id = d.source_id
		JOIN acls a ON a.id = `+toldACL+`
		WHERE d.id = $1`, id)
	if err != nil {
		return api.DocumentAccess{}, fmt.Errorf("access to a document: %w", err)
	}
	type accessRow struct {
		Document       cairn.DocumentID
		Source         string
		Mode           cairn.ACLMode
		Own            bool
		ACL            cairn.ACL
		Hidden         bool
		Withheld       bool
		Synced         *time.Time
		DegradedSince  *time.Time
		DegradedReason string
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[accessRow])
	if err != nil {
		return api.DocumentAccess{}, fmt.Errorf("access to a document: %w", missing(err))
	}
	return api.DocumentAccess{
		Document: r.Document, Source: r.Source, Mode: r.Mode, Own: r.Own, ACL: r.ACL, Hidden: r.Hidden, Withheld: r.Withheld,
		Synced: orZero(r.Synced), Degraded: degraded(r.DegradedSince, r.DegradedReason),
	}, nil
}
