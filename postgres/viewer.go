package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// nobodysClass is the number of no ACL class.
const nobodysClass = 0

// asViewer runs fn in a read-only transaction of the search role in which rows
// of the given ACL classes are visible as far as they admit v, and the
// conversations of v's account. classes are those of the rows asked for, not
// all of the viewer's. This is the only place where the search pool is used and
// the context of row-level security is set: role and context last no longer than
// the transaction, and no state of the connection changes them.
func (db *DB) asViewer(ctx context.Context, v cairn.Viewer, classes []int32, fn func(tx pgx.Tx) error) error {
	if len(classes) == 0 {
		// No list would mean all classes, and not to ask would tell by the time
		// it takes that there is no such row.
		classes = []int32{nobodysClass}
	}
	admitted, err := admittingAmong(ctx, db.index, v, classes)
	if err != nil {
		return err
	}
	literal := classLiteral(admitted)
	return pgx.BeginTxFunc(ctx, db.search, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var role string
		// The expressions of a row are computed from left to right.
		err := tx.QueryRow(ctx, `
			SELECT set_config('role', $1, true) || set_config('cairn.classes', $2, true) || set_config('cairn.account', $3, true),
			       current_user::text`, db.roles.Search, literal, string(v.Account)).Scan(nil, &role)
		if err != nil {
			return fmt.Errorf("set viewer: %w", err)
		}
		if role != db.roles.Search {
			return fmt.Errorf("set viewer: the transaction runs as %s, not as %s", role, db.roles.Search)
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
