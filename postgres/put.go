package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// put writes documents, bodies and chunks. Chunks are replaced as a whole:
// their content is immutable.
func (w *batchWriter) put(ctx context.Context, puts []ingest.Put) ([]ingest.Stored, error) {
	if len(puts) == 0 {
		return nil, nil
	}
	stored, err := w.putDocuments(ctx, puts)
	if err != nil {
		return nil, err
	}
	ids := make([]cairn.DocumentID, len(puts))
	externals := make([]string, len(puts))
	var replaced []cairn.DocumentID
	for i, p := range puts {
		ids[i], externals[i] = stored[i].ID, p.Document.External
		if !stored[i].Created {
			replaced = append(replaced, stored[i].ID)
		}
	}
	if err := w.putBodies(ctx, puts, ids); err != nil {
		return nil, fmt.Errorf("bodies: %w", err)
	}
	if err := w.resolve(ctx, externals); err != nil {
		return nil, err
	}
	if err := w.dropFormer(ctx, replaced, ids); err != nil {
		return nil, err
	}
	if err := w.putCode(ctx, puts, ids); err != nil {
		return nil, fmt.Errorf("code: %w", err)
	}
	return stored, w.putChunks(ctx, puts, ids)
}

// putDocuments writes rows of documents, parents before what names them as such.
func (w *batchWriter) putDocuments(ctx context.Context, puts []ingest.Put) ([]ingest.Stored, error) {
	at := make(map[string]int, len(puts)) // external id → place in puts
	generation := make([]int, len(puts))
	var generations [][]ingest.Put
	for i, p := range puts {
		if parent, ok := at[p.Parent]; ok && p.Parent != "" {
			generation[i] = generation[parent] + 1
		}
		at[p.Document.External] = i
		if generation[i] == len(generations) {
			generations = append(generations, nil)
		}
		generations[generation[i]] = append(generations[generation[i]], p)
	}
	stored := make([]ingest.Stored, len(puts))
	for _, g := range generations {
		rows, err := w.upsertDocuments(ctx, g)
		if err != nil {
			return nil, err
		}
		var external string
		var s ingest.Stored
		_, err = pgx.ForEachRow(rows, []any{&external, &s.ID, &s.Created}, func() error { stored[at[external]] = s; return nil })
		if err != nil {
			return nil, err
		}
	}
	return stored, nil
}

// upsertDocuments writes documents whose parents are there. The rows have the
// external id, the id, and whether the document is new.
func (w *batchWriter) upsertDocuments(ctx context.Context, puts []ingest.Put) (pgx.Rows, error) {
	r, err := w.documentRows(puts)
	if err != nil {
		return nil, err
	}
	return w.tx.Query(ctx, `
		INSERT INTO documents (id, source_id, external_id, version, revision, fingerprint, kind, title, url, author, language,
		                       acl_id, acl_own, run_id, parent_id, attached, attributes, created_at, modified_at)
		SELECT x.id, $1, x.external_id, x.version, x.revision, x.fingerprint, x.kind, x.title, x.url, x.author, x.language,
		       x.acl_id, x.acl_own, $2,
		       (SELECT p.id FROM documents p WHERE p.source_id = $1 AND p.external_id = nullif(x.parent, '')),
		       x.attached, x.attributes::jsonb, x.created_at, x.modified_at
		FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
		            $12::text[], $13::int[], $14::bool[], $15::text[], $16::bool[], $17::text[], $18::timestamptz[], $19::timestamptz[])
		     AS x (id, external_id, version, revision, fingerprint, kind, title, url, author,
		           language, acl_id, acl_own, parent, attached, attributes, created_at, modified_at)
		ON CONFLICT (source_id, external_id) DO UPDATE SET
		    version = excluded.version, revision = excluded.revision, fingerprint = excluded.fingerprint, kind = excluded.kind,
		    title = excluded.title, url = excluded.url, author = excluded.author, language = excluded.language,
		    acl_id = excluded.acl_id, acl_own = excluded.acl_own, withheld_acl = NULL, run_id = excluded.run_id, parent_id = excluded.parent_id, attached = excluded.attached,
		    attributes = excluded.attributes, created_at = excluded.created_at, modified_at = excluded.modified_at,
		    indexed_at = now(), hidden_at = NULL
		RETURNING external_id, id, xmax = 0`,
		w.source, w.run, r.ids, r.externals, r.versions, r.revisions, r.fingerprints, r.kinds, r.titles, r.urls, r.authors,
		r.languages, r.classes, r.owns, r.parents, r.attached, r.attributes, r.created, r.modified)
}

// documentRows is documents as columns.
type documentRows struct {
	ids, externals, versions, revisions, fingerprints, kinds, titles, urls, authors, languages, parents, attributes []string
	classes                                                                                                         []int32
	owns, attached                                                                                                  []bool
	created, modified                                                                                               []*time.Time
}

func (w *batchWriter) documentRows(puts []ingest.Put) (documentRows, error) {
	var r documentRows
	for _, p := range puts {
		d := p.Document
		attributes := []byte("{}")
		if d.Attributes != nil {
			var err error
			if attributes, err = json.Marshal(d.Attributes); err != nil {
				return documentRows{}, err
			}
		}
		r.ids = append(r.ids, string(d.ID))
		r.externals = append(r.externals, d.External)
		r.versions = append(r.versions, string(d.Version))
		r.revisions = append(r.revisions, p.Revision)
		r.fingerprints = append(r.fingerprints, p.Fingerprint)
		r.kinds = append(r.kinds, string(d.Kind))
		r.titles = append(r.titles, d.Title)
		r.urls = append(r.urls, d.URL)
		r.authors = append(r.authors, d.Author)
		r.languages = append(r.languages, d.Language)
		r.classes = append(r.classes, w.classOfPut(p))
		r.owns = append(r.owns, p.OwnACL)
		r.parents = append(r.parents, p.Parent)
		r.attached = append(r.attached, p.Attached)
		r.attributes = append(r.attributes, string(attributes))
		r.created = append(r.created, nilTime(d.Created))
		r.modified = append(r.modified, nilTime(d.Modified))
	}
	return r, nil
}

// bodiesBytes bounds the bodies that one statement carries: a message to
// PostgreSQL may have 1 GB.
const bodiesBytes = 16 << 20

func (w *batchWriter) putBodies(ctx context.Context, puts []ingest.Put, ids []cairn.DocumentID) error {
	for from := 0; from < len(puts); {
		var versions, sections []string
		var bodies [][]byte
		for size, i := 0, from; i < len(puts) && (i == from || size+len(puts[i].Document.Body) <= bodiesBytes); i++ {
			d := puts[i].Document
			encoded, err := json.Marshal(encodeSections(d.Sections))
			if err != nil {
				return err
			}
			size += len(d.Body)
			versions, bodies, sections = append(versions, string(d.Version)), append(bodies, d.Body), append(sections, string(encoded))
		}
		_, err := w.tx.Exec(ctx, `
			INSERT INTO bodies (document_id, version, body, sections)
			SELECT d, v, b, s::jsonb FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) x (d, v, b, s)
			ON CONFLICT (document_id, version) DO UPDATE SET sections = excluded.sections`,
			ids[from:from+len(bodies)], versions, bodies, sections)
		if err != nil {
			return err
		}
		from += len(bodies)
	}
	return nil
}

// dropFormer deletes the chunks of documents that were replaced, and hides what
// was attached to them and is not among what this batch wrote.
func (w *batchWriter) dropFormer(ctx context.Context, replaced, written []cairn.DocumentID) error {
	if len(replaced) == 0 {
		return nil
	}
	_, err := w.tx.Exec(ctx, `
		WITH lost AS (
			UPDATE documents SET hidden_at = now()
			WHERE parent_id = ANY ($1) AND NOT id = ANY ($2) AND hidden_at IS NULL AND attached
			RETURNING id)
		DELETE FROM chunks WHERE document_id IN (SELECT id FROM lost)`, replaced, written)
	if err != nil {
		return err
	}
	_, err = w.tx.Exec(ctx, `DELETE FROM chunks WHERE document_id = ANY ($1)`, replaced)
	return err
}
