package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// segmentCodes checks the codes of a segment.
func (v *verifier) segmentCodes(ctx context.Context, id int32, s *lexical.Segment) error {
	if v.words == 0 {
		return nil
	}
	var data []byte
	err := v.tx.QueryRow(ctx, `SELECT codes FROM segment_codes WHERE space = $1 AND segment = $2`, v.space.ID, id).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return v.codes(ctx, id, s.Chunks, noCode)
	}
	if err != nil {
		return err
	}
	codes, has, err := dense.Decode(data, len(s.Chunks), v.words)
	if err != nil {
		v.problem(id, "its codes are damaged: %v", err)
		return v.codes(ctx, id, s.Chunks, noCode)
	}
	return v.codes(ctx, id, s.Chunks, func(chunk int64) []uint64 {
		ord, _ := slices.BinarySearch(s.Chunks, chunk) // one of its chunks
		if !hasCode(has, ord) {
			return nil
		}
		return codes.At(ord)
	})
}

func noCode(int64) []uint64 { return nil }

// codes tells of vectors that have a code neither in the segment of their chunk nor
// beside it, and of codes that are not those of their vectors. inSegment returns the
// code that the segment has of a chunk, nil for none.
func (v *verifier) codes(ctx context.Context, segment int32, chunks []int64, inSegment func(chunk int64) []uint64) error {
	if v.words == 0 {
		return nil
	}
	without, wrong := 0, 0
	for part := range slices.Chunk(chunks, deriveAtOnce) {
		rows, err := v.tx.Query(ctx, `
			SELECT v.chunk_id, CASE WHEN $3 THEN v.v END, k.code
			FROM vectors v LEFT JOIN fresh_codes k ON k.space = v.space AND k.chunk_id = v.chunk_id
			WHERE v.space = $1 AND v.chunk_id = ANY ($2)`, v.space.ID, part, v.deep)
		if err != nil {
			return err
		}
		var chunk int64
		var vector *pgvector.HalfVector
		var beside []byte
		_, err = pgx.ForEachRow(rows, []any{&chunk, &vector, &beside}, func() error {
			packed := inSegment(chunk)
			if packed == nil && beside == nil {
				without++
			} else if vector != nil {
				want := v.space.coder.Append(nil, vector.Slice())
				if packed != nil && !slices.Equal(packed, want) || beside != nil && !bytes.Equal(beside, encodeCode(want)) {
					wrong++
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if without > 0 {
		v.problem(segment, "%d chunks have vectors but no codes: they are not found by their meaning", without)
	}
	if wrong > 0 {
		v.problem(segment, "the codes of %d chunks are not those of their vectors", wrong)
	}
	return nil
}
