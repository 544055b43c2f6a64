package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// asViewer runs fn in a read-only transaction of the search role in which rows
// of the given ACL classes are visible as far as they admit v, and the
// conversations of v's account. classes are those of the rows asked for, not
// all of the viewer's. This is the only place where the context of row-level
// security is set, and it lasts no longer than the transaction.
func (db *DB) asViewer(ctx context.Context, v cairn.Viewer, classes []int32, fn func(tx pgx.Tx) error) error {
	var admitted []int32
	if len(classes) > 0 { // no list would mean all classes
		var err error
		if admitted, err = admitting(ctx, db.index, v, classes); err != nil {
			return err
		}
	}
	literal := classLiteral(admitted)
	return pgx.BeginTxFunc(ctx, db.search, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT set_config('cairn.classes', $1, true), set_config('cairn.account', $2, true)`,
			literal, string(v.Account))
		if err != nil {
			return fmt.Errorf("set viewer: %w", err)
		}
		return fn(tx)
	})
}

// classLiteral returns classes as the text of an array.
func classLiteral(classes []int32) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, c := range classes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(c)))
	}
	b.WriteByte('}')
	return b.String()
}

// classesOfDocuments returns the ACL classes that the documents have now.
func (db *DB) classesOfDocuments(ctx context.Context, ids []cairn.DocumentID) ([]int32, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := db.index.Query(ctx, `SELECT DISTINCT acl_id FROM documents WHERE id = ANY ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("ACL classes of documents: %w", err)
	}
	classes, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("ACL classes of documents: %w", err)
	}
	return classes, nil
}
