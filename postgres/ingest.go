package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

var _ ingest.Store = (*Ingest)(nil)

// Ingest writes documents. It implements ingest.Store.
type Ingest struct {
	db    *DB
	space Space // that the vectors belong to
}

// NewIngest returns a writer of documents with vectors of the space.
func NewIngest(db *DB, space Space) *Ingest { return &Ingest{db, space} }

// Known implements ingest.Store.
func (s *Ingest) Known(ctx context.Context, source cairn.SourceID, externals []string) (map[string]ingest.Known, error) {
	rows, err := s.db.worker.Query(ctx, `
		SELECT x.external_id, coalesce(d.id, ''), coalesce(d.version, ''), coalesce(d.revision, ''),
		       coalesce(d.fingerprint, ''), a.hash, coalesce(d.acl_own, false), d.withheld_acl IS NOT NULL, coalesce(d.run_id, ''),
		       d.modified_at, e.external_id IS NOT NULL, coalesce(e.revision, ''), coalesce(e.attempts, 0)
		FROM unnest($2::text[]) x (external_id)
		LEFT JOIN documents d ON d.source_id = $1 AND d.external_id = x.external_id AND d.hidden_at IS NULL
		LEFT JOIN acls a ON a.id = `+toldACL+`
		LEFT JOIN document_errors e ON e.source_id = $1 AND e.external_id = x.external_id
		WHERE d.id IS NOT NULL OR e.external_id IS NOT NULL`, source, externals)
	if err != nil {
		return nil, fmt.Errorf("known documents: %w", err)
	}
	known := make(map[string]ingest.Known, len(externals))
	var external string
	var hash []byte
	var modified *time.Time
	var k ingest.Known
	fields := []any{
		&external, &k.ID, &k.Version, &k.Revision, &k.Fingerprint, &hash, &k.OwnACL, &k.Withheld, &k.Run,
		&modified, &k.Failed, &k.FailedRevision, &k.Attempts,
	}
	_, err = pgx.ForEachRow(rows, fields, func() error {
		k.ACL = [32]byte{}
		copy(k.ACL[:], hash)
		k.Modified = orZero(modified)
		known[external] = k
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("known documents: %w", err)
	}
	return known, nil
}

// KeptOut implements ingest.Store.
func (s *Ingest) KeptOut(ctx context.Context, source cairn.SourceID, externals []string) (map[string]bool, error) {
	return keptOut(ctx, s.db.worker, source, externals)
}

// Externals implements ingest.Store.
func (s *Ingest) Externals(ctx context.Context, source cairn.SourceID) (map[string]cairn.Version, error) {
	rows, err := s.db.worker.Query(ctx, `
		SELECT external_id, version FROM documents WHERE source_id = $1 AND hidden_at IS NULL AND NOT attached
		UNION ALL
		SELECT e.external_id, '' FROM document_errors e
		WHERE e.source_id = $1 AND NOT EXISTS (
			SELECT FROM documents d WHERE d.source_id = $1 AND d.external_id = e.external_id AND d.hidden_at IS NULL)`, source)
	if err != nil {
		return nil, fmt.Errorf("stored documents: %w", err)
	}
	stored := make(map[string]cairn.Version)
	var external string
	var version cairn.Version
	_, err = pgx.ForEachRow(rows, []any{&external, &version}, func() error { stored[external] = version; return nil })
	if err != nil {
		return nil, fmt.Errorf("stored documents: %w", err)
	}
	return stored, nil
}

// ExternalNames returns the source's own name of each of its documents.
func (db *DB) ExternalNames(ctx context.Context, source cairn.SourceID) (map[cairn.DocumentID]string, error) {
	rows, err := db.worker.Query(ctx, `SELECT id, external_id FROM documents WHERE source_id = $1`, source)
	if err != nil {
		return nil, fmt.Errorf("names of documents: %w", err)
	}
	names := make(map[cairn.DocumentID]string)
	var id cairn.DocumentID
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error { names[id] = name; return nil }); err != nil {
		return nil, fmt.Errorf("names of documents: %w", err)
	}
	return names, nil
}

// Commit implements ingest.Store.
func (s *Ingest) Commit(ctx context.Context, b ingest.Batch) ([]ingest.Stored, error) {
	acls := make([]cairn.ACL, 0, len(b.Puts)+len(b.ACLs))
	for _, p := range b.Puts {
		if p.OwnACL {
			acls = append(acls, p.Document.ACL)
		}
	}
	for _, a := range b.ACLs {
		if a != nil {
			acls = append(acls, *a)
		}
	}
	if len(b.Withheld) > 0 {
		acls = append(acls, cairn.ACL{})
	}
	classes, err := s.db.aclClasses(ctx, acls)
	if err != nil {
		return nil, unfit(err)
	}
	var stored []ingest.Stored
	err = pgx.BeginFunc(ctx, s.db.worker, func(tx pgx.Tx) error {
		w := batchWriter{tx: tx, source: b.Source, space: s.space, run: b.Run.Run, classes: classes}
		var err error
		stored, err = w.write(ctx, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("commit batch: %w", unfit(err))
	}
	return stored, nil
}

// batchWriter writes one batch in one transaction.
type batchWriter struct {
	tx      pgx.Tx
	source  cairn.SourceID
	space   Space
	run     string
	classes map[[32]byte]int32
	class   int32 // of the source's ACL, as of this transaction
}

// classOf returns the class of a document's own ACL, or that of the source.
func (w *batchWriter) classOf(acl *cairn.ACL) int32 {
	if acl == nil {
		return w.class
	}
	return w.classes[acl.Hash()]
}

// classOfPut returns the class of a document that is written.
func (w *batchWriter) classOfPut(p ingest.Put) int32 {
	if p.OwnACL {
		return w.classOf(&p.Document.ACL)
	}
	return w.classOf(nil)
}

func (w *batchWriter) write(ctx context.Context, b ingest.Batch) ([]ingest.Stored, error) {
	if err := w.fence(ctx, b); err != nil {
		return nil, err
	}
	if err := w.expect(ctx, b.Expect); err != nil {
		return nil, err
	}
	if err := w.move(ctx, b.Moves); err != nil {
		return nil, fmt.Errorf("moves: %w", err)
	}
	puts, places, err := w.admitted(ctx, b.Puts)
	if err != nil {
		return nil, err
	}
	written, err := w.put(ctx, puts)
	if err != nil {
		return nil, fmt.Errorf("documents: %w", err)
	}
	stored := make([]ingest.Stored, len(b.Puts))
	for i, place := range places {
		stored[place] = written[i]
	}
	if err := w.touch(ctx, b.Touches); err != nil {
		return nil, fmt.Errorf("revisions: %w", err)
	}
	if err := w.setACLs(ctx, b.ACLs); err != nil {
		return nil, fmt.Errorf("ACLs: %w", err)
	}
	if err := w.withhold(ctx, b.Withheld); err != nil {
		return nil, fmt.Errorf("withheld documents: %w", err)
	}
	if err := w.hide(ctx, b.Deletes); err != nil {
		return nil, fmt.Errorf("deletions: %w", err)
	}
	if err := w.readAgain(ctx, b.Unknown); err != nil {
		return nil, fmt.Errorf("cursor: %w", err)
	}
	if err := w.resolve(ctx, b.Resolved); err != nil {
		return nil, fmt.Errorf("errors: %w", err)
	}
	if err := w.note(ctx, b.Errors); err != nil {
		return nil, fmt.Errorf("errors: %w", err)
	}
	return stored, nil
}

// admitted returns those of the documents that are not kept out, and their places.
// What a program pushes is. The source is locked, so that an erasure either has come
// first, or finds them.
func (w *batchWriter) admitted(ctx context.Context, puts []ingest.Put) (kept []ingest.Put, places []int, err error) {
	erased := make(map[string]bool)
	if w.run != "" && len(puts) > 0 {
		names := make([]string, len(puts))
		for i, p := range puts {
			names[i] = p.Document.External
		}
		if erased, err = keptOut(ctx, w.tx, w.source, names); err != nil {
			return nil, nil, err
		}
	}
	for i, p := range puts { // what was found in a document comes after it
		if p.Attached && erased[p.Parent] {
			erased[p.Document.External] = true
		}
		if !erased[p.Document.External] {
			kept, places = append(kept, p), append(places, i)
		}
	}
	return kept, places, nil
}

// fence locks the source against its deletion and against a change of its ACL,
// makes sure that the run is still this worker's, and adds its counts and the
// cursor.
func (w *batchWriter) fence(ctx context.Context, b ingest.Batch) error {
	err := w.tx.QueryRow(ctx, `
		UPDATE sources SET cursor = CASE WHEN $2 = '' THEN cursor ELSE $2 END WHERE id = $1 RETURNING acl_id`,
		w.source, b.Cursor).Scan(&w.class)
	if err != nil {
		return notFound(err)
	}
	if w.run == "" {
		return nil
	}
	c := b.Counts
	tag, err := w.tx.Exec(ctx, `
		UPDATE runs SET scanned = scanned + $3, added = added + $4, modified = modified + $5, deleted = deleted + $6,
		       failed = failed + $7, unchanged = unchanged + $8
		WHERE id = $1 AND attempt = $2 AND state = 'running' AND NOT cancel`,
		b.Run.Run, b.Run.Attempt, c.Scanned, c.Added, c.Modified, c.Deleted, c.Failed, c.Unchanged)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return cairn.Errorf(cairn.ErrConflict, "the run was cancelled or taken over")
	}
	return nil
}

// move gives documents other names, all at once: one may get that of another.
func (w *batchWriter) move(ctx context.Context, moves map[string]string) error {
	if len(moves) == 0 {
		return nil
	}
	from := slices.Sorted(maps.Keys(moves))
	to := make([]string, len(from))
	for i, name := range from {
		to[i] = moves[name]
	}
	// All are held in the order of their ids, as by whoever holds several documents. A
	// hidden document of a new name gives way: it is an older story.
	rows, err := w.tx.Query(ctx, `
		SELECT d.id, coalesce(x.becomes, '') FROM documents d LEFT JOIN unnest($2::text[], $3::text[]) x (was, becomes) ON x.was = d.external_id
		WHERE d.source_id = $1 AND d.external_id = ANY ($4) AND (x.becomes IS NOT NULL OR d.hidden_at IS NOT NULL)
		ORDER BY d.id FOR UPDATE OF d`, w.source, from, to, slices.Concat(from, to))
	if err != nil {
		return err
	}
	var all, moved, names []string
	var id, name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		all = append(all, id)
		if name != "" {
			moved, names = append(moved, id), append(names, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := w.tx.Exec(ctx, `UPDATE documents SET external_id = external_id || chr(10) || id WHERE id = ANY ($1)`, all); err != nil {
		return err
	}
	_, err = w.tx.Exec(ctx, `
		UPDATE documents d SET external_id = x.name, run_id = $3 FROM unnest($1::text[], $2::text[]) x (id, name) WHERE d.id = x.id`,
		moved, names, w.run)
	return err
}

func (w *batchWriter) putChunks(ctx context.Context, puts []ingest.Put, ids []cairn.DocumentID) error {
	var docs []cairn.DocumentID
	var languages, sections []string
	var classes, ordinals, starts, ends []int32
	var chunks []ingest.Chunk
	for i, p := range puts {
		touched := touching(p.Document.Sections, p.Chunks)
		for n, c := range p.Chunks {
			encoded, err := json.Marshal(touched[n])
			if err != nil {
				return err
			}
			sections = append(sections, string(encoded))
			docs = append(docs, ids[i])
			languages = append(languages, p.Document.Language)
			classes = append(classes, w.classOfPut(p))
			ordinals = append(ordinals, int32(n))
			starts = append(starts, int32(c.Start))
			ends = append(ends, int32(c.End))
			chunks = append(chunks, c)
		}
	}
	rows, err := w.tx.Query(ctx, `
		INSERT INTO chunks (document_id, ordinal, start_at, end_at, acl_id, sections)
		SELECT d, o, s, e, a, h::jsonb FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $6::text[])
			WITH ORDINALITY AS x (d, o, s, e, a, h, n) ORDER BY n
		RETURNING document_id, ordinal, id`, docs, ordinals, starts, ends, classes, sections)
	if err != nil {
		return err
	}
	type place struct {
		document cairn.DocumentID
		ordinal  int32
	}
	numbers := make(map[place]int64, len(chunks))
	var at place
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&at.document, &at.ordinal, &id}, func() error { numbers[at] = id; return nil }); err != nil {
		return err
	}
	fresh := make([][]any, len(chunks))
	var vectors, codes [][]any
	for i, c := range chunks {
		id := numbers[place{docs[i], ordinals[i]}]
		fresh[i] = []any{id, c.Terms, int32(c.Length), languages[i]}
		if c.Vector != nil {
			vectors = append(vectors, []any{w.space.ID, id, pgvector.NewHalfVector(c.Vector)})
			codes = append(codes, []any{w.space.ID, id, w.space.code(c.Vector)})
		}
	}
	if _, err := w.tx.CopyFrom(ctx, pgx.Identifier{"fresh"}, []string{"chunk_id", "terms", "length", "language"}, pgx.CopyFromRows(fresh)); err != nil {
		return err
	}
	if _, err := w.tx.CopyFrom(ctx, pgx.Identifier{"vectors"}, []string{"space", "chunk_id", "v"}, pgx.CopyFromRows(vectors)); err != nil {
		return err
	}
	_, err = w.tx.CopyFrom(ctx, pgx.Identifier{"fresh_codes"}, []string{"space", "chunk_id", "code"}, pgx.CopyFromRows(codes))
	return err
}

// hide takes documents out of search at once; their bodies are erased later.
func (w *batchWriter) hide(ctx context.Context, externals []string) error {
	if len(externals) == 0 {
		return nil
	}
	_, err := w.tx.Exec(ctx, `
		WITH RECURSIVE tree AS (
			SELECT id FROM documents WHERE source_id = $1 AND external_id = ANY ($2)
			UNION SELECT d.id FROM documents d JOIN tree t ON d.parent_id = t.id AND d.attached),
		hidden AS (
			UPDATE documents SET hidden_at = now() WHERE id IN (SELECT id FROM tree) AND hidden_at IS NULL RETURNING id)
		DELETE FROM chunks WHERE document_id IN (SELECT id FROM hidden)`, w.source, externals)
	if err != nil {
		return err
	}
	return w.resolve(ctx, externals)
}

// resolve deletes recorded errors.
func (w *batchWriter) resolve(ctx context.Context, externals []string) error {
	_, err := w.tx.Exec(ctx, `DELETE FROM document_errors WHERE source_id = $1 AND external_id = ANY ($2)`, w.source, externals)
	return err
}
