package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/code"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// putCode writes what the index of code keeps of documents in place of what it had.
func (w *batchWriter) putCode(ctx context.Context, puts []ingest.Put, ids []cairn.DocumentID) error {
	if _, err := w.tx.Exec(ctx, `DELETE FROM code_files WHERE document_id = ANY ($1)`, ids); err != nil {
		return err
	}
	var rows codeRows
	for i, p := range puts {
		if p.Code != nil {
			rows.add(ids[i], p.Document.Version, *p.Code)
		}
	}
	return rows.write(ctx, w.tx)
}

// codeRows are files of code as columns.
type codeRows struct {
	ids                              []cairn.DocumentID
	versions, languages, trigrams    []string
	places, names, stems             []int64
	sizes                            []int32
	owners                           []cairn.DocumentID
	ordinals, lines, lasts           []int32
	symbols, ranks                   []int64
	symbolNames, scopes, symbolKinds []string
	arounds                          []string
}

func (r *codeRows) add(id cairn.DocumentID, version cairn.Version, f code.File) {
	r.ids, r.versions, r.languages = append(r.ids, id), append(r.versions, string(version)), append(r.languages, strings.ToLower(f.Language))
	r.trigrams = append(r.trigrams, arrayLiteral(f.Trigrams))
	r.places, r.names, r.stems, r.sizes = append(r.places, f.Place), append(r.names, f.Name), append(r.stems, f.Stem), append(r.sizes, int32(f.Size))
	for i, d := range f.Symbols {
		r.owners, r.ordinals = append(r.owners, id), append(r.ordinals, int32(i))
		r.symbols, r.symbolNames = append(r.symbols, code.Hash(d.Name)), append(r.symbolNames, d.Name)
		r.scopes, r.symbolKinds = append(r.scopes, d.Scope), append(r.symbolKinds, d.Kind)
		r.ranks, r.arounds = append(r.ranks, d.Rank), append(r.arounds, arrayLiteral(d.Around))
		r.lines, r.lasts = append(r.lines, int32(d.Line)), append(r.lasts, int32(d.Last))
	}
}

func (r *codeRows) write(ctx context.Context, tx pgx.Tx) error {
	if len(r.ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO code_files (document_id, version, format, language, place, size, name_hash, stem_hash, trigrams)
		SELECT x.id, x.version, $1, x.language, x.place, x.size, x.name, x.stem, x.trigrams::int[]
		FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::int[], $7::bigint[], $8::bigint[], $9::text[])
		     AS x (id, version, language, place, size, name, stem, trigrams)`,
		code.Format, r.ids, r.versions, r.languages, r.places, r.sizes, r.names, r.stems, r.trigrams)
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO code_symbols (document_id, ordinal, name_hash, rank, around, name, scope, kind, line, last_line)
		SELECT x.id, x.ordinal, x.hash, x.rank, x.around::int[], x.name, x.scope, x.kind, x.line, x.last
		FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::int[])
		     AS x (id, ordinal, hash, rank, around, name, scope, kind, line, last)`,
		r.owners, r.ordinals, r.symbols, r.ranks, r.arounds, r.symbolNames, r.scopes, r.symbolKinds, r.lines, r.lasts)
	if err != nil {
		return fmt.Errorf("definitions: %w", err)
	}
	return nil
}

// codeAtOnce is how many files one step of IndexCode takes.
const codeAtOnce = 50

// codePause is between two looks for files that the index of code does not have.
const codePause = time.Minute

// FollowCode brings files into the index of code that were stored without it, by another
// version of the program, until ctx ends.
func (db *DB) FollowCode(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := db.IndexCode(ctx); err != nil && ctx.Err() == nil {
			db.log.Error("files could not be brought into the index of code; it is tried again in a minute", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(codePause):
		}
	}
}

// IndexCode brings every file into the index of code that is not in it as this version of
// the program would have it, and returns how many. What a newer one beside it has made
// stays. Several processes may do so at once.
func (db *DB) IndexCode(ctx context.Context) (files int, err error) {
	for {
		n, err := db.indexSomeCode(ctx)
		if files += n; err != nil {
			return files, fmt.Errorf("index code: %w", err)
		}
		if n == 0 {
			return files, nil
		}
	}
}

// indexSomeCode takes files whose documents nobody else holds, so that what is written is of
// their last version.
func (db *DB) indexSomeCode(ctx context.Context) (n int, err error) {
	ids, err := db.deriveCode(ctx, codeWithout, cairn.KindCode, code.Format, codeAtOnce)
	return len(ids), err
}

// rebuildCode derives the index of code anew from the texts, in the order of their ids.
func (db *DB) rebuildCode(ctx context.Context) error {
	for after := cairn.DocumentID(""); ; {
		rows, err := db.worker.Query(ctx, codeAfter, cairn.KindCode, after, codeAtOnce)
		if err != nil {
			return fmt.Errorf("code: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[cairn.DocumentID])
		if err == nil && len(ids) > 0 {
			after, err = ids[len(ids)-1], db.rederiveCode(ctx, ids)
		}
		if err != nil {
			return fmt.Errorf("code: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
	}
}

// rederiveCode derives what the index of code has of files. Those that somebody holds are
// waited for one at a time: whoever writes several files never waits for one who waits for
// another of them.
func (db *DB) rederiveCode(ctx context.Context, ids []cairn.DocumentID) error {
	done, err := db.deriveCode(ctx, codeFree, cairn.KindCode, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if slices.Contains(done, id) {
			continue
		}
		if _, err := db.deriveCode(ctx, codeHeld, cairn.KindCode, []cairn.DocumentID{id}); err != nil {
			return err
		}
	}
	return nil
}

const (
	codeWithout = codeColumns + `
		WHERE kind = $1 AND hidden_at IS NULL
		  AND NOT EXISTS (SELECT FROM code_files f WHERE f.document_id = d.id AND f.version = d.version AND f.format >= $2)
		LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED` + codeBodies
	codeAfter = `SELECT id FROM documents WHERE kind = $1 AND hidden_at IS NULL AND id > $2 ORDER BY id LIMIT $3`
	codeFree  = codeOfIDs + ` SKIP LOCKED` + codeBodies
	codeHeld  = codeOfIDs + codeBodies

	codeOfIDs   = codeColumns + ` WHERE kind = $1 AND hidden_at IS NULL AND id = ANY ($2) FOR NO KEY UPDATE`
	codeColumns = `
		SELECT d.id, d.version, d.external_id, d.kind, d.attributes, b.body
		FROM (SELECT id, version, external_id, kind, attributes FROM documents d`
	codeBodies = `) d
		JOIN bodies b ON b.document_id = d.id AND b.version = d.version`
)

// deriveCode writes the index of code for the files that a statement takes, and returns
// their ids. They are held meanwhile.
func (db *DB) deriveCode(ctx context.Context, sql string, args ...any) (ids []cairn.DocumentID, err error) {
	err = pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		var out codeRows
		err := eachCode(ctx, tx, func(d *cairn.Document) {
			if f, ok := code.Describe(d); ok {
				out.add(d.ID, d.Version, f)
			}
		}, sql, args...)
		if err != nil {
			return err
		}
		ids = out.ids
		if _, err := tx.Exec(ctx, `DELETE FROM code_files WHERE document_id = ANY ($1)`, ids); err != nil {
			return err
		}
		return out.write(ctx, tx)
	})
	return ids, err
}

// eachCode calls do with the documents of a statement that begins with codeColumns.
func eachCode(ctx context.Context, q querier, do func(*cairn.Document), sql string, args ...any) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	var d cairn.Document
	_, err = pgx.ForEachRow(rows, []any{&d.ID, &d.Version, &d.External, &d.Kind, &d.Attributes, &d.Body}, func() error {
		do(&d)
		d = cairn.Document{}
		return nil
	})
	return err
}
