package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

var _ api.Documents = (*DB)(nil)

// documentRow is a version of a document as the database has it.
type documentRow struct {
	ID         cairn.DocumentID
	SourceID   cairn.SourceID
	SourceName string
	ExternalID string
	Version    cairn.Version
	Newest     cairn.Version
	Kind       cairn.Kind
	Title      string
	URL        string
	Author     string
	Language   string
	ParentID   *cairn.DocumentID
	Attributes map[string]string
	CreatedAt  *time.Time
	ModifiedAt *time.Time
	Body       []byte
	Sections   []section
}

// Document implements api.Documents. The ACL stays empty: who else may read a
// document is not for its readers.
func (db *DB) Document(ctx context.Context, v cairn.Viewer, id cairn.DocumentID, version cairn.Version) (api.StoredDocument, error) {
	classes, err := db.classesOfDocuments(ctx, []cairn.DocumentID{id})
	if err != nil {
		return api.StoredDocument{}, fmt.Errorf("document: %w", missing(err))
	}
	var r documentRow
	err = db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT d.id, d.source_id, s.name AS source_name, d.external_id, b.version, d.version AS newest, d.kind, d.title,
			       d.url, d.author, d.language, d.parent_id, d.attributes, d.created_at, d.modified_at, b.body, b.sections
			FROM documents d
			JOIN sources s ON s.id = d.source_id
			JOIN bodies b ON b.document_id = d.id AND b.version = CASE WHEN $2 = '' THEN d.version ELSE $2 END
			WHERE d.id = $1`, id, version)
		if err != nil {
			return err
		}
		r, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[documentRow])
		return err
	})
	if err != nil {
		return api.StoredDocument{}, fmt.Errorf("document: %w", missing(err))
	}
	return r.document(), nil
}

func (r documentRow) document() api.StoredDocument {
	d := api.StoredDocument{
		Document: cairn.Document{
			ID: r.ID, Source: r.SourceID, External: r.ExternalID, Version: r.Version, Kind: r.Kind,
			Title: r.Title, URL: r.URL, Author: r.Author, Language: r.Language,
			Body: r.Body, Sections: decodeSections(r.Sections), Attributes: r.Attributes,
			Created: orZero(r.CreatedAt), Modified: orZero(r.ModifiedAt),
		},
		SourceName: r.SourceName,
		State:      citationState(r.Version, r.Newest),
	}
	if r.ParentID != nil {
		d.Parent = *r.ParentID
	}
	return d
}

func citationState(version, newest cairn.Version) cairn.CitationState {
	if version == newest {
		return cairn.CitationCurrent
	}
	return cairn.CitationChanged
}

// maxSuggestClasses bounds the ACL classes in which titles are looked for:
// those with the newest documents.
const maxSuggestClasses = 400

const (
	suggestNewest   = 10_000 // titles in which a word in the middle is looked for
	suggestStarting = 500    // titles that begin with the prefix
)

// SuggestTitles implements api.Documents. A viewer who is admitted to more
// classes than maxSuggestClasses gets titles from those with the newest
// documents. Words are looked for in the suggestNewest newest of these; of older
// ones, titles that begin with the prefix are found. What is only granted is not
// suggested: no use of a grant is to be missing in the audit log.
func (db *DB) SuggestTitles(ctx context.Context, v cairn.Viewer, prefix string, limit int) ([]api.Suggestion, error) {
	classes, err := db.newestClasses(ctx, v)
	if err != nil {
		return nil, fmt.Errorf("suggest titles: %w", err)
	}
	var titles []api.Suggestion
	err = db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		titles, err = suggestTitles(ctx, tx, classes, prefix, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("suggest titles: %w", refused(err, ""))
	}
	return titles, nil
}

// suggestTitles returns titles of documents of the classes. What is no letter
// and no digit counts as a space between words, as in title_key.
func suggestTitles(ctx context.Context, tx pgx.Tx, classes []int32, prefix string, limit int) ([]api.Suggestion, error) {
	perClass := suggestNewest / min(max(len(classes), 1), 4) // so that one class does not take all
	rows, err := tx.Query(ctx, `
		WITH wanted AS MATERIALIZED (
			SELECT prefix, prefix || chr(1114111) AS beyond
			FROM (SELECT trim(regexp_replace(lower($1), '[^[:alnum:]]+', ' ', 'g')) COLLATE "C") w (prefix)),
		newest AS (
			SELECT d.* FROM unnest($3::int[]) WITH ORDINALITY c (id, n) CROSS JOIN LATERAL (
				SELECT id, title, title_key, coalesce(modified_at, created_at) AS at FROM documents
				WHERE acl_id = c.id ORDER BY modified_at DESC NULLS LAST LIMIT $4) d
			ORDER BY c.n LIMIT $5),
		starting AS (
			SELECT d.* FROM wanted w CROSS JOIN unnest($3::int[]) c (id) CROSS JOIN LATERAL (
				SELECT id, title, coalesce(modified_at, created_at) AS at FROM documents
				WHERE acl_id = c.id AND title_key >= w.prefix AND title_key < w.beyond ORDER BY title_key LIMIT $6) d
			WHERE w.prefix <> '' LIMIT $6)
		SELECT title, (array_agg(id ORDER BY at DESC NULLS LAST, id))[1] AS document FROM (
			SELECT n.id, n.title, n.at FROM newest n, wanted w
			WHERE $1 = '' OR (w.prefix <> '' AND strpos(' ' || n.title_key, ' ' || w.prefix) > 0)
			UNION ALL SELECT id, title, at FROM starting) found
		GROUP BY title ORDER BY max(at) DESC NULLS LAST, title LIMIT $2`,
		prefix, limit, classes, perClass, suggestNewest, suggestStarting)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[api.Suggestion])
}

// newestClasses returns the classes that admit v and have documents, those
// with the newest first.
func (db *DB) newestClasses(ctx context.Context, v cairn.Viewer) ([]int32, error) {
	admitted, err := admitting(ctx, db.index, v)
	if err != nil {
		return nil, err
	}
	rows, err := db.index.Query(ctx, `
		SELECT c.id FROM unnest($1::int[]) AS c (id)
		CROSS JOIN LATERAL (
			SELECT d.modified_at FROM documents d
			WHERE d.acl_id = c.id AND d.hidden_at IS NULL ORDER BY d.modified_at DESC NULLS LAST LIMIT 1) newest
		ORDER BY newest.modified_at DESC NULLS LAST, c.id LIMIT $2`, admitted.list(), maxSuggestClasses)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}
