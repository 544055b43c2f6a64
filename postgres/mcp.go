package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/mcp"
)

var _ mcp.Store = (*MCP)(nil)

// MCP reads for the tools of the MCP server.
type MCP struct {
	db *DB
}

// NewMCP returns what the tools read from.
func NewMCP(db *DB) *MCP { return &MCP{db} }

// Document implements mcp.Store.
func (m *MCP) Document(ctx context.Context, v cairn.Viewer, id cairn.DocumentID, version cairn.Version) (mcp.Document, error) {
	d, err := m.db.Document(ctx, v, id, version)
	return mcp.Document{Document: d.Document, SourceName: d.SourceName}, err
}

// DocumentAt implements mcp.Store. Candidates are looked for among all documents, one a
// source at most; which of them exists for v is decided as for every document.
func (m *MCP) DocumentAt(ctx context.Context, v cairn.Viewer, repo, path string) (mcp.Document, error) {
	rows, err := m.db.worker.Query(ctx, `
		SELECT d.id FROM sources s JOIN documents d ON d.source_id = s.id AND d.external_id = $2
		WHERE d.hidden_at IS NULL AND (s.name = $1 OR d.attributes ->> 'repo' = $1)`, repo, path)
	if err != nil {
		return mcp.Document{}, fmt.Errorf("document at a path: %w", missing(err))
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[cairn.DocumentID])
	if err != nil {
		return mcp.Document{}, fmt.Errorf("document at a path: %w", missing(err))
	}
	classes, err := m.db.classesOfDocuments(ctx, ids)
	if err != nil {
		return mcp.Document{}, fmt.Errorf("document at a path: %w", err)
	}
	var id cairn.DocumentID
	err = m.db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT id FROM documents WHERE id = ANY ($1) ORDER BY modified_at DESC NULLS LAST, id LIMIT 1`, ids).Scan(&id)
	})
	if err != nil {
		return mcp.Document{}, fmt.Errorf("document at a path: %w", missing(err))
	}
	return m.Document(ctx, v, id, "")
}

// ReadableSources implements mcp.Store.
func (m *MCP) ReadableSources(ctx context.Context, v cairn.Viewer, limit int, cursor string) ([]string, string, error) {
	return m.db.ReadableSources(ctx, v, api.Page{Limit: limit, Cursor: cursor})
}

// Message implements mcp.Store.
func (m *MCP) Message(ctx context.Context, v cairn.Viewer, id string) (cairn.Message, error) {
	return m.db.Message(ctx, v, id)
}
