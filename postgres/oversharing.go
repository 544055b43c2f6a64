package postgres

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/sensitive"
	"github.com/cairnhq/cairn/server/api"
)

var _ api.Reports = (*DB)(nil)

// Oversharing implements api.Reports.
func (db *DB) Oversharing(ctx context.Context, moreThan *int, days int, p api.Page) (api.Oversharing, string, error) {
	from, err := after[oversharedKey]("oversharing", p)
	if err != nil {
		return api.Oversharing{}, "", err
	}
	var out api.Oversharing
	var next string
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		e, err := readExposure(ctx, tx, moreThan)
		if err != nil {
			return err
		}
		out.Accounts, out.MoreThan = e.accounts, e.moreThan
		if err := readScan(ctx, tx, &out); err != nil {
			return err
		}
		if out.Sources, err = e.sources(ctx, tx); err != nil {
			return err
		}
		if out.Days, err = readDays(ctx, tx, days); err != nil {
			return err
		}
		found, err := e.documents(ctx, tx, from, p.Limit+1)
		out.Documents, next = nextPage("oversharing", found, p.Limit, func(d api.OversharedDocument) oversharedKey {
			return oversharedKey{d.Source, d.Document}
		})
		return err
	})
	if err != nil {
		return api.Oversharing{}, "", fmt.Errorf("report of oversharing: %w", err)
	}
	return out, next, nil
}

// OversharedDocuments implements api.Reports.
func (db *DB) OversharedDocuments(ctx context.Context, moreThan *int) (all []api.OversharedDocument, err error) {
	err = db.snapshot(ctx, func(tx pgx.Tx) error {
		e, err := readExposure(ctx, tx, moreThan)
		if err != nil {
			return err
		}
		all, err = e.documents(ctx, tx, oversharedKey{}, -1)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("report of oversharing: %w", err)
	}
	return all, nil
}

// oversharedKey orders the documents of the report.
type oversharedKey struct {
	Source   string           `json:"s"`
	Document cairn.DocumentID `json:"d"`
}

// exposed are documents d in which something was found, with the counts c.
const exposed = `FROM sensitive_counts c JOIN documents d ON d.id = c.document_id AND d.hidden_at IS NULL AND c.counts <> '{}'`

// exposure says who may read documents in which something was found: class by class,
// not document by document.
type exposure struct {
	accounts int // that are not disabled
	moreThan int
	classes  []int32 // whose documents more accounts than that may read, or everyone
	everyone []int32 // of them: that admit whoever signs in
	readers  map[int32]api.Readers
}

// readExposure looks at the classes in which something was found. Without moreThan,
// it is half of the accounts.
func readExposure(ctx context.Context, q querier, moreThan *int) (exposure, error) {
	rows, err := q.Query(ctx, `SELECT id, rule FROM acls WHERE id IN (SELECT d.acl_id `+exposed+`)`)
	if err != nil {
		return exposure{}, err
	}
	rules, err := collectRules(rows)
	if err != nil {
		return exposure{}, err
	}
	r, err := readReaders(ctx, q, maps.Values(rules), nil)
	if err != nil {
		return exposure{}, err
	}
	e := exposure{accounts: len(r.accounts), moreThan: len(r.accounts) / 2, readers: make(map[int32]api.Readers)}
	if moreThan != nil {
		e.moreThan = *moreThan
	}
	// Who signs in for the first time has no key but this and those of its own.
	anybody := cairn.Viewer{Keys: []cairn.PrincipalKey{cairn.Everyone}}
	for class, acl := range rules {
		who := api.Readers{Everyone: acl.Admits(anybody), Accounts: r.of(acl).len()}
		if !who.Everyone && who.Accounts <= e.moreThan {
			continue
		}
		e.classes, e.readers[class] = append(e.classes, class), who
		if who.Everyone {
			e.everyone = append(e.everyone, class)
		}
	}
	return e, nil
}

// sources counts documents by source and kind.
func (e exposure) sources(ctx context.Context, q querier) ([]api.OversharedSource, error) {
	rows, err := q.Query(ctx, `
		SELECT s.name, coalesce(k.kind, ''), count(DISTINCT d.id), count(DISTINCT d.id) FILTER (WHERE d.acl_id = ANY ($2))
		`+exposed+` JOIN sources s ON s.id = d.source_id CROSS JOIN LATERAL jsonb_object_keys(c.counts) k (kind)
		WHERE d.acl_id = ANY ($1)
		GROUP BY GROUPING SETS ((s.name), (s.name, k.kind))
		ORDER BY s.name, k.kind NULLS FIRST`, e.classes, e.everyone)
	if err != nil {
		return nil, err
	}
	var list []api.OversharedSource
	var name string
	var kind sensitive.Kind
	var documents, everyone int
	_, err = pgx.ForEachRow(rows, []any{&name, &kind, &documents, &everyone}, func() error {
		if kind == "" { // the source as a whole
			list = append(list, api.OversharedSource{Source: name, Documents: documents, Everyone: everyone, Kinds: make(map[sensitive.Kind]int)})
		} else {
			list[len(list)-1].Kinds[kind] = documents
		}
		return nil
	})
	return list, err
}

// documents returns documents after a key; a limit below 0 is none.
func (e exposure) documents(ctx context.Context, q querier, after oversharedKey, limit int) ([]api.OversharedDocument, error) {
	rows, err := q.Query(ctx, `
		SELECT s.name, d.id, c.counts, d.acl_id
		`+exposed+` JOIN sources s ON s.id = d.source_id
		WHERE d.acl_id = ANY ($1) AND (s.name, d.id) > ($2, $3)
		ORDER BY s.name, d.id LIMIT CASE WHEN $4 >= 0 THEN $4::int END`, e.classes, after.Source, after.Document, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d api.OversharedDocument, err error) {
		var class int32
		err = row.Scan(&d.Source, &d.Document, &d.Counts, &class)
		d.Readers = e.readers[class]
		return d, err
	})
}

// readScan reads how far the detectors have looked.
func readScan(ctx context.Context, q querier, out *api.Oversharing) error {
	var finished *time.Time
	err := q.QueryRow(ctx, `SELECT (SELECT finished_at FROM sensitive_scan), (SELECT count(*) `+unscanned+`)`, sensitive.Version).Scan(&finished, &out.Pending)
	out.Scanned = orZero(finished)
	return err
}

// readDays returns the counts of the last days, today included, oldest first.
func readDays(ctx context.Context, q querier, days int) ([]api.OversharedDay, error) {
	rows, err := q.Query(ctx, `
		SELECT x.day, s.name AS source, x.kind, x.documents, x.everyone
		FROM sensitive_days x JOIN sources s ON s.id = x.source_id
		WHERE x.day > current_date - $1::int
		ORDER BY x.day, s.name, x.kind`, days)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[api.OversharedDay])
}
