package postgres

import (
	"testing"
)

// TestNewTablesGetStatistics: many documents at once are known to the planner as
// soon as the index is maintained.
func TestNewTablesGetStatistics(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.put("book", l.open("falcon"))
	l.exec(`INSERT INTO chunks (document_id, ordinal, start_at, end_at, acl_id)
		SELECT d.id, n, 0, 1, d.acl_id FROM documents d, generate_series(1, $1) n`, 2*analyzeFrom)
	l.exec(`INSERT INTO fresh (chunk_id, terms, length) SELECT id, '', 1 FROM chunks ON CONFLICT DO NOTHING`)
	x := NewIndex(l.DB, l.space)
	l.check(x.Maintain(t.Context()))
	if n := l.count(`SELECT reltuples::int FROM pg_class WHERE oid = 'chunks'::regclass`); n < 2*analyzeFrom {
		t.Errorf("the planner knows of %d chunks", n)
	}
	if n := l.count(`SELECT reltuples::int FROM pg_class WHERE oid = 'documents'::regclass`); n != 1 {
		t.Errorf("the planner knows of %d documents", n)
	}
	_, err := l.search.Exec(t.Context(), `SELECT analyze_documents()`)
	if err == nil {
		t.Error("the search role may analyze")
	}
}
