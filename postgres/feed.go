package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/index"
)

// The kinds of rows in the table changes, as the triggers write them.
const (
	changeChunk   = 1
	changeClass   = 2
	changeSegment = 3
)

// changeRetention is how long rows of the change feed are kept. A reader that
// was silent for half as long reads everything anew.
const changeRetention = 24 * time.Hour

// position is where a reader of the change feed is: the snapshot of the last
// read. The next read takes those rows that this snapshot could not see, which
// is exact whatever order transactions commit in.
type position struct {
	xmax string   // transactions from here on had not begun
	xip  []string // transactions before xmax that were still running
	at   time.Time
}

// before reports whether p is before o, where the same cluster counts its
// transactions. A later position that is before an earlier one shows that the
// database was set back to an earlier state.
func (p position) before(o position) bool {
	return cmp.Or(cmp.Compare(len(p.xmax), len(o.xmax)), cmp.Compare(p.xmax, o.xmax)) < 0 // decimal, without leading zeros
}

// parsePosition reads the text form of pg_snapshot: "xmin:xmax:xip,xip,…".
func parsePosition(snapshot string, at time.Time) (position, error) {
	parts := strings.Split(snapshot, ":")
	if len(parts) != 3 {
		return position{}, fmt.Errorf("change feed: %q is not a snapshot", snapshot)
	}
	p := position{xmax: parts[1], at: at}
	if parts[2] != "" {
		p.xip = strings.Split(parts[2], ",")
	}
	return p, nil
}

// readPosition returns the position of the transaction's snapshot.
func readPosition(ctx context.Context, tx pgx.Tx) (position, error) {
	var snapshot string
	var at time.Time
	if err := tx.QueryRow(ctx, `SELECT pg_current_snapshot()::text, now()`).Scan(&snapshot, &at); err != nil {
		return position{}, fmt.Errorf("change feed: %w", err)
	}
	return parsePosition(snapshot, at)
}

// news is what a read of the change feed gives.
type news struct {
	next     position
	change   index.Change // of chunks
	classes  []int32      // new ACL classes
	segments []int32      // that were made or retired
}

// readFeed returns what changed since p; ok is false when that is more than limit
// things. It is one statement, so that all of it is one state of the database.
func readFeed(ctx context.Context, q querier, p position, space, limit int) (n news, ok bool, err error) {
	rows, err := q.Query(ctx, `
		WITH new AS MATERIALIZED (
			SELECT kind, ref FROM (
				SELECT kind, ref FROM changes WHERE xid >= $1::text::xid8
				UNION
				SELECT kind, ref FROM changes WHERE xid = ANY ($2::text[]::xid8[]) AND xid < $1::text::xid8) c
			LIMIT $4::int + 1)
		SELECT 0 AS kind, 0 AS ref, pg_current_snapshot()::text AS snapshot, now() AS at,
		       NULL::int AS acl_id, NULL::text AS source, NULL::text AS document_kind, NULL::timestamptz AS modified,
		       NULL::bytea AS code, NULL::bytea AS terms, NULL::int AS length, NULL::text AS language
		UNION ALL
		SELECT new.kind, new.ref, NULL, NULL, c.acl_id, d.source_id, d.kind, d.modified, k.code, f.terms, f.length, f.language
		FROM new
		LEFT JOIN LATERAL (SELECT id, acl_id, document_id FROM chunks WHERE new.kind = 1 AND id = new.ref OFFSET 0) c ON true
		LEFT JOIN LATERAL (
			SELECT source_id, kind, coalesce(modified_at, created_at) AS modified FROM documents WHERE id = c.document_id OFFSET 0) d ON true
		LEFT JOIN LATERAL (SELECT terms, length, language FROM fresh WHERE chunk_id = c.id OFFSET 0) f ON true
		LEFT JOIN LATERAL (SELECT code FROM fresh_codes WHERE space = $3 AND chunk_id = c.id OFFSET 0) k ON true`,
		p.xmax, p.xip, space, limit)
	if err != nil {
		return news{}, false, fmt.Errorf("change feed: %w", err)
	}
	var (
		kind     int
		ref      int64
		snapshot *string
		at       *time.Time
		row      indexedRow
	)
	fields := append([]any{&kind, &ref, &snapshot, &at}, row.fields()...)
	read := -1 // the first row says where the feed is
	_, err = pgx.ForEachRow(rows, fields, func() error {
		read++
		switch kind {
		case 0:
			var err error
			n.next, err = parsePosition(*snapshot, *at)
			return err
		case changeClass:
			n.classes = append(n.classes, int32(ref))
		case changeSegment:
			n.segments = append(n.segments, int32(ref))
		default:
			row.addTo(&n.change, ref)
		}
		return nil
	})
	if err != nil {
		return news{}, false, fmt.Errorf("change feed: %w", err)
	}
	return n, read <= limit, nil
}

// indexedRow is a chunk as the index in memory needs it.
type indexedRow struct {
	class        *int32
	source, kind *string
	modified     *time.Time
	code         []byte
	terms        []byte
	length       *int32
	language     *string // null when the chunk is packed
}

func (r *indexedRow) fields() []any {
	return []any{&r.class, &r.source, &r.kind, &r.modified, &r.code, &r.terms, &r.length, &r.language}
}

// row returns what is known of a chunk beside its terms. A chunk without a
// document exists no longer.
func (r *indexedRow) row(chunk int64) index.Row {
	return index.Row{Chunk: chunk, Class: *r.class, Source: *r.source, Kind: *r.kind, Modified: orZero(r.modified), Code: decodeCode(r.code)}
}

func (r *indexedRow) addTo(c *index.Change, chunk int64) {
	switch {
	case r.class == nil || r.source == nil:
		c.Gone = append(c.Gone, chunk)
	case r.language == nil:
		c.Packed = append(c.Packed, r.row(chunk))
	default:
		c.Fresh = append(c.Fresh, index.FreshChunk{Row: r.row(chunk), Terms: r.terms, Length: int(*r.length), Language: *r.language})
	}
}

// encodeCode returns a code as it is stored.
func encodeCode(code []uint64) []byte {
	data := make([]byte, 0, 8*len(code))
	for _, w := range code {
		data = binary.LittleEndian.AppendUint64(data, w)
	}
	return data
}

func decodeCode(data []byte) []uint64 {
	if len(data) == 0 {
		return nil
	}
	code := make([]uint64, len(data)/8)
	for i := range code {
		code[i] = binary.LittleEndian.Uint64(data[8*i:])
	}
	return code
}

// PruneChanges deletes rows of the change feed that every reader has seen or
// has given up on.
func (db *DB) PruneChanges(ctx context.Context) error {
	_, err := db.worker.Exec(ctx, `DELETE FROM changes WHERE at < now() - $1::interval`, changeRetention)
	if err != nil {
		return fmt.Errorf("prune changes: %w", err)
	}
	return nil
}
