package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// inSnapshot runs fn in a transaction of the index role that sees one state of
// the database from its beginning to its end.
func (db *DB) inSnapshot(ctx context.Context, fn func(tx pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, db.index, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '10min'`); err != nil {
			return err
		}
		return fn(tx)
	})
}

// loadSegments calls add for segments with what the database has of their chunks
// now. Of the ids that are asked for (nil: all), those that are no longer part of
// the index are returned. A segment that is damaged is left out, and told loudly.
func (x *Index) loadSegments(ctx context.Context, tx pgx.Tx, ids []int32, add func(index.Segment)) (retired []int32, err error) {
	rows, err := tx.Query(ctx, `
		SELECT id FROM segments WHERE retired_at IS NULL AND ($1::int[] IS NULL OR id = ANY ($1)) ORDER BY id`, ids)
	if err != nil {
		return nil, fmt.Errorf("load segments: %w", err)
	}
	alive, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("load segments: %w", err)
	}
	for _, id := range alive {
		var header, codes []byte
		err := tx.QueryRow(ctx, `
			SELECT s.header, k.codes FROM segments s LEFT JOIN segment_codes k ON k.space = $1 AND k.segment = s.id
			WHERE s.id = $2`, x.space.ID, id).Scan(&header, &codes)
		if err != nil {
			return nil, fmt.Errorf("load segments: %w", err)
		}
		s, err := x.parseSegment(id, header, codes)
		if err != nil {
			x.reportDamage(id, err)
			continue
		}
		if s.Rows, err = readRows(ctx, tx, s.Index.Chunks, x.space.ID); err != nil {
			return nil, err
		}
		add(s)
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id int32) bool { return slices.Contains(alive, id) }), nil
}

// parseSegment reads a segment as it is stored. Damaged codes are as good as
// none: the vectors are the truth.
func (x *Index) parseSegment(id int32, header, codes []byte) (index.Segment, error) {
	parsed, err := lexical.ParseSegment(header)
	if err != nil {
		return index.Segment{}, err
	}
	s := index.Segment{ID: id, Index: parsed}
	if codes == nil || x.words == 0 {
		return s, nil
	}
	if s.Codes, s.Has, err = dense.Decode(codes, len(parsed.Chunks), x.words); err != nil {
		x.db.log.Error("the codes of a segment are damaged: its chunks are not found by their meaning until cairn index rebuild", "segment", id, "error", err)
		s.Codes, s.Has = dense.Codes{}, nil
	}
	return s, nil
}

// readRows returns what is known of those of the chunks that exist.
func readRows(ctx context.Context, tx pgx.Tx, chunks []int64, space int) ([]index.Row, error) {
	rows, err := tx.Query(ctx, `
		SELECT c.id, c.acl_id, d.source_id, d.kind, coalesce(d.modified_at, d.created_at), k.code, NULL::bytea, NULL::int, NULL::text
		FROM unnest($1::bigint[]) x (id)
		JOIN chunks c ON c.id = x.id
		JOIN documents d ON d.id = c.document_id
		LEFT JOIN fresh_codes k ON k.space = $2 AND k.chunk_id = c.id`, chunks, space)
	if err != nil {
		return nil, fmt.Errorf("load chunks: %w", err)
	}
	found := make([]index.Row, 0, len(chunks))
	known := make(map[string]string) // a source has one string, not one a chunk
	var id int64
	var r indexedRow
	_, err = pgx.ForEachRow(rows, append([]any{&id}, r.fields()...), func() error {
		row := r.row(id)
		row.Source, row.Kind = intern(known, row.Source), intern(known, row.Kind)
		found = append(found, row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load chunks: %w", err)
	}
	return found, nil
}

func intern(known map[string]string, s string) string {
	if k, ok := known[s]; ok {
		return k
	}
	known[s] = s
	return s
}

// readFresh calls add for every chunk that is in no segment.
func readFresh(ctx context.Context, tx pgx.Tx, space int, add func(index.FreshChunk)) error {
	rows, err := tx.Query(ctx, `
		SELECT c.id, c.acl_id, d.source_id, d.kind, coalesce(d.modified_at, d.created_at), k.code, f.terms, f.length, f.language
		FROM fresh f
		JOIN chunks c ON c.id = f.chunk_id
		JOIN documents d ON d.id = c.document_id
		LEFT JOIN fresh_codes k ON k.space = $1 AND k.chunk_id = c.id
		ORDER BY c.id`, space)
	if err != nil {
		return fmt.Errorf("load fresh chunks: %w", err)
	}
	var id int64
	var r indexedRow
	_, err = pgx.ForEachRow(rows, append([]any{&id}, r.fields()...), func() error {
		add(index.FreshChunk{Row: r.row(id), Terms: r.terms, Length: int(*r.length), Language: *r.language})
		return nil
	})
	if err != nil {
		return fmt.Errorf("load fresh chunks: %w", err)
	}
	return nil
}
