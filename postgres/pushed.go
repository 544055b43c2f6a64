package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

// ListPushed implements api.Documents.
func (db *DB) ListPushed(ctx context.Context, source cairn.SourceID, p api.Page) ([]api.PushedDocument, string, error) {
	from, err := after[string]("pushed", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.worker.Query(ctx, `
		SELECT external_id AS external, id FROM documents
		WHERE source_id = $1 AND external_id > $2 AND NOT attached AND hidden_at IS NULL
		ORDER BY external_id LIMIT $3`, source, from, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list pushed documents: %w", err)
	}
	documents, err := pgx.CollectRows(rows, pgx.RowToStructByName[api.PushedDocument])
	if err != nil {
		return nil, "", fmt.Errorf("list pushed documents: %w", err)
	}
	documents, next := nextPage("pushed", documents, p.Limit, func(d api.PushedDocument) string { return d.External })
	return documents, next, nil
}
