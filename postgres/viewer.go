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

// setViewer sets role and context of row-level security in a transaction that
// reads only, and returns the role that it then has. The expressions of a row are
// computed from left to right.
const setViewer = `
	SELECT set_config('role', $1, true) || set_config('cairn.classes', $2, true) || set_config('cairn.account', $3, true)
	       || set_config('cairn.granted', $4::text[]::text, true) || set_config('transaction_read_only', 'on', true), current_user::text`

// contextOf returns the parameters of setViewer, where admitted are classes that
// admit v.
func (db *DB) contextOf(ctx context.Context, v cairn.Viewer, admitted []int32) ([]any, error) {
	granted, err := db.granted(ctx, v)
	return []any{db.roles.Search, classLiteral(admitted), string(v.Account), orEmpty(granted)}, err
}

// asViewer runs fn in a read-only transaction of the search role in which rows
// of the given ACL classes are visible as far as they admit v, those that v's
// grants cover, and the conversations of v's account. classes are those of the rows
// asked for, not all of the viewer's. Only here and in lookUpAsViewer is the search pool used and
// the context of row-level security set: role and context last no longer than
// the transaction, and no state of the connection changes them.
func (db *DB) asViewer(ctx context.Context, v cairn.Viewer, classes []int32, fn func(tx pgx.Tx) error) error {
	if len(classes) == 0 {
		// No list would mean all classes, and not to ask would tell by the time
		// it takes that there is no such row.
		classes = []int32{nobodysClass}
	}
	admitted, err := admittingAmong(ctx, db.lookup, v, classes)
	if err != nil {
		return err
	}
	viewer, err := db.contextOf(ctx, v, admitted)
	if err != nil {
		return err
	}
	return tooSlow(pgx.BeginTxFunc(ctx, db.search, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := db.viewerSet(tx.QueryRow(ctx, setViewer, viewer...)); err != nil {
			return err
		}
		return fn(tx)
	}))
}

// lookUpAsViewer calls read with the rows of a statement that is run as in
// asViewer, where admitted are classes that admit v. It is one round trip: what is
// sent together is one transaction. read is not called unless the role was right.
// The statement must look up its rows by their keys: see keepPlans.
func (db *DB) lookUpAsViewer(ctx context.Context, v cairn.Viewer, admitted []int32, read func(pgx.Rows) error, sql string, args ...any) error {
	viewer, err := db.contextOf(ctx, v, admitted)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(setViewer, viewer...).QueryRow(db.viewerSet)
	batch.Queue(setKeepPlans).QueryRow(func(row pgx.Row) error { return row.Scan(nil) })
	batch.Queue(sql, args...).Query(read)
	return tooSlow(db.search.SendBatch(ctx, batch).Close())
}

// viewerSet checks what setViewer returned.
func (db *DB) viewerSet(row pgx.Row) error {
	var role string
	if err := row.Scan(nil, &role); err != nil {
		return fmt.Errorf("set viewer: %w", err)
	}
	if role != db.roles.Search {
		return fmt.Errorf("set viewer: the transaction runs as %s, not as %s", role, db.roles.Search)
	}
	return nil
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

// classesOfDocuments returns the ACL classes that the documents have now, and those that
// former versions of them are kept under.
func (db *DB) classesOfDocuments(ctx context.Context, ids []cairn.DocumentID) ([]int32, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := db.index.Query(ctx, `
		SELECT acl_id FROM documents WHERE id = ANY ($1)
		UNION SELECT acl_id FROM bodies WHERE document_id = ANY ($1) AND acl_id IS NOT NULL`, ids)
	if err != nil {
		return nil, fmt.Errorf("ACL classes of documents: %w", err)
	}
	classes, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("ACL classes of documents: %w", err)
	}
	return classes, nil
}
