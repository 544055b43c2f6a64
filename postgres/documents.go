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

// SuggestTitles implements api.Documents. A viewer who is admitted to more
// classes than maxSuggestClasses gets titles from those with the newest documents.
func (db *DB) SuggestTitles(ctx context.Context, v cairn.Viewer, prefix string, limit int) ([]string, error) {
	classes, err := db.newestClasses(ctx, v)
	if err != nil {
		return nil, fmt.Errorf("suggest titles: %w", err)
	}
	var titles []string
	err = db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		// What is no letter and no digit counts as a space between words.
		rows, err := tx.Query(ctx, `
			WITH wanted AS MATERIALIZED (SELECT trim(regexp_replace(lower($1), '[^[:alnum:]]+', ' ', 'g')) AS prefix)
			SELECT d.title FROM documents d, wanted w
			WHERE $1 = '' OR w.prefix <> ''
			  AND strpos(' ' || regexp_replace(lower(d.title), '[^[:alnum:]]+', ' ', 'g'), ' ' || w.prefix) > 0
			GROUP BY d.title
			ORDER BY max(coalesce(d.modified_at, d.created_at)) DESC NULLS LAST, d.title LIMIT $2`, prefix, limit)
		if err != nil {
			return err
		}
		titles, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("suggest titles: %w", refused(err, ""))
	}
	return titles, nil
}

// newestClasses returns the classes that admit v and have documents, those
// with the newest first.
func (db *DB) newestClasses(ctx context.Context, v cairn.Viewer) ([]int32, error) {
	admitted, err := admitting(ctx, db.index, v, nil)
	if err != nil {
		return nil, err
	}
	rows, err := db.index.Query(ctx, `
		SELECT c.id FROM unnest($1::int[]) AS c (id)
		CROSS JOIN LATERAL (
			SELECT d.modified_at FROM documents d
			WHERE d.acl_id = c.id AND d.hidden_at IS NULL ORDER BY d.modified_at DESC NULLS LAST LIMIT 1) newest
		ORDER BY newest.modified_at DESC NULLS LAST, c.id LIMIT $2`, admitted, maxSuggestClasses)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}
