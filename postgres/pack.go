package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// upkeep says when chunks are packed and segments merged.
type upkeep struct {
	packFrom   int // fresh chunks: an index in memory finds some thousands as fast as a segment would
	packAtMost int // chunks at once: packing needs memory
	small      int // chunks of a segment that is merged with others of its size
	together   int // small segments that are merged
	largest    int // chunks of a segment
	looseCodes int // codes of packed chunks that lie beside their segment: see packCodes
}

var defaultUpkeep = upkeep{
	packFrom: 5_000, packAtMost: 6_500, small: lexical.MaxSegment / 10, together: 10, largest: lexical.MaxSegment, looseCodes: 2_000,
}

// packLock is the advisory lock of whoever packs and merges.
const packLock = 0x6361_6972_6e02

// Maintain packs fresh chunks and merges segments until there is nothing to do,
// unless another process is at it. What there is to do is derived from rows, each
// step is one transaction, and searches go on meanwhile: it may be stopped at any
// moment.
func (x *Index) Maintain(ctx context.Context) error {
	return x.db.exclusively(ctx, func(conn *pgxpool.Conn) error {
		p := packer{upkeep: x.upkeep, index: x, db: x.db, conn: conn, space: x.space, words: x.words}
		if err := repeat(ctx, p.rederive, p.packFresh, p.purge, p.merge, p.packCodes, p.analyze); err != nil {
			return fmt.Errorf("maintain the index: %w", err)
		}
		return p.sweep(ctx)
	})
}

// repeat takes each of the steps until there is no more for it to do.
func repeat(ctx context.Context, steps ...func(context.Context) (more bool, err error)) error {
	for _, step := range steps {
		for more := true; more; {
			var err error
			if more, err = step(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// exclusively runs fn while it holds the lock of the packer; it does nothing when
// somebody else does. The lock ends with the connection.
func (db *DB) exclusively(ctx context.Context, fn func(conn *pgxpool.Conn) error) (err error) {
	conn, err := db.worker.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("maintain the index: %w", err)
	}
	defer conn.Release()
	var ours bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, packLock).Scan(&ours); err != nil || !ours {
		return err
	}
	defer func() { // even after a panic: a connection goes back to the pool without the lock
		unlock := context.WithoutCancel(ctx)
		if _, failed := conn.Exec(unlock, `SELECT pg_advisory_unlock($1)`, packLock); failed != nil {
			err = errors.Join(err, conn.Conn().Close(unlock)) // and with it the lock
		}
	}()
	return fn(conn)
}

// packer makes segments of fresh chunks and of other segments.
type packer struct {
	upkeep
	index *Index
	db    *DB
	conn  *pgxpool.Conn
	space Space
	words int
}

// packFresh makes a segment of the oldest fresh chunks once there are enough.
func (p *packer) packFresh(ctx context.Context) (more bool, err error) {
	var waiting int
	err = p.conn.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM fresh LIMIT $1) f`, p.packFrom).Scan(&waiting)
	if err != nil || waiting < p.packFrom {
		return false, err
	}
	taken, err := p.pack(ctx, p.packAtMost)
	return taken > 0, err
}

// pack makes a segment of at most limit fresh chunks and returns how many it took.
// Rows that somebody is deleting just now are left to the next time, so that nobody
// waits for each other.
func (p *packer) pack(ctx context.Context, limit int) (taken int, err error) {
	err = pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			WITH oldest AS MATERIALIZED (SELECT chunk_id FROM fresh ORDER BY chunk_id LIMIT $1 FOR UPDATE SKIP LOCKED)
			DELETE FROM fresh f USING oldest WHERE f.chunk_id = oldest.chunk_id
			RETURNING f.chunk_id, f.terms, f.length, f.language`, limit)
		if err != nil {
			return err
		}
		var entries []lexical.Entry
		var e lexical.Entry
		_, err = pgx.ForEachRow(rows, []any{&e.Chunk, &e.Terms, &e.Length, &e.Language}, func() error {
			entries = append(entries, e)
			e.Terms = nil
			return nil
		})
		if taken = len(entries); err != nil || taken == 0 {
			return err
		}
		slices.SortFunc(entries, func(a, b lexical.Entry) int { return cmp.Compare(a.Chunk, b.Chunk) })
		if entries = p.sound(entries); len(entries) == 0 {
			return nil
		}
		b, err := lexical.Build(entries)
		if err != nil {
			return err
		}
		return p.store(ctx, tx, b, nil)
	})
	return taken, err
}

// sound leaves out entries that cannot be decoded, and tells of them.
func (p *packer) sound(entries []lexical.Entry) []lexical.Entry {
	return slices.DeleteFunc(entries, func(e lexical.Entry) bool {
		err := lexical.CheckTerms(e.Terms)
		if err != nil {
			p.db.log.Error("the terms of a chunk are damaged: it is not found by its words until cairn index rebuild", "chunk", e.Chunk, "error", err)
		}
		return err != nil
	})
}

// store writes the segment that a builder makes, with the codes of its
// chunks: those of the segments that it replaces, and those that were fresh.
func (p *packer) store(ctx context.Context, tx pgx.Tx, b *lexical.Builder, known map[int64][]uint64) error {
	var id int32
	if err := tx.QueryRow(ctx, `SELECT nextval(pg_get_serial_sequence('segments', 'id'))::int`).Scan(&id); err != nil {
		return err
	}
	next, stop := iter.Pull2(b.Rows())
	defer stop()
	var broken error // says more than what the server makes of it
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"postings"}, []string{"segment", "key", "data"}, pgx.CopyFromFunc(func() ([]any, error) {
		row, err, ok := next()
		if !ok || err != nil {
			broken = err
			return nil, err
		}
		return []any{id, row.Key, row.Data}, nil
	}))
	if err != nil {
		return fmt.Errorf("store postings: %w", cmp.Or(broken, err))
	}
	segment := b.Segment()
	header, err := segment.MarshalBinary()
	if err != nil {
		return err
	}
	if n := len(segment.Chunks); n > 0 {
		_, err = tx.Exec(ctx, `
			INSERT INTO segments (id, chunks, low, high, analyzer, header) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6)`,
			id, n, segment.Chunks[0], segment.Chunks[n-1], lexical.Version, header)
		if err != nil {
			return fmt.Errorf("store segment: %w", err)
		}
	}
	return p.storeCodes(ctx, tx, id, segment.Chunks, known)
}

// storeCodes writes the codes of a segment: those that are known, and the fresh
// ones of its chunks, which are fresh no longer. Where a chunk has a vector and
// neither, because the code was lost, it is made anew: nobody looks for it later.
func (p *packer) storeCodes(ctx context.Context, tx pgx.Tx, segment int32, chunks []int64, known map[int64][]uint64) error {
	if p.words == 0 {
		return nil
	}
	codes, has := dense.MakeCodes(len(chunks), p.words), make([]uint64, (len(chunks)+63)/64)
	set := func(chunk int64, code []uint64) {
		if ord, ok := slices.BinarySearch(chunks, chunk); ok && len(code) == codes.Size() {
			codes.Set(ord, code)
			has[ord/64] |= 1 << (ord % 64)
		}
	}
	for chunk, code := range known {
		set(chunk, code)
	}
	unknown := slices.DeleteFunc(slices.Clone(chunks), func(chunk int64) bool { return known[chunk] != nil })
	if err := p.db.encodeVectors(ctx, tx, p.space, unknown, false); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		DELETE FROM fresh_codes WHERE space = $1 AND chunk_id = ANY ($2) RETURNING chunk_id, code`, p.space.ID, chunks)
	if err != nil {
		return fmt.Errorf("store codes: %w", err)
	}
	var chunk int64
	var code []byte
	if _, err := pgx.ForEachRow(rows, []any{&chunk, &code}, func() error { set(chunk, decodeCode(code)); return nil }); err != nil {
		return fmt.Errorf("store codes: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO segment_codes (space, segment, codes) VALUES ($1, $2, $3)
		ON CONFLICT (space, segment) DO UPDATE SET codes = excluded.codes`,
		p.space.ID, segment, dense.Encode(codes, has, len(chunks)))
	if err != nil {
		return fmt.Errorf("store codes: %w", err)
	}
	return nil
}

// analyzeFrom is the number of chunks from which plans without statistics matter.
const analyzeFrom = 500

// analyze gives the planner statistics when there are twice as many chunks as it
// knows of: autovacuum takes a minute to notice.
func (p *packer) analyze(ctx context.Context) (more bool, err error) {
	if err := p.index.refresh(ctx); err != nil {
		return false, err
	}
	var known float64
	err = p.conn.QueryRow(ctx, `SELECT reltuples FROM pg_class WHERE oid = 'chunks'::regclass`).Scan(&known)
	if n := float64(p.index.Len()); err != nil || n < analyzeFrom || n < 2*known {
		return false, err
	}
	_, err = p.conn.Exec(ctx, `SELECT analyze_documents()`)
	return false, err
}

// retiredFor is how long the rows of a segment are kept after it was merged into
// another: longer than any search takes.
const retiredFor = "10 minutes"

// sweep deletes segments that were retired long enough ago.
func (p *packer) sweep(ctx context.Context) error {
	_, err := p.conn.Exec(ctx, `
		WITH old AS (DELETE FROM segments WHERE retired_at < now() - $1::interval RETURNING id),
		     codes AS (DELETE FROM segment_codes WHERE segment IN (SELECT id FROM old))
		DELETE FROM postings WHERE segment IN (SELECT id FROM old)`, retiredFor)
	if err != nil {
		return fmt.Errorf("maintain the index: %w", err)
	}
	return nil
}
