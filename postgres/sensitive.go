package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/sensitive"
	"github.com/cairnhq/cairn/server/audit"
)

const (
	scanBatch    = 200              // documents that one step of a scan looks at
	scanPatience = 20 * time.Second // after which a scan leaves the rest to the next minute
	daysKept     = 400              // of counts by day
)

// ScanSensitive counts, when a scan is due, what detectors find in the documents that
// are new or have changed since they last looked, and notes for the day how many of
// those with something in them many could read. It is to be called again and again: a
// scan that takes longer goes on with the next call, and one that was asked for
// meanwhile follows.
func (db *DB) ScanSensitive(ctx context.Context) error {
	var due bool
	var at time.Time // by the clock of the database
	if err := db.worker.QueryRow(ctx, `SELECT due_at <= now(), now() FROM sensitive_scan`).Scan(&due, &at); err != nil || !due {
		return wrapScan(err)
	}
	var last cairn.DocumentID
	for began := time.Now(); time.Since(began) < scanPatience; {
		step := time.Now()
		found, err := db.scanSome(ctx, last)
		if err != nil {
			return wrapScan(err)
		}
		if len(found) < scanBatch {
			return wrapScan(db.endScan(ctx, at))
		}
		last = found[len(found)-1].document
		select { // a tenth of a processor: searches come first
		case <-ctx.Done():
			return wrapScan(ctx.Err())
		case <-time.After(9 * time.Since(step)):
		}
	}
	return nil
}

func wrapScan(err error) error {
	if err != nil {
		return fmt.Errorf("scan for sensitive documents: %w", err)
	}
	return nil
}

// looksLike is the state of a document d that detectors look at: its newest text, and
// what is said of it, of which the fingerprint is.
const looksLike = `d.version || ' ' || d.fingerprint`

// unscanned are documents d, with their bodies b, that the detectors of version $1
// have not looked at as they are now. What is hidden nobody reads.
const unscanned = `
	FROM documents d JOIN bodies b ON b.document_id = d.id AND b.version = d.version
	WHERE d.hidden_at IS NULL AND NOT EXISTS (
		SELECT FROM sensitive_counts c WHERE c.document_id = d.id AND c.version = ` + looksLike + ` AND c.detectors = $1)`

// counted is what was found in a document.
type counted struct {
	document cairn.DocumentID
	version  string // see looksLike
	counts   map[sensitive.Kind]int
}

// scanSome looks at documents after one, in the order of their ids. One text at a
// time is in memory.
func (db *DB) scanSome(ctx context.Context, after cairn.DocumentID) ([]counted, error) {
	var found []counted
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		// By the keys, a few rows at a time: joined whole, each step would read all documents.
		_, err := tx.Exec(ctx, `SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off`)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT d.id, `+looksLike+`, d.title, d.external_id, d.url, d.author, d.attributes, b.sections, b.body`+
			unscanned+` AND d.id > $2 ORDER BY d.id LIMIT $3`, sensitive.Version, after, scanBatch)
		if err != nil {
			return err
		}
		var c counted
		var r documentRow
		_, err = pgx.ForEachRow(rows, []any{&c.document, &c.version, &r.Title, &r.ExternalID, &r.URL, &r.Author, &r.Attributes, &r.Sections, &r.Body}, func() error {
			c.counts = sensitive.Count(r.texts()...)
			found = append(found, c)
			r = documentRow{}
			return ctx.Err()
		})
		return err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found, db.storeCounts(ctx, found)
}

// texts returns all that readers are shown of a document, for the detectors.
func (r documentRow) texts() []string {
	texts := []string{r.Title, r.ExternalID, r.URL, r.Author, string(r.Body)}
	for name, value := range r.Attributes {
		texts = append(texts, name+": "+value)
	}
	var headings []string
	for _, s := range r.Sections {
		headings = append(headings, s.Heading...)
	}
	return append(texts, strings.Join(headings, "\n"))
}

// storeCounts writes what was counted in documents that are still there.
func (db *DB) storeCounts(ctx context.Context, found []counted) error {
	var ids []cairn.DocumentID
	var versions, counts []string
	for _, c := range found {
		encoded, err := json.Marshal(c.counts)
		if err != nil {
			return err
		}
		ids, versions, counts = append(ids, c.document), append(versions, c.version), append(counts, string(encoded))
	}
	_, err := db.worker.Exec(ctx, `
		WITH held AS (SELECT id FROM documents WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE)
		INSERT INTO sensitive_counts (document_id, version, detectors, counts)
		SELECT x.id, x.version, $4, x.counts::jsonb FROM unnest($1::text[], $2::text[], $3::text[]) x (id, version, counts) JOIN held USING (id)
		ON CONFLICT (document_id) DO UPDATE SET version = excluded.version, detectors = excluded.detectors, counts = excluded.counts`,
		ids, versions, counts, sensitive.Version)
	return err
}

// endScan notes what is found today, in place of what an earlier scan of the day has
// noted, and when the next scan is due: with the next day, or at once when somebody has
// asked for one since this one began.
func (db *DB) endScan(ctx context.Context, began time.Time) error {
	return pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT FROM sensitive_scan FOR UPDATE`); err != nil { // one at a time
			return err
		}
		e, err := readExposure(ctx, tx, nil)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM sensitive_days WHERE day = current_date OR day < current_date - $1::int`, daysKept)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO sensitive_days (day, source_id, kind, documents, everyone)
			SELECT current_date, d.source_id, k.kind, count(*), count(*) FILTER (WHERE d.acl_id = ANY ($2))
			`+exposed+` CROSS JOIN LATERAL jsonb_object_keys(c.counts) k (kind)
			WHERE d.acl_id = ANY ($1)
			GROUP BY d.source_id, k.kind`, e.classes, e.everyone)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE sensitive_scan SET finished_at = now(),
			       due_at = CASE WHEN due_at > $1 THEN due_at ELSE date_trunc('day', now()) + interval '1 day' END`, began)
		return err
	})
}

// RequestScan implements api.Reports.
func (db *DB) RequestScan(ctx context.Context) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		_, err := tx.Exec(ctx, `UPDATE sensitive_scan SET due_at = now()`)
		return changed{action: audit.ReportScan, kind: audit.KindReport, id: "oversharing"}, err
	})
	if err != nil {
		return fmt.Errorf("ask for a scan: %w", err)
	}
	return nil
}
