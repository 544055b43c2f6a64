package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// eraser erases in one transaction, and counts what it erases.
type eraser struct {
	tx      pgx.Tx
	receipt cairn.Erasure
	// urgent says that somebody asked for it: what remains in the index and in the
	// files of the database goes at once, else within cleanWithin.
	urgent bool
	named  []cairn.DocumentID // documents that were erased one by one, not with their source
}

// cleanWithin is the time within which remains of erasures that nobody asked for
// are cleaned, many at once.
const cleanWithin = "1 hour"

// erase runs fn with an eraser in one transaction, in which it also stores the
// receipt, unless nothing was erased. The receipt has no id then.
func (db *DB) erase(ctx context.Context, kind cairn.ErasureKind, subject string, by cairn.AccountID, fn func(*eraser) error) (cairn.Erasure, error) {
	e := &eraser{receipt: cairn.Erasure{ID: cairn.NewID(), Kind: kind, Subject: subject, By: by, Counts: make(map[string]int)}}
	e.urgent = kind == cairn.ErasedDocument || kind == cairn.ErasedSource || kind == cairn.ErasedAccount || kind == cairn.ErasedRestore
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		e.tx = tx
		if err := fn(e); err != nil {
			return changed{}, err
		}
		if err := e.store(ctx); err != nil {
			return changed{}, err
		}
		return e.change(), nil
	})
	if err != nil {
		return cairn.Erasure{}, err
	}
	return e.receipt, nil
}

// change says what the audit log tells of an erasure that a request asked for.
// Documents that went with their source or a person are counted in the receipt.
func (e *eraser) change() changed {
	r := e.receipt
	what := changed{id: r.Subject, detail: fmt.Sprintf("documents:%d erasure:%s", r.Counts["documents"], r.ID)}
	switch {
	case r.ID == "":
		return changed{}
	case r.Kind == cairn.ErasedSource:
		what.action, what.kind = audit.SourceDelete, audit.KindSource
	case r.Kind == cairn.ErasedAccount:
		what.action, what.kind = audit.AccountDelete, audit.KindAccount
	case r.Kind == cairn.ErasedDocument:
		what.action, what.kind, what.documents = audit.DocumentDelete, audit.KindDocument, e.named
	case r.Kind == cairn.ErasedPushed:
		what.action, what.kind, what.documents = audit.DocumentDelete, audit.KindSource, e.named
	}
	return what
}

// store writes the receipt and forgets the errors of jobs that have ended: they
// may quote anything.
func (e *eraser) store(ctx context.Context) error {
	r := &e.receipt
	if len(r.Counts) == 0 {
		r.ID = ""
		return nil
	}
	err := e.exec(ctx, "river_job", `
		UPDATE river_job SET errors = NULL
		WHERE errors IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded')`)
	if err != nil {
		return err
	}
	return e.tx.QueryRow(ctx, `
		INSERT INTO erasures (id, kind, subject, by_account, counts, urgent) VALUES ($1, $2, $3, $4, $5, $6) RETURNING at`,
		r.ID, r.Kind, r.Subject, r.By, r.Counts, e.urgent).Scan(&r.At)
}

// exec runs a statement whose rows count as erased from a table.
func (e *eraser) exec(ctx context.Context, table, sql string, args ...any) error {
	tag, err := e.tx.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	if n := int(tag.RowsAffected()); n > 0 {
		e.receipt.Counts[table] += n
	}
	return nil
}

// statement is one of several that erase rows of tables.
type statement struct{ table, sql string }

// each runs statements that have the same parameters, in order.
func (e *eraser) each(ctx context.Context, statements []statement, args ...any) error {
	for _, s := range statements {
		if err := e.exec(ctx, s.table, s.sql, args...); err != nil {
			return err
		}
	}
	return nil
}

// bury notes the id of what was erased.
func (e *eraser) bury(ctx context.Context, kind, id string) error {
	_, err := e.tx.Exec(ctx, `INSERT INTO tombstones (kind, id, erasure_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, kind, id, e.receipt.ID)
	if err != nil {
		return fmt.Errorf("tombstones: %w", err)
	}
	return nil
}

// The kinds of tombstone, beside that of conversations.
const (
	buriedDocument = "document"
	buriedSource   = "source"
	buriedAccount  = "account"
)
