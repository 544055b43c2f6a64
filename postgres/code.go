package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/code"
)

var _ code.Store = (*DB)(nil)

// Candidates implements code.Store. The index role finds them: it reads no text. Only files
// of classes that admit v, or that a grant covers, are in the answer and its order; the
// same are read by the search role afterwards.
func (db *DB) Candidates(ctx context.Context, v cairn.Viewer, f code.Filter, after code.Candidate, limit int) ([]code.Candidate, error) {
	admitted, err := admitting(ctx, db.lookup, v)
	if err != nil {
		return nil, err
	}
	granted, err := db.granted(ctx, v)
	if err != nil {
		return nil, err
	}
	args := []any{admitted.list(), orEmpty(granted), f.Language, after.Place, after.Document, limit}
	sql := candidatesOfAll
	switch {
	case f.Called != 0:
		sql, args = candidatesOfName, append(args, f.Called)
	case restricting(f.Lists):
		lists := make([]string, len(f.Lists))
		for i, list := range f.Lists {
			lists[i] = arrayLiteral(list)
		}
		sql, args = candidatesOfTrigrams, append(args, lists)
	}
	rows, err := db.index.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("files of code: %w", err)
	}
	candidates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c code.Candidate, err error) {
		return c, row.Scan(&c.Document, &c.Version, &c.Place, &c.Size)
	})
	if err != nil {
		return nil, fmt.Errorf("files of code: %w", err)
	}
	return candidates, nil
}

// restricting reports whether every list has a trigram.
func restricting(lists [][]int32) bool {
	for _, list := range lists {
		if len(list) == 0 {
			return false
		}
	}
	return len(lists) > 0
}

// arrayLiteral returns numbers as the text of an array.
func arrayLiteral(numbers []int32) string {
	var b strings.Builder
	for i, n := range numbers {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(n)))
	}
	return "{" + b.String() + "}"
}

// What may match is put in order first, and then looked up among the documents one by one
// until there are enough: OFFSET 0 is as in hydrate.
const (
	candidatesOfAll      = candidateFiles + `code_files c` + candidatesAfter + candidatesOfViewer
	candidatesOfTrigrams = candidateFiles + `unnest($7::text[]) AS list (trigrams)
			CROSS JOIN LATERAL (SELECT document_id, version, language, place, size FROM code_files x WHERE x.trigrams @> list.trigrams::int[] OFFSET 0) c` + candidatesAfter + candidatesOfViewer
	candidatesOfName = candidateFiles + `(SELECT document_id, version, language, place, size FROM code_files WHERE name_hash = $7 OR stem_hash = $7) c` + candidatesAfter + candidatesOfViewer

	candidateFiles  = `SELECT f.document_id, f.version, f.place, f.size FROM (SELECT DISTINCT ON (c.place, c.document_id) c.document_id, c.version, c.place, c.size FROM `
	candidatesAfter = `
			WHERE ($3::text = '' OR c.language = $3) AND (c.place, c.document_id) > ($4::bigint, $5::text)
			ORDER BY c.place, c.document_id) f`
	candidatesOfViewer = `
		JOIN LATERAL (SELECT id, source_id, acl_id, hidden_at FROM documents WHERE documents.id = f.document_id OFFSET 0) d ON true
		WHERE d.hidden_at IS NULL AND (d.acl_id = ANY ($1) OR d.id = ANY ($2) OR d.source_id = ANY ($2))
		ORDER BY f.place, f.document_id LIMIT $6`
)

// Defined implements code.Store. As with Candidates, the index role finds them by hashes,
// and the search role reads them.
func (db *DB) Defined(ctx context.Context, v cairn.Viewer, n code.Name, after code.Defined, limit int) ([]code.Defined, error) {
	if n.Holding != "" {
		return db.readDefined(ctx, v, n.In, definedHolding, n.In, n.Holding, after.Rank, after.Document, limit)
	}
	admitted, err := admitting(ctx, db.lookup, v)
	if err != nil {
		return nil, err
	}
	granted, err := db.granted(ctx, v)
	if err != nil {
		return nil, err
	}
	rows, err := db.index.Query(ctx, definedByName, admitted.list(), orEmpty(granted), n.Hash, orEmpty(n.Around), n.Language, after.Rank, after.Document, limit)
	if err != nil {
		return nil, fmt.Errorf("definitions: %w", err)
	}
	var c code.Candidate
	var line, ordinal int32
	var ids []cairn.DocumentID
	var lines, ordinals []int32
	files := make(map[cairn.DocumentID]code.Candidate)
	_, err = pgx.ForEachRow(rows, []any{&c.Document, &c.Version, &c.Place, &c.Size, &line, &ordinal}, func() error {
		ids, lines, ordinals = append(ids, c.Document), append(lines, line), append(ordinals, ordinal)
		files[c.Document] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("definitions: %w", err)
	}
	read, err := db.readDefined(ctx, v, ids, definedByKeys, ids, lines, ordinals)
	for i := range read {
		read[i].Candidate = files[read[i].Document]
	}
	return read, err
}

// readDefined reads definitions in documents, by one of the statements below.
func (db *DB) readDefined(ctx context.Context, v cairn.Viewer, in []cairn.DocumentID, sql string, args ...any) ([]code.Defined, error) {
	if len(in) == 0 {
		return nil, nil
	}
	var read []code.Defined
	err := db.readCode(ctx, v, in, func(rows pgx.Rows) (err error) {
		read, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d code.Defined, err error) {
			return d, row.Scan(&d.Document, &d.Rank, &d.Name, &d.Scope, &d.Kind, &d.Line, &d.Last, &d.At.Repo, &d.At.Branch, &d.At.Path)
		})
		return err
	}, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	return read, nil
}

const (
	// definedByName reads no more definitions than it returns where v may read them all.
	definedByName = `
		SELECT s.document_id, c.version, c.place, c.size, s.line, s.ordinal
		FROM code_symbols s
		JOIN LATERAL (SELECT version, language, place, size FROM code_files WHERE code_files.document_id = s.document_id OFFSET 0) c ON true
		JOIN LATERAL (SELECT id, source_id, acl_id, hidden_at FROM documents WHERE documents.id = s.document_id OFFSET 0) d ON true
		WHERE s.name_hash = $3 AND s.around @> $4::int[] AND (s.rank, s.document_id) > ($6::bigint, $7::text)
		  AND ($5::text = '' OR c.language = $5)
		  AND d.hidden_at IS NULL AND (d.acl_id = ANY ($1) OR d.id = ANY ($2) OR d.source_id = ANY ($2))
		ORDER BY s.rank, s.document_id LIMIT $8`

	// definedByKeys and definedHolding look documents up by their ids; where these lie is as
	// code.Text has it.
	definedByKeys = definedIn + `
		FROM unnest($1::text[], $2::int[], $3::int[]) WITH ORDINALITY AS x (id, line, ordinal, i)` + definedWhere + `
		JOIN LATERAL (
			SELECT rank, name, scope, kind, line, last_line FROM code_symbols
			WHERE code_symbols.document_id = x.id AND code_symbols.line = x.line AND code_symbols.ordinal = x.ordinal OFFSET 0) c ON true
		ORDER BY x.i`
	definedHolding = definedIn + `
		FROM unnest($1::text[]) AS x (id)` + definedWhere + `
		JOIN LATERAL (
			SELECT rank, name, scope, kind, line, last_line FROM code_symbols
			WHERE code_symbols.document_id = x.id AND strpos(lower(name), $2) > 0 AND (rank, document_id) > ($3::bigint, $4::text) OFFSET 0) c ON true
		ORDER BY c.rank, x.id LIMIT $5`

	definedIn = `
		SELECT x.id, c.rank, c.name, c.scope, c.kind, c.line, c.last_line,
		       coalesce(nullif(d.attributes ->> 'repo', ''), s.name), coalesce(d.attributes ->> 'branch', ''), coalesce(nullif(d.attributes ->> 'path', ''), d.external_id)`
	definedWhere = `
		JOIN LATERAL (SELECT attributes, source_id, external_id FROM documents WHERE documents.id = x.id OFFSET 0) d ON true
		JOIN LATERAL (SELECT name FROM sources WHERE sources.id = d.source_id OFFSET 0) s ON true`
)

// Files implements code.Store.
func (db *DB) Files(ctx context.Context, v cairn.Viewer, ids []cairn.DocumentID, bodies bool) ([]code.Text, error) {
	var files []code.Text
	err := db.readCode(ctx, v, ids, func(rows pgx.Rows) (err error) {
		files, err = pgx.CollectRows(rows, codeText)
		return err
	}, codeTexts, ids, bodies)
	if err != nil {
		return nil, fmt.Errorf("read code: %w", err)
	}
	return files, nil
}

// codeTexts reads documents by their ids; OFFSET 0 is as in hydrate.
const codeTexts = `
	SELECT d.id, d.version, s.name, d.external_id, d.url, d.attributes, b.body, b.last
	FROM unnest($1::text[]) AS x (id)
	JOIN LATERAL (SELECT * FROM documents WHERE documents.id = x.id OFFSET 0) d ON true
	JOIN LATERAL (SELECT name FROM sources WHERE sources.id = d.source_id OFFSET 0) s ON true
	JOIN LATERAL (
		SELECT CASE WHEN $2 THEN body END AS body, CASE WHEN $2 THEN sections -> -1 END AS last
		FROM bodies WHERE bodies.document_id = d.id AND bodies.version = d.version OFFSET 0) b ON true`

func codeText(row pgx.CollectableRow) (t code.Text, err error) {
	var last *section
	if err := row.Scan(&t.Document, &t.Version, &t.Source, &t.External, &t.URL, &t.Attributes, &t.Body, &last); err != nil {
		return t, err
	}
	if last != nil {
		t.Section = cairn.Section(*last)
	}
	return t, nil
}

// Definitions implements code.Store.
func (db *DB) Definitions(ctx context.Context, v cairn.Viewer, on []code.Lines, around bool) (map[cairn.DocumentID][]code.Definition, error) {
	var documents, ids []cairn.DocumentID // the latter once a line
	var lines []int32
	for _, x := range on {
		documents = append(documents, x.Document)
		for _, line := range x.Lines {
			ids, lines = append(ids, x.Document), append(lines, int32(line))
		}
	}
	sql := definedOnLines
	if around {
		sql = definedAroundLines
	}
	found := make(map[cairn.DocumentID][]code.Definition, len(documents))
	err := db.readCode(ctx, v, documents, func(rows pgx.Rows) error {
		var id cairn.DocumentID
		var d code.Definition
		_, err := pgx.ForEachRow(rows, []any{&id, &d.Name, &d.Scope, &d.Kind, &d.Line, &d.Last}, func() error {
			found[id] = append(found[id], d)
			return nil
		})
		return err
	}, sql, ids, lines)
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	return found, nil
}

const (
	definedOnLines = `
		SELECT x.id, s.name, s.scope, s.kind, s.line, s.last_line
		FROM unnest($1::text[], $2::int[]) AS x (id, line)
		JOIN LATERAL (
			SELECT ordinal, name, scope, kind, line, last_line FROM code_symbols c
			WHERE c.document_id = x.id AND c.line = x.line OFFSET 0) s ON true
		ORDER BY x.id, s.ordinal`
	definedAroundLines = `
		SELECT x.id, s.name, s.scope, s.kind, s.line, s.last_line
		FROM unnest($1::text[], $2::int[]) AS x (id, line)
		JOIN LATERAL (
			SELECT name, scope, kind, line, last_line FROM code_symbols c
			WHERE c.document_id = x.id AND c.line <= x.line AND c.last_line >= x.line
			ORDER BY c.line DESC, c.ordinal DESC LIMIT 1) s ON true
		ORDER BY x.id, s.line`
)

// readCode calls read with the rows of a statement about documents, as v sees them.
func (db *DB) readCode(ctx context.Context, v cairn.Viewer, ids []cairn.DocumentID, read func(pgx.Rows) error, sql string, args ...any) error {
	admitted, err := admittingOf(ctx, db.lookup, `ARRAY (SELECT acl_id FROM documents WHERE id = ANY ($2))`, v, ids)
	if err != nil {
		return err
	}
	return db.lookUpAsViewer(ctx, v, admitted, read, sql, args...)
}
