package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// Verify compares the index with what it is derived from, in one state of the
// database: checksums and completeness of every segment, that every chunk is in
// exactly one place, that every vector of the index's space has a code, and, with
// texts, that the terms are those of the texts.
func (x *Index) Verify(ctx context.Context, texts bool) (index.Verification, error) {
	v := verifier{space: x.space, words: x.words, found: index.Verification{Problems: []index.Problem{}}, place: make(map[int64]placed), digests: make(map[int64]uint64)}
	err := x.db.snapshot(ctx, func(tx pgx.Tx) error {
		v.tx = tx
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		return v.run(ctx, texts)
	})
	if err != nil {
		return index.Verification{}, fmt.Errorf("verify the index: %w", err)
	}
	slices.SortStableFunc(v.found.Problems, func(a, b index.Problem) int { return int(a.Segment) - int(b.Segment) })
	return v.found, nil
}

// placed is where a chunk lies.
type placed struct {
	segment int32 // 0: fresh
	coded   bool  // its segment has a code of its vector
}

type verifier struct {
	tx      pgx.Tx
	space   Space
	words   int
	found   index.Verification
	place   map[int64]placed
	digests map[int64]uint64 // chunk → digest of its terms
}

func (v *verifier) problem(segment int32, format string, args ...any) {
	v.found.Problems = append(v.found.Problems, index.Problem{Segment: segment, What: fmt.Sprintf(format, args...)})
}

func (v *verifier) run(ctx context.Context, texts bool) error {
	rows, err := v.tx.Query(ctx, `SELECT id FROM segments WHERE retired_at IS NULL ORDER BY id`)
	if err != nil {
		return err
	}
	segments, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return err
	}
	for _, id := range segments {
		if err := v.segment(ctx, id); err != nil {
			return err
		}
	}
	if err := v.fresh(ctx); err != nil {
		return err
	}
	if err := v.vectors(ctx); err != nil {
		return err
	}
	chunks, err := v.chunks(ctx)
	if err != nil || !texts {
		return err
	}
	return v.texts(ctx, chunks)
}

func (v *verifier) segment(ctx context.Context, id int32) error {
	var header []byte
	if err := v.tx.QueryRow(ctx, `SELECT header FROM segments WHERE id = $1`, id).Scan(&header); err != nil {
		return err
	}
	v.found.Segments++
	s, err := lexical.ParseSegment(header)
	if err != nil {
		v.problem(id, "its header is damaged: %v", err)
		return nil
	}
	for _, chunk := range s.Chunks {
		if other, twice := v.place[chunk]; twice {
			v.problem(id, "chunk %d is also in segment %d", chunk, other.segment)
		}
		v.place[chunk] = placed{segment: id}
	}
	if err := v.postings(ctx, id, s); err != nil {
		return err
	}
	return v.codes(ctx, id, s)
}

// postings checks every row of a segment, and that there is none too few or too many.
func (v *verifier) postings(ctx context.Context, id int32, s *lexical.Segment) error {
	rows, err := v.tx.Query(ctx, `SELECT key, data FROM postings WHERE segment = $1 ORDER BY key`, id)
	if err != nil {
		return err
	}
	var keys []int64
	var key int64
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&key, &data}, func() error {
		keys = append(keys, key)
		v.found.Rows++
		if err := s.CheckRow(key, data); err != nil {
			v.problem(id, "row %d of its postings is damaged: %v", key, err)
			return nil
		}
		return s.Each(key, data, func(hash uint64, ords, tfs []byte) {
			for i, tf := range tfs {
				ord := int(ords[2*i]) | int(ords[2*i+1])<<8
				v.digests[s.Chunks[ord]] += digest(hash, tf)
			}
		})
	})
	if err != nil {
		return err
	}
	if want := slices.Collect(s.Keys()); !slices.Equal(keys, want) {
		v.problem(id, "it has %d rows of postings of %d", len(keys), len(want))
	}
	return nil
}

// digest mixes a term of a chunk; the sum over its terms identifies them.
func digest(hash uint64, tf uint8) uint64 {
	h := (hash ^ uint64(tf)<<55) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// codes checks the codes of a segment and notes which chunks have one.
func (v *verifier) codes(ctx context.Context, id int32, s *lexical.Segment) error {
	var data []byte
	err := v.tx.QueryRow(ctx, `SELECT codes FROM segment_codes WHERE space = $1 AND segment = $2`, v.space.ID, id).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) || v.words == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	_, has, err := dense.Decode(data, len(s.Chunks), v.words)
	if err != nil {
		v.problem(id, "its codes are damaged: %v", err)
		return nil
	}
	for ord, chunk := range s.Chunks {
		if hasCode(has, ord) {
			v.place[chunk] = placed{segment: id, coded: true}
		}
	}
	return nil
}

// vectors tells of vectors that have a code neither in the segment of their chunk
// nor beside it. Chunks that are nowhere are told of elsewhere.
func (v *verifier) vectors(ctx context.Context) error {
	if v.words == 0 {
		return nil
	}
	rows, err := v.tx.Query(ctx, `
		SELECT v.chunk_id FROM vectors v
		WHERE v.space = $1 AND NOT EXISTS (SELECT FROM fresh_codes k WHERE k.space = v.space AND k.chunk_id = v.chunk_id)`, v.space.ID)
	if err != nil {
		return err
	}
	without := make(map[int32]int)
	var chunk int64
	_, err = pgx.ForEachRow(rows, []any{&chunk}, func() error {
		if p, ok := v.place[chunk]; ok && !p.coded {
			without[p.segment]++
		}
		return nil
	})
	for segment, n := range without {
		v.problem(segment, "%d chunks have vectors but no codes: they are not found by their meaning", n)
	}
	return err
}

func (v *verifier) fresh(ctx context.Context) error {
	rows, err := v.tx.Query(ctx, `SELECT chunk_id, terms FROM fresh`)
	if err != nil {
		return err
	}
	var chunk int64
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&chunk, &data}, func() error {
		if other, twice := v.place[chunk]; twice {
			v.problem(other.segment, "chunk %d is fresh, too", chunk)
		}
		v.place[chunk] = placed{}
		terms, err := lexical.DecodeTerms(data)
		if err != nil {
			v.problem(0, "the terms of the fresh chunk %d are damaged: %v", chunk, err)
		}
		for _, t := range terms {
			v.digests[chunk] += digest(t.Hash, t.TF)
		}
		return nil
	})
	return err
}

// chunks returns the chunks that are there, and tells of those that are nowhere.
func (v *verifier) chunks(ctx context.Context) ([]int64, error) {
	rows, err := v.tx.Query(ctx, `SELECT id FROM chunks ORDER BY id`)
	if err != nil {
		return nil, err
	}
	chunks, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	nowhere := 0
	for _, chunk := range chunks {
		switch p, ok := v.place[chunk]; {
		case !ok:
			nowhere++
		case p.segment == 0:
			v.found.Fresh++
		default:
			v.found.Packed++
		}
	}
	if nowhere > 0 {
		v.problem(0, "%d chunks are in no segment that can be read and not fresh", nowhere)
	}
	return chunks, nil
}

// texts derives the terms of chunks anew and compares.
func (v *verifier) texts(ctx context.Context, chunks []int64) error {
	differ := make(map[int32]int)
	for part := range slices.Chunk(chunks, deriveAtOnce) {
		err := derive(ctx, v.tx, part, func(id int64, c ingest.Chunk, _ string) {
			p, ok := v.place[id]
			if !ok {
				return
			}
			terms, _ := lexical.DecodeTerms(c.Terms) // just encoded
			var want uint64
			for _, t := range terms {
				want += digest(t.Hash, t.TF)
			}
			if want != v.digests[id] {
				differ[p.segment]++
			}
		})
		if err != nil {
			return err
		}
	}
	for segment, n := range differ {
		v.problem(segment, "the terms of %d chunks are not those of their texts", n)
	}
	return nil
}
