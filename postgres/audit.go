package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var (
	_ audit.Log = (*DB)(nil)
	_ api.Audit = (*DB)(nil)
)

// AppendAudit implements audit.Log. What was shown under grants is told of twice: as
// what was done, and as the use of each grant.
func (db *DB) AppendAudit(ctx context.Context, events []audit.Event) error {
	if len(events) == 0 {
		return nil
	}
	events, err := db.withUses(ctx, events)
	if err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	batch := &pgx.Batch{} // sent together it is one transaction
	for _, e := range events {
		batch.Queue(insertAudit, auditValues(e)...)
	}
	if err := db.worker.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("append to the audit log: %w", err)
	}
	return nil
}

// insertAudit adds a row; its place in the chain is given by a trigger.
const insertAudit = `
	INSERT INTO audit_log (at, action, outcome, account_id, via, token_id, address, request_id, kind, object_id, detail, documents)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

func auditValues(e audit.Event) []any {
	return []any{
		e.At, e.Action, e.Outcome, e.Account, e.Via, e.Token, e.Address, e.Request, e.Object.Kind, e.Object.ID, e.Detail, orEmpty(e.Documents),
	}
}

// change runs fn in a transaction that tells the audit log of what it has
// changed, when ctx is that of a request: both are committed, or neither.
func (db *DB) change(ctx context.Context, fn func(tx pgx.Tx) (changed, error)) error {
	var done func()
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		what, err := fn(tx)
		if err != nil {
			return err
		}
		done, err = record(ctx, tx, what)
		return err
	})
	if err == nil && done != nil {
		done()
	}
	return err
}

// changed is what a transaction has changed; the zero value tells of nothing.
type changed struct {
	action    audit.Action
	kind      audit.Kind
	id        string
	detail    string
	documents []cairn.DocumentID
	by        cairn.AccountID // who did it, where the request does not know yet
}

// record writes what was changed into the audit log as part of tx; the function
// that it returns is to be called after the commit. It is the last statement of
// its transaction, because whoever else adds a row waits for its end.
func record(ctx context.Context, tx pgx.Tx, what changed) (committed func(), err error) {
	if what.action == "" {
		return nil, nil
	}
	e, committed, ok := audit.FromContext(ctx).Change(what.action, audit.Object{Kind: what.kind, ID: what.id}, what.by)
	if !ok {
		return nil, nil
	}
	if what.detail != "" {
		e.Detail = what.detail
	}
	if what.documents != nil {
		e.Documents = what.documents
	}
	if _, err := tx.Exec(ctx, insertAudit, auditValues(e)...); err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	return committed, nil
}

// ExpireAudit removes the days of the audit log that are older than an age, and
// leaves a checkpoint. Grants that ended before that age go as well: their reasons
// explain what the log tells of them.
func (db *DB) ExpireAudit(ctx context.Context, age time.Duration) error {
	var removed int64
	if err := db.worker.QueryRow(ctx, `SELECT expire_audit($1)`, age).Scan(&removed); err != nil {
		return fmt.Errorf("expire the audit log: %w", err)
	}
	if removed > 0 {
		db.log.Info("the oldest days of the audit log were removed", "rows", removed)
	}
	if _, err := db.worker.Exec(ctx, `DELETE FROM grants WHERE ends_at < now() - $1::interval`, age); err != nil {
		return fmt.Errorf("expire grants: %w", err)
	}
	return nil
}

// auditColumns are those of an auditRow.
const auditColumns = `
	seq, at, action, outcome, account_id, via, token_id, address, request_id, kind, object_id, detail, documents, previous, hash`

// auditRow is a row of the log as the database has it.
type auditRow struct {
	Seq       int64
	At        time.Time
	Action    audit.Action
	Outcome   audit.Outcome
	AccountID cairn.AccountID
	Via       string
	TokenID   string
	Address   string
	RequestID string
	Kind      audit.Kind
	ObjectID  string
	Detail    string
	Documents []cairn.DocumentID
	Previous  []byte
	Hash      []byte
}

func (r auditRow) row() audit.Row {
	out := audit.Row{
		Mark: audit.Mark{Seq: r.Seq},
		Event: audit.Event{
			At: r.At, Action: r.Action, Outcome: r.Outcome, Account: r.AccountID, Via: r.Via, Token: r.TokenID,
			Address: r.Address, Request: r.RequestID, Object: audit.Object{Kind: r.Kind, ID: r.ObjectID},
			Detail: r.Detail, Documents: r.Documents,
		},
	}
	copy(out.Hash[:], r.Hash) // one of a wrong length is wrong as well
	copy(out.Previous[:], r.Previous)
	return out
}
