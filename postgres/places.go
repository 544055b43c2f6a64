package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

// place is a range of a version of a document with what describes it.
type place struct {
	N        int // position in the list of ranges, from 1
	Newest   cairn.Version
	Source   string
	Kind     cairn.Kind
	Title    string
	URL      string
	Author   string
	Language string
	Modified *time.Time
	Text     []byte
	// Of the section that the range begins in; read apart.
	Heading []string `db:"-"`
	Anchor  string   `db:"-"`
}

// readPlaces returns one place for each range, in order; nil where the viewer
// of the transaction may not read the document or the version is gone.
func readPlaces(ctx context.Context, tx pgx.Tx, ranges []retrieval.Range) ([]*place, error) {
	places := make([]*place, len(ranges))
	if len(ranges) == 0 {
		return places, nil
	}
	documents, versions := make([]cairn.DocumentID, len(ranges)), make([]cairn.Version, len(ranges))
	starts, ends := make([]int32, len(ranges)), make([]int32, len(ranges))
	for i, r := range ranges {
		documents[i], versions[i], starts[i], ends[i] = r.Document, r.Version, int32(r.Start), int32(r.End)
	}
	rows, err := tx.Query(ctx, `
		SELECT x.n, d.version AS newest, s.name AS source, d.kind, d.title, d.url, d.author, d.language,
		       coalesce(d.modified_at, d.created_at) AS modified,
		       substring(b.body FROM x.start_at + 1 FOR x.end_at - x.start_at) AS text
		FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) WITH ORDINALITY AS x (document, version, start_at, end_at, n)
		JOIN LATERAL (SELECT * FROM documents WHERE documents.id = x.document OFFSET 0) d ON true
		JOIN LATERAL (SELECT id, name FROM sources WHERE sources.id = d.source_id OFFSET 0) s ON true
		JOIN LATERAL (SELECT * FROM bodies WHERE bodies.document_id = d.id AND bodies.version = x.version OFFSET 0) b ON true`,
		documents, versions, starts, ends)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[place])
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		places[p.N-1] = p
	}
	return places, readHeadings(ctx, tx, ranges, places)
}

// bodyKey names a row of bodies.
type bodyKey struct {
	document cairn.DocumentID
	version  cairn.Version
}

// readHeadings completes places with the sections that their ranges begin in. Each text
// gives its sections once, however many ranges are of it: a long one has thousands.
func readHeadings(ctx context.Context, tx pgx.Tx, ranges []retrieval.Range, places []*place) error {
	of := make(map[bodyKey][]int) // places
	var documents []cairn.DocumentID
	var versions []cairn.Version
	for i, r := range ranges {
		if places[i] == nil {
			continue
		}
		k := bodyKey{r.Document, r.Version}
		if of[k] == nil {
			documents, versions = append(documents, k.document), append(versions, k.version)
		}
		of[k] = append(of[k], i)
	}
	if len(documents) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `
		SELECT x.document, x.version, b.sections
		FROM unnest($1::text[], $2::text[]) AS x (document, version)
		JOIN LATERAL (SELECT sections FROM bodies WHERE bodies.document_id = x.document AND bodies.version = x.version OFFSET 0) b ON true`,
		documents, versions)
	if err != nil {
		return err
	}
	var k bodyKey
	var sections []section
	_, err = pgx.ForEachRow(rows, []any{&k.document, &k.version, &sections}, func() error {
		for _, i := range of[k] {
			places[i].Heading, places[i].Anchor = sectionAt(sections, ranges[i].Start)
		}
		sections = nil
		return nil
	})
	return err
}
