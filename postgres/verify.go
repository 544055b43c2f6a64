package postgres

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// Verify compares the index with what it is derived from, in one state of the
// database: checksums and completeness of every segment, that every chunk is in
// exactly one place, that every vector of the index's space has a code, and, when
// deep, that terms, lengths and languages are those of the texts, and codes those
// of the vectors; of files of code, that the index of code has them and, when deep,
// what is to be found in them. There is at most one problem of a kind in a segment.
func (x *Index) Verify(ctx context.Context, deep bool) (index.Verification, error) {
	v := verifier{
		space: x.space, words: x.words, deep: deep, found: index.Verification{Problems: []index.Problem{}},
		place: make(map[int64]int32), digests: make(map[int64]uint64),
	}
	err := x.db.snapshot(ctx, func(tx pgx.Tx) error {
		v.tx = tx
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		return v.run(ctx)
	})
	if err != nil {
		return index.Verification{}, fmt.Errorf("verify the index: %w", err)
	}
	slices.SortStableFunc(v.found.Problems, func(a, b index.Problem) int { return int(a.Segment) - int(b.Segment) })
	return v.found, nil
}

type verifier struct {
	tx      pgx.Tx
	space   Space
	words   int
	deep    bool
	found   index.Verification
	place   map[int64]int32  // chunk → its segment; 0: fresh
	digests map[int64]uint64 // chunk → digest of its terms, length and language
}

func (v *verifier) problem(segment int32, format string, args ...any) {
	v.found.Problems = append(v.found.Problems, index.Problem{Segment: segment, What: fmt.Sprintf(format, args...)})
}

// problems tells of what is alike in a segment as one problem.
func (v *verifier) problems(segment int32, what string, found alike) {
	if found.n > 0 {
		v.problem(segment, "%d %s: %s", found.n, what, found)
	}
}

// alike counts problems of one kind and keeps the first few: all the rows of a
// segment may be damaged at once.
type alike struct {
	n     int
	first []string
}

// alikeShown is how many problems of one kind are told one by one.
const alikeShown = 3

func (a *alike) add(format string, args ...any) {
	if a.n++; a.n <= alikeShown {
		a.first = append(a.first, fmt.Sprintf(format, args...))
	}
}

// String implements fmt.Stringer.
func (a alike) String() string {
	text := strings.Join(a.first, "; ")
	if a.n > alikeShown {
		text += fmt.Sprintf("; and %d more", a.n-alikeShown)
	}
	return text
}

func (v *verifier) run(ctx context.Context) error {
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
	chunks, err := v.chunks(ctx)
	if err != nil {
		return err
	}
	if err := v.code(ctx); err != nil || !v.deep {
		return err
	}
	if err := v.codeTexts(ctx); err != nil {
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
	var twice alike
	for ord, chunk := range s.Chunks {
		if other, known := v.place[chunk]; known {
			twice.add("%d in segment %d", chunk, other)
		}
		v.place[chunk] = id
		v.digests[chunk] += digestOf(int(s.Lengths[ord]), s.Names[s.Languages[ord]])
	}
	v.problems(id, "chunks are in other segments, too", twice)
	if err := v.postings(ctx, id, s); err != nil {
		return err
	}
	return v.segmentCodes(ctx, id, s)
}

// postings checks every row of a segment, and that there is none too few or too many.
func (v *verifier) postings(ctx context.Context, id int32, s *lexical.Segment) error {
	rows, err := v.tx.Query(ctx, `SELECT key, data FROM postings WHERE segment = $1 ORDER BY key`, id)
	if err != nil {
		return err
	}
	var keys []int64
	var damaged alike
	var key int64
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&key, &data}, func() error {
		keys = append(keys, key)
		v.found.Rows++
		if err := s.CheckRow(key, data); err != nil {
			damaged.add("%v", err)
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
	v.problems(id, "rows of its postings are damaged", damaged)
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

// digestOf identifies what a segment keeps of a chunk beside its terms.
func digestOf(length int, language string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, lexical.ClampLength(length), lexical.PrimaryLanguage(language))
	return h.Sum64()
}

func (v *verifier) fresh(ctx context.Context) error {
	rows, err := v.tx.Query(ctx, `SELECT chunk_id, terms, length, language FROM fresh`)
	if err != nil {
		return err
	}
	var chunks []int64
	var chunk int64
	var data []byte
	var length int
	var language string
	var damaged alike
	twice := make(map[int32]alike) // by the segment that has them, too
	_, err = pgx.ForEachRow(rows, []any{&chunk, &data, &length, &language}, func() error {
		if other, known := v.place[chunk]; known {
			of := twice[other]
			of.add("%d", chunk)
			twice[other] = of
		}
		v.place[chunk] = 0
		chunks = append(chunks, chunk)
		v.digests[chunk] += digestOf(length, language)
		terms, err := lexical.DecodeTerms(data)
		if err != nil {
			damaged.add("%d: %v", chunk, err)
		}
		for _, t := range terms {
			v.digests[chunk] += digest(t.Hash, t.TF)
		}
		return nil
	})
	if err != nil {
		return err
	}
	v.problems(0, "fresh chunks have damaged terms", damaged)
	for segment, chunks := range twice {
		v.problems(segment, "chunks are fresh, too", chunks)
	}
	return v.codes(ctx, 0, chunks, noCode)
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
		switch segment, ok := v.place[chunk]; {
		case !ok:
			nowhere++
		case segment == 0:
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

// texts derives from their texts what the index keeps of chunks, and compares.
func (v *verifier) texts(ctx context.Context, chunks []int64) error {
	differ := make(map[int32]int)
	for part := range slices.Chunk(chunks, deriveAtOnce) {
		err := derive(ctx, v.tx, part, func(id int64, c ingest.Chunk, language string) {
			segment, ok := v.place[id]
			if !ok {
				return
			}
			terms, _ := lexical.DecodeTerms(c.Terms) // just encoded
			want := digestOf(c.Length, language)
			for _, t := range terms {
				want += digest(t.Hash, t.TF)
			}
			if want != v.digests[id] {
				differ[segment]++
			}
		})
		if err != nil {
			return err
		}
	}
	for segment, n := range differ {
		v.problem(segment, "the terms, lengths or languages of %d chunks are not those of their texts", n)
	}
	return nil
}
