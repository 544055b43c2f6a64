package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// Rebuild derives the index anew from the texts and vectors, and that of code from its
// texts, while searches go on: segment by segment, terms and codes of the chunks become fresh and the
// segment is retired, in one transaction, and what is fresh is packed. told (may be
// nil) is called with the number of chunks that were done, and that of all. It fails
// with ErrConflict if another process goes on maintaining the index.
func (x *Index) Rebuild(ctx context.Context, told func(done, all int)) error {
	if told == nil {
		told = func(int, int) {}
	}
	ran := false
	rebuild := func(conn *pgxpool.Conn) error {
		ran = true
		p := packer{upkeep: x.upkeep, index: x, db: x.db, conn: conn, space: x.space, words: x.words}
		return p.rebuild(ctx, told)
	}
	var err error
	for end := time.Now().Add(rebuildPatience); ; {
		if err = x.db.exclusively(ctx, rebuild); err != nil || ran || ctx.Err() != nil {
			break
		}
		if time.Now().After(end) {
			err = cairn.Errorf(cairn.ErrConflict, "the index is being maintained by another process; try again when that has ended")
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(rebuildPause):
		}
	}
	if err == nil {
		err = x.db.rebuildCode(ctx)
	}
	if err != nil {
		return fmt.Errorf("rebuild the index: %w", err)
	}
	return nil
}

// How long a rebuild waits for who maintains the index, and how often it looks.
const (
	rebuildPatience = time.Minute
	rebuildPause    = 100 * time.Millisecond
)

func (p *packer) rebuild(ctx context.Context, told func(done, all int)) error {
	var all, done int
	if err := p.conn.QueryRow(ctx, `SELECT count(*) FROM chunks`).Scan(&all); err != nil {
		return err
	}
	rows, err := p.conn.Query(ctx, `SELECT id FROM segments WHERE retired_at IS NULL ORDER BY id`)
	if err != nil {
		return err
	}
	segments, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return err
	}
	n, err := p.rederiveFresh(ctx)
	if err != nil {
		return err
	}
	done += n
	told(done, all)
	for _, id := range segments {
		if n, err = p.dissolve(ctx, id); err != nil {
			return err
		}
		// Nothing is merged yet: it could be with a segment that is not dissolved.
		if err := repeat(ctx, p.packFresh); err != nil {
			return err
		}
		done += n
		told(min(done, all), all)
	}
	if _, err = p.adopt(ctx); err != nil {
		return err
	}
	if err := p.packAll(ctx); err != nil {
		return err
	}
	told(all, all)
	_, err = p.conn.Exec(ctx, `
		INSERT INTO settings (name, value) VALUES ('analyzer', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, fmt.Sprint(lexical.Version))
	return err
}

func (p *packer) packAll(ctx context.Context) error {
	if err := repeat(ctx, p.packFresh, p.merge); err != nil {
		return err
	}
	return p.sweep(ctx)
}

// rederive rebuilds the index when its terms or segments were made by an older version
// of Cairn.
func (p *packer) rederive(ctx context.Context) (more bool, err error) {
	var version int
	err = p.conn.QueryRow(ctx, `SELECT value::int FROM settings WHERE name = 'analyzer'`).Scan(&version)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, err
	}
	if version >= lexical.Version { // a newer server beside this one knows better
		return false, nil
	}
	told := false
	return false, p.rebuild(ctx, func(_, all int) {
		if all > 0 && !told {
			told = true
			p.db.log.Info("the index is derived anew: this version of Cairn makes it in another way", "chunks", all)
		}
	})
}

// deriveAtOnce bounds the chunks of one transaction.
const deriveAtOnce = 5_000

// rederiveFresh derives terms and codes of all fresh chunks anew, and returns their
// number.
func (p *packer) rederiveFresh(ctx context.Context) (done int, err error) {
	for after := int64(-1); ; {
		rows, err := p.conn.Query(ctx, `SELECT chunk_id FROM fresh WHERE chunk_id > $1 ORDER BY chunk_id LIMIT $2`, after, deriveAtOnce)
		if err != nil {
			return done, err
		}
		chunks, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(chunks) == 0 {
			return done, err
		}
		err = pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error { return p.renew(ctx, tx, chunks) })
		if err != nil {
			return done, err
		}
		done += len(chunks)
		after = chunks[len(chunks)-1]
	}
}

// dissolve makes the chunks of a segment fresh, with terms and codes that are
// derived anew, and retires it. It returns the number of the chunks.
func (p *packer) dissolve(ctx context.Context, id int32) (n int, err error) {
	err = pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
		var header []byte
		err := tx.QueryRow(ctx, `SELECT header FROM segments WHERE id = $1 AND retired_at IS NULL FOR UPDATE`, id).Scan(&header)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // whoever retired it put its chunks elsewhere
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE segments SET retired_at = now() WHERE id = $1`, id); err != nil {
			return err
		}
		segment, err := lexical.ParseSegment(header)
		if err != nil {
			return nil // nobody knows its chunks: they are adopted afterwards
		}
		n = len(segment.Chunks)
		for chunks := range slices.Chunk(segment.Chunks, deriveAtOnce) {
			if err := p.renew(ctx, tx, chunks); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// adopt makes those chunks fresh that are neither fresh nor in a segment, and
// returns their number.
func (p *packer) adopt(ctx context.Context) (int, error) {
	packed := make(map[int64]struct{})
	rows, err := p.conn.Query(ctx, `SELECT header FROM segments WHERE retired_at IS NULL`)
	if err != nil {
		return 0, err
	}
	var header []byte
	_, err = pgx.ForEachRow(rows, []any{&header}, func() error {
		s, err := lexical.ParseSegment(header)
		if err != nil {
			return err
		}
		for _, chunk := range s.Chunks {
			packed[chunk] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	rows, err = p.conn.Query(ctx, `SELECT id FROM chunks WHERE NOT EXISTS (SELECT FROM fresh WHERE chunk_id = id) ORDER BY id`)
	if err != nil {
		return 0, err
	}
	var lost []int64
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		if _, ok := packed[id]; !ok {
			lost = append(lost, id)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for chunks := range slices.Chunk(lost, deriveAtOnce) {
		err := pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error { return p.renew(ctx, tx, chunks) })
		if err != nil {
			return 0, err
		}
	}
	return len(lost), nil
}

// renew makes chunks fresh, with terms and codes that are derived anew.
func (p *packer) renew(ctx context.Context, tx pgx.Tx, chunks []int64) error {
	if err := p.freshen(ctx, tx, chunks); err != nil {
		return err
	}
	return p.db.encodeVectors(ctx, tx, p.space, chunks, true)
}

// freshen derives the terms of chunks and makes them fresh, but for those that
// somebody is deleting just now. The change feed tells of it.
func (p *packer) freshen(ctx context.Context, tx pgx.Tx, chunks []int64) error {
	var ids []int64
	var terms [][]byte
	var lengths []int32
	var languages []string
	err := derive(ctx, tx, chunks, func(id int64, c ingest.Chunk, language string) {
		ids, terms = append(ids, id), append(terms, c.Terms)
		lengths, languages = append(lengths, int32(c.Length)), append(languages, language)
	})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		WITH put AS (
			INSERT INTO fresh (chunk_id, terms, length, language)
			SELECT c.id, x.terms, x.length, x.language
			FROM unnest($1::bigint[], $2::bytea[], $3::int[], $4::text[]) x (id, terms, length, language) JOIN chunks c ON c.id = x.id
			FOR KEY SHARE OF c SKIP LOCKED
			ON CONFLICT (chunk_id) DO UPDATE SET terms = excluded.terms, length = excluded.length, language = excluded.language
			RETURNING chunk_id)
		INSERT INTO changes (kind, ref) SELECT 1, chunk_id FROM put`, ids, terms, lengths, languages)
	return err
}

// derive calls add with what the index keeps of each of the chunks, read from
// their documents.
func derive(ctx context.Context, q querier, chunks []int64, add func(id int64, c ingest.Chunk, language string)) error {
	rows, err := q.Query(ctx, `
		SELECT d.external_id, d.kind, d.title, d.author, d.language, d.attributes, b.body, b.sections, c.ids, c.starts, c.ends
		FROM (SELECT document_id, array_agg(id ORDER BY ordinal) AS ids, array_agg(start_at ORDER BY ordinal) AS starts,
		             array_agg(end_at ORDER BY ordinal) AS ends
		      FROM chunks WHERE id = ANY ($1) GROUP BY document_id) c
		JOIN documents d ON d.id = c.document_id
		JOIN bodies b ON b.document_id = d.id AND b.version = d.version`, chunks)
	if err != nil {
		return fmt.Errorf("read texts: %w", err)
	}
	var d cairn.Document
	var sections []section
	var ids []int64
	var starts, ends []int
	fields := []any{&d.External, &d.Kind, &d.Title, &d.Author, &d.Language, &d.Attributes, &d.Body, &sections, &ids, &starts, &ends}
	_, err = pgx.ForEachRow(rows, fields, func() error {
		d.Sections = decodeSections(sections)
		for i, c := range ingest.Derive(&d, rangesOf(starts, ends)) {
			add(ids[i], c, d.Language)
		}
		d, sections = cairn.Document{}, nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("read texts: %w", err)
	}
	return nil
}
