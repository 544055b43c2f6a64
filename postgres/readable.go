package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/cairnhq/cairn"
)

// Readable reports whether v may read all of the documents now. It is for replies that
// are being sent while permissions may change, and so runs on the connections that find
// out who makes a request, with statements that wait for no lock. A document that is gone
// or hidden cannot be read.
func (db *DB) Readable(ctx context.Context, v cairn.Viewer, documents []cairn.DocumentID) (bool, error) {
	classes, err := db.classesToRead(ctx, v, documents)
	if err != nil {
		return false, fmt.Errorf("readable documents: %w", err)
	}
	if slices.Contains(classes, nobodysClass) {
		return false, nil
	}
	admitted, err := admittingAmong(ctx, db.callers, v, classes)
	if err != nil {
		return false, fmt.Errorf("readable documents: %w", err)
	}
	return len(admitted) == len(classes), nil
}

// classesToRead returns the ACL classes that must admit v so that she may read the
// documents: those that no grant of hers covers. nobodysClass is that of what nobody can
// read.
func (db *DB) classesToRead(ctx context.Context, v cairn.Viewer, documents []cairn.DocumentID) ([]int32, error) {
	var classes []int32
	err := db.callers.QueryRow(ctx, `
		SELECT ARRAY (
			SELECT DISTINCT coalesce(d.acl_id, $4)
			FROM unnest($1::text[]) shown (id) LEFT JOIN documents d ON d.id = shown.id AND d.hidden_at IS NULL
			WHERE d.id IS NULL OR NOT EXISTS (
				SELECT FROM grants g WHERE g.id = ANY ($2) AND g.account_id = $3 AND g.ends_at > now()
				  AND (g.document_id = d.id OR g.source_id = d.source_id)))`,
		documents, orEmpty(v.Grants), v.Account, nobodysClass).Scan(&classes)
	return classes, err
}
