package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

// auditPage is how many rows of the audit log are read at once.
const auditPage = 2000

// auditFilter is the condition of an api.AuditFilter, whose values are the
// parameters from $1 on.
const auditFilter = `
	($1 = '' OR account_id = $1) AND ($2 = '' OR action = $2 OR starts_with(action, $2 || '.'))
	AND ($3 = '' OR kind = $3) AND ($4 = '' OR object_id = $4)
	AND ($5 = '' OR documents @> ARRAY[$5]) AND ($6 = '' OR outcome = $6)
	AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)`

func auditParameters(f api.AuditFilter) []any {
	return []any{f.Account, f.Action, f.Object.Kind, f.Object.ID, f.Document, f.Outcome, nilTime(f.Since), nilTime(f.Until)}
}

// ListAudit implements api.Audit.
func (db *DB) ListAudit(ctx context.Context, f api.AuditFilter, p api.Page) ([]audit.Row, string, error) {
	from, err := after[int64]("audit", p)
	if err != nil {
		return nil, "", err
	}
	rows, err := auditRows(ctx, db.worker, `SELECT `+auditColumns+` FROM audit_log WHERE `+auditFilter+`
		AND ($9::bigint = 0 OR seq < $9) ORDER BY seq DESC LIMIT $10`, append(auditParameters(f), from, p.Limit+1)...)
	if err != nil {
		return nil, "", fmt.Errorf("list the audit log: %w", refused(err, ""))
	}
	rows, next := nextPage("audit", rows, p.Limit, func(r audit.Row) int64 { return r.Seq })
	return rows, next, nil
}

// AuditRows implements api.Audit.
func (db *DB) AuditRows(ctx context.Context, f api.AuditFilter) iter.Seq2[audit.Row, error] {
	return func(yield func(audit.Row, error) bool) {
		for last := int64(0); ; {
			rows, err := auditRows(ctx, db.worker, `SELECT `+auditColumns+` FROM audit_log WHERE `+auditFilter+`
				AND seq > $9 ORDER BY seq LIMIT $10`, append(auditParameters(f), last, auditPage)...)
			if err != nil {
				yield(audit.Row{}, fmt.Errorf("export the audit log: %w", refused(err, "")))
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
				last = r.Seq
			}
			if len(rows) < auditPage {
				return
			}
		}
	}
}

func auditRows(ctx context.Context, q querier, sql string, args ...any) ([]audit.Row, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (audit.Row, error) {
		r, err := pgx.RowToStructByName[auditRow](row)
		return r.row(), err
	})
}

// VerifyAudit implements api.Audit.
func (db *DB) VerifyAudit(ctx context.Context, known []audit.Mark) (audit.Verification, error) {
	for {
		chain := audit.Chain{Known: known}
		v, err := db.verifyAudit(ctx, &chain)
		if err != nil {
			return audit.Verification{}, fmt.Errorf("verify the audit log: %w", err)
		}
		if v.Broken == nil {
			return v, nil
		}
		// The retention may have removed rows that were still to be read.
		now, err := auditCheckpoints(ctx, db.worker)
		if err != nil || len(now) == len(chain.Checkpoints) {
			return v, err
		}
	}
}

// verifyAudit checks the log once, from the oldest row to the one that is the
// newest when it gets there.
func (db *DB) verifyAudit(ctx context.Context, chain *audit.Chain) (audit.Verification, error) {
	for last, first := int64(math.MinInt64), true; ; first = false {
		var rows []audit.Row
		var head audit.Mark
		// The head is that of the same moment as the rows.
		err := db.snapshot(ctx, func(tx pgx.Tx) (err error) {
			if first {
				if chain.Checkpoints, err = auditCheckpoints(ctx, tx); err != nil {
					return err
				}
			}
			if head, err = auditHead(ctx, tx); err != nil {
				return err
			}
			rows, err = auditRows(ctx, tx, `SELECT `+auditColumns+` FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2`, last, auditPage)
			return err
		})
		if err != nil {
			return audit.Verification{}, err
		}
		for _, r := range rows {
			if !chain.Add(r) {
				return chain.End(&head), nil
			}
			last = r.Seq
		}
		if len(rows) < auditPage {
			return chain.End(&head), nil
		}
	}
}

// auditHead returns the mark of the newest row; the zero mark, which no row has,
// when somebody has removed it.
func auditHead(ctx context.Context, q querier) (audit.Mark, error) {
	var seq int64
	var hash []byte
	err := q.QueryRow(ctx, `SELECT seq, hash FROM audit_head`).Scan(&seq, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	head := audit.Mark{Seq: seq}
	copy(head.Hash[:], hash)
	return head, err
}

// auditCheckpoints returns the marks up to which the log was removed. What is no
// mark, because somebody has changed it, is left out: its row is found anyway.
func auditCheckpoints(ctx context.Context, q querier) ([]audit.Mark, error) {
	rows, err := q.Query(ctx, `SELECT object_id FROM audit_log WHERE action = $1 ORDER BY seq`, audit.AuditExpire)
	if err != nil {
		return nil, err
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	var marks []audit.Mark
	for _, text := range texts {
		if m, err := audit.ParseMark(text); err == nil {
			marks = append(marks, m)
		}
	}
	return marks, err
}
