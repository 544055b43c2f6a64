package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// goneShare is how much of a segment may be gone before it is written anew.
const goneShare = 0.2

// stored is a segment as the packer sees it.
type stored struct {
	id    int32
	size  int    // chunks, with those that are gone
	alive int    // chunks that are there
	keep  []bool // by ordinal
	index *lexical.Segment
}

// merge makes one merge that is due; more is false when none is.
func (p *packer) merge(ctx context.Context) (more bool, err error) {
	if err := p.index.refresh(ctx); err != nil {
		return false, err
	}
	chosen := p.chooseMerge(p.index.segments())
	if len(chosen) == 0 {
		return false, nil
	}
	for i := range chosen {
		if err := p.read(ctx, &chosen[i]); err != nil {
			return p.withoutDamaged(chosen[i].id, err)
		}
	}
	err = pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error { return p.join(ctx, tx, chosen) })
	var source *lexical.SourceError
	if errors.As(err, &source) {
		return p.withoutDamaged(chosen[source.Source].id, err)
	}
	if err != nil {
		return false, fmt.Errorf("merge segments: %w", err)
	}
	return true, nil
}

// withoutDamaged has the next merge go without a segment if the error is that
// it is damaged: others are not to wait for its repair.
func (p *packer) withoutDamaged(segment int32, err error) (more bool, _ error) {
	if !errors.Is(err, lexical.ErrMalformed) {
		return false, fmt.Errorf("merge segments: %w", err)
	}
	p.index.damagedSegment(segment, err)
	return true, nil
}

// chooseMerge returns the segments that should become one, none when all is well:
// some small ones make a large one, large ones that together fill one become one,
// and one of which much is gone is written anew.
func (u upkeep) chooseMerge(all []stored) []stored {
	var small []stored
	for _, s := range all {
		if gone := s.size - s.alive; float64(gone) > goneShare*float64(s.size) {
			return []stored{s}
		}
		if s.alive <= u.small {
			small = append(small, s)
		}
	}
	if len(small) >= max(u.together, 2) {
		return u.fitting(small)
	}
	slices.SortStableFunc(all, func(a, b stored) int { return a.alive - b.alive })
	for i, s := range all {
		if s.alive > u.small && i+1 < len(all) && s.alive+all[i+1].alive <= u.largest {
			return u.fitting(all[i:])
		}
	}
	return nil
}

// fitting returns the first of the segments that fit into one; none if it is one.
func (u upkeep) fitting(all []stored) []stored {
	n, total := 0, 0
	for n < len(all) && total+all[n].alive <= u.largest {
		total += all[n].alive
		n++
	}
	if n < 2 {
		return nil
	}
	return all[:n]
}

// segments returns the segments that this process searches in, oldest first.
func (x *Index) segments() []stored {
	var all []stored
	for _, s := range x.current().Segments() {
		all = append(all, stored{id: s.ID, size: s.Size, alive: s.Alive})
	}
	return all
}

// read reads what a merge has to know of a segment.
func (p *packer) read(ctx context.Context, s *stored) error {
	var header []byte
	if err := p.conn.QueryRow(ctx, `SELECT header FROM segments WHERE id = $1`, s.id).Scan(&header); err != nil {
		return fmt.Errorf("segment %d: %w", s.id, err)
	}
	var err error
	if s.index, err = lexical.ParseSegment(header); err != nil {
		return fmt.Errorf("segment %d: %w", s.id, err)
	}
	return p.countAlive(ctx, s)
}

// countAlive finds out which chunks of a segment are still there.
func (p *packer) countAlive(ctx context.Context, s *stored) error {
	rows, err := p.conn.Query(ctx, `
		SELECT x.n FROM unnest($1::bigint[]) WITH ORDINALITY x (id, n)
		WHERE EXISTS (SELECT FROM chunks WHERE chunks.id = x.id)`, s.index.Chunks)
	if err != nil {
		return fmt.Errorf("segments: %w", err)
	}
	s.size, s.alive = len(s.index.Chunks), 0
	s.keep = make([]bool, s.size)
	var n int
	_, err = pgx.ForEachRow(rows, []any{&n}, func() error { s.keep[n-1] = true; s.alive++; return nil })
	if err != nil {
		return fmt.Errorf("segments: %w", err)
	}
	return nil
}

// join makes one segment of several and retires them.
func (p *packer) join(ctx context.Context, tx pgx.Tx, chosen []stored) error {
	sources := make([]lexical.Source, len(chosen))
	ids := make([]int32, len(chosen))
	for i, s := range chosen {
		ids[i] = s.id
		sources[i] = lexical.Source{Segment: s.index, Keep: s.keep, Rows: p.rows(ctx, s.id)}
	}
	tag, err := tx.Exec(ctx, `UPDATE segments SET retired_at = now() WHERE id = ANY ($1) AND retired_at IS NULL`, ids)
	if err != nil {
		return err
	}
	if int(tag.RowsAffected()) != len(ids) {
		return fmt.Errorf("segments %v were retired by somebody else", ids)
	}
	if !slices.ContainsFunc(chosen, func(s stored) bool { return s.alive > 0 }) {
		return nil
	}
	codes, err := p.codesOf(ctx, tx, chosen)
	if err != nil {
		return err
	}
	b, err := lexical.Merge(sources)
	if err != nil {
		return err
	}
	return p.store(ctx, tx, b, codes)
}

// rows returns the function that reads rows of a segment, on a connection of its
// own: that of the transaction is writing.
func (p *packer) rows(ctx context.Context, segment int32) func(from, to int64) iter.Seq2[lexical.Row, error] {
	return func(from, to int64) iter.Seq2[lexical.Row, error] {
		return func(yield func(lexical.Row, error) bool) {
			rows, err := p.db.worker.Query(ctx, `
				SELECT key, data FROM postings WHERE segment = $1 AND key BETWEEN $2 AND $3 ORDER BY key`, segment, from, to)
			if err != nil {
				yield(lexical.Row{}, fmt.Errorf("read postings: %w", err))
				return
			}
			defer rows.Close()
			for rows.Next() {
				var row lexical.Row
				if err := rows.Scan(&row.Key, &row.Data); err != nil {
					yield(lexical.Row{}, fmt.Errorf("read postings: %w", err))
					return
				}
				if !yield(row, nil) {
					return
				}
			}
			if err := rows.Err(); err != nil {
				yield(lexical.Row{}, fmt.Errorf("read postings: %w", err))
			}
		}
	}
}

// codesOf returns the codes that segments have. Those that cannot be read are
// left out: whoever stores the codes of a segment makes what is missing.
func (p *packer) codesOf(ctx context.Context, tx pgx.Tx, segments []stored) (map[int64][]uint64, error) {
	codes := make(map[int64][]uint64)
	for _, s := range segments {
		var data []byte
		err := tx.QueryRow(ctx, `SELECT codes FROM segment_codes WHERE space = $1 AND segment = $2`, p.space.ID, s.id).Scan(&data)
		if errors.Is(err, pgx.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all, has, err := dense.Decode(data, s.size, p.words)
		if err != nil {
			continue
		}
		for ord, chunk := range s.index.Chunks {
			if s.keep[ord] && hasCode(has, ord) {
				codes[chunk] = all.At(ord)
			}
		}
	}
	return codes, nil
}

// hasCode reports whether a chunk has a code, by the bitmap of its segment, nil
// for all.
func hasCode(has []uint64, ord int) bool { return has == nil || has[ord/64]>>(ord%64)&1 == 1 }
