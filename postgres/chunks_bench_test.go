package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// BenchmarkHydrate reads 30 chunks: each of another small document, or all of one
// document with 5,000 sections, as a search does; Texts, as one with a phrase does.
func BenchmarkHydrate(b *testing.B) {
	c := newCorpus(b)
	everyone := cairn.Allow(cairn.Everyone)
	for i := range 30 {
		c.putSections(fmt.Sprint("small", i), 5, everyone)
	}
	c.putSections("long", 5_000, everyone)
	v := c.member("ann", cairn.Everyone)
	for _, of := range []struct{ name, like string }{{"small", "small%"}, {"long", "long"}} {
		var ids []int64
		c.check(c.worker.QueryRow(b.Context(), `
			SELECT array_agg(id) FROM (
				SELECT c.id FROM chunks c JOIN documents d ON d.id = c.document_id WHERE d.external_id LIKE $1
				ORDER BY c.ordinal % 50, c.id LIMIT 30) x`, of.like).Scan(&ids))
		if len(ids) != 30 {
			b.Fatalf("%d chunks", len(ids))
		}
		b.Run(of.name+"/hydrate", func(b *testing.B) {
			for b.Loop() {
				if chunks, err := c.Hydrate(b.Context(), v, ids); err != nil || len(chunks) != 30 {
					b.Fatal(len(chunks), err)
				}
			}
		})
		b.Run(of.name+"/texts", func(b *testing.B) {
			for b.Loop() {
				if texts, err := c.Texts(b.Context(), v, ids); err != nil || len(texts) != 30 {
					b.Fatal(len(texts), err)
				}
			}
		})
	}
}

// putSections stores a document of so many sections, each a chunk with a heading.
func (c *corpus) putSections(name string, sections int, acl cairn.ACL) {
	c.t.Helper()
	var body strings.Builder
	d := cairn.Document{ID: cairn.DocumentID(cairn.NewID()), External: name, Kind: cairn.KindPage, Title: name, Language: "en", ACL: acl}
	for i := range sections {
		start := body.Len()
		heading := fmt.Sprintf("Section %d of %s", i, name)
		fmt.Fprintf(&body, "# %s\n\n%s\n\n", heading, strings.Repeat(fmt.Sprintf("The quokka number %d sleeps in the shade. ", i), 14))
		d.Sections = append(d.Sections, cairn.Section{
			Heading: []string{name, heading}, Start: start, End: body.Len(), Anchor: fmt.Sprintf("#section-%d", i),
		})
	}
	d.Body = []byte(body.String())
	d.Version = cairn.VersionOf(d.Body)
	var chunks []cairn.Chunk
	for _, s := range d.Sections {
		chunks = append(chunks, cairn.Chunk{Start: s.Start, End: s.End})
	}
	_, err := c.store.Commit(c.t.Context(), ingest.Batch{Source: c.src.ID, Puts: []ingest.Put{{Document: d, OwnACL: true, Chunks: ingest.Derive(&d, chunks)}}})
	c.check(err)
}
