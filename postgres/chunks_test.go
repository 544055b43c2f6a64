package postgres

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// TestTextsOfChunks reads chunks of a document with several sections, of one
// without any, and of those that are not for the viewer.
func TestTextsOfChunks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann, bob := f.member("ann", cairn.Everyone), f.member("bob", cairn.Everyone)
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	leave := f.document(s, "leave.md", "Leave", "old", anns)
	f.exec(`DELETE FROM chunks`)
	const body = "Días.\nMore.\nThe end."
	first, second := section{Heading: []string{"Leave"}, Start: 0, End: 7}, section{Heading: []string{"Leave", "More"}, Start: 7, End: 13}
	f.body(leave, body, []section{first, second})
	touched := [][]section{{first}, {second}, {}}
	var ids []int64
	for i, r := range [][2]int{{0, 6}, {7, 12}, {13, 21}} {
		var id int64
		f.check(f.worker.QueryRow(t.Context(), `
			INSERT INTO chunks (document_id, ordinal, start_at, end_at, acl_id, sections)
			SELECT id, $2, $3, $4, acl_id, $5 FROM documents WHERE id = $1 RETURNING id`, leave, i, r[0], r[1], touched[i]).Scan(&id))
		ids = append(ids, id)
	}
	chunk := func(external string, acl cairn.ACL) (cairn.DocumentID, int64) {
		var id int64
		document := f.document(s, external, external, external, acl)
		f.check(f.worker.QueryRow(t.Context(), `SELECT id FROM chunks WHERE document_id = $1`, document).Scan(&id))
		return document, id
	}
	_, public := chunk("public", cairn.Allow(cairn.Everyone))
	_, bobs := chunk("bobs", cairn.Allow(cairn.AccountKey(bob.Account)))
	hidden, gone := chunk("hidden", cairn.Allow(cairn.Everyone))
	f.exec(`UPDATE documents SET hidden_at = now() WHERE id = $1`, hidden)
	ids = append(ids, public, bobs, gone, 1<<40)

	ofPublic := retrieval.ChunkText{ID: public, Title: "public", Heading: []string{"public", "Part"}, Body: "public"}
	for _, tt := range []struct {
		viewer cairn.Viewer
		want   []retrieval.ChunkText
	}{
		{ann, []retrieval.ChunkText{
			{ID: ids[0], Title: "Leave", Heading: []string{"Leave"}, Body: "Días."},
			{ID: ids[1], Title: "Leave", Heading: []string{"Leave", "More"}, Body: "More."},
			{ID: ids[2], Title: "Leave", Heading: []string{}, Body: "The end."},
			ofPublic,
		}},
		{bob, []retrieval.ChunkText{ofPublic, {ID: bobs, Title: "bobs", Heading: []string{"bobs", "Part"}, Body: "bobs"}}},
		{cairn.Viewer{}, nil},
	} {
		got, err := f.Texts(t.Context(), tt.viewer, ids)
		f.check(err)
		order := cmpopts.SortSlices(func(a, b retrieval.ChunkText) bool { return a.ID < b.ID })
		if d := cmp.Diff(tt.want, got, order, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%v (-want +got):\n%s", tt.viewer.Keys, d)
		}
	}
	if got, err := f.Texts(t.Context(), ann, nil); got != nil || err != nil {
		t.Errorf("no ids give %v, %v", got, err)
	}
}

// TestChunksKnowTheirSections reads a long document of whose sections nothing else is
// kept: what a search reads of it does not grow with the number of them.
func TestChunksKnowTheirSections(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	d := cairn.Document{External: "long", Body: []byte(strings.Repeat("0123456789", 10)), ACL: cairn.Allow(cairn.Everyone)}
	d.ID, d.Version, d.Kind, d.Title, d.URL, d.Language = "long", cairn.VersionOf(d.Body), cairn.KindPage, "Long", "https://acme.test/long", "en"
	for i := range 10 {
		d.Sections = append(d.Sections, cairn.Section{Heading: []string{fmt.Sprint(i)}, Start: 10 * i, End: 10*i + 10, Anchor: fmt.Sprint("#", i)})
	}
	ranges := []cairn.Chunk{{Start: 0, End: 7}, {Start: 7, End: 10}, {Start: 10, End: 35}, {Start: 35, End: 70}, {Start: 72, End: 100}}
	_, err := c.store.Commit(t.Context(), ingest.Batch{Source: c.src.ID, Puts: []ingest.Put{{Document: d, OwnACL: true, Chunks: ingest.Derive(&d, ranges)}}})
	c.check(err)
	c.exec(`UPDATE bodies SET sections = '[]'`)
	var ids []int64
	c.check(c.worker.QueryRow(t.Context(), `SELECT array_agg(id ORDER BY ordinal) FROM chunks`).Scan(&ids))
	v := c.member("ann", cairn.Everyone)

	chunks, err := c.Hydrate(t.Context(), v, ids)
	c.check(err)
	texts, err := c.Texts(t.Context(), v, ids)
	c.check(err)
	headings := make(map[int64][]string)
	for _, x := range texts {
		headings[x.ID] = x.Heading
	}
	for i, want := range []struct{ first, end int }{{0, 1}, {0, 1}, {1, 4}, {3, 7}, {7, 10}} {
		sections := d.Sections[want.first:want.end]
		got := chunks[i]
		if diff := cmp.Diff(sections, got.Sections); diff != "" {
			t.Errorf("sections of chunk %d (-want +got):\n%s", i, diff)
		}
		if p := got.Passage; !slices.Equal(p.Heading, sections[0].Heading) || p.URL != d.URL+sections[0].Anchor || !slices.Equal(headings[ids[i]], p.Heading) {
			t.Errorf("chunk %d: heading %q, of its text %q, address %q; want those of %v", i, p.Heading, headings[ids[i]], p.URL, sections[0])
		}
	}

	of := func(version cairn.Version, first, last int) retrieval.Range {
		return retrieval.Range{Document: chunks[0].Passage.Document, Version: version, Start: 5, End: 8, First: first, Last: last}
	}
	got, err := c.Bodies(t.Context(), v, []retrieval.Range{of(d.Version, 0, 1), of(d.Version, 1, 3), of(d.Version, 0, math.MaxInt), of("before", 0, 1)})
	c.check(err)
	text := []byte("567")
	want := []retrieval.RangeText{{Text: text, Sections: d.Sections[:1]}, {Text: text, Sections: d.Sections[:7]}, {Text: text, Sections: d.Sections}, {}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}

// TestStoredChunksGetTheirSections upgrades a database that was filled before chunks
// had sections.
func TestStoredChunksGetTheirSections(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	c.putSections("many", 30, cairn.Allow(cairn.Everyone))
	c.put("one", "A text without headings.", cairn.Allow(cairn.Everyone), nil)
	kept := func() (all string) {
		c.check(c.worker.QueryRow(t.Context(), `SELECT string_agg(id || ' ' || sections, chr(10) ORDER BY id) FROM chunks`).Scan(&all))
		return all
	}
	want, changes := kept(), c.count(`SELECT count(*) FROM changes`)
	migration, err := os.ReadFile("../migrations/0030_chunk_sections.sql")
	c.check(err)
	c.owner(`ALTER TABLE chunks DROP COLUMN sections`)
	c.owner(string(migration))
	if diff := cmp.Diff(want, kept()); diff != "" || strings.Count(want, "#section-") != 30 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := c.count(`SELECT count(*) FROM changes`); n != changes {
		t.Errorf("%d changes for the index", n-changes)
	}
}

// TestPhraseSearch looks for phrases among documents of which the viewer may read some.
func TestPhraseSearch(t *testing.T) {
	t.Parallel()
	c := newCorpus(t)
	v := cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone}}
	everyone := cairn.Allow(cairn.Everyone)
	c.put("right", "The river otter sleeps.", everyone, nil)
	c.put("apart", "An otter by the river.", everyone, nil)
	c.put("secret", "The river otter of the board.", cairn.Allow("group:cairn:board"), nil)
	r := retrieval.New(retrieval.Config{Index: c.index, Chunks: c.DB, Log: slog.New(slog.DiscardHandler)})
	for query, want := range map[string][]string{
		`"River-Otter"`:           {"right"},
		`otter -"river otter"`:    {"apart"},
		`"otter by" -"the river"`: nil,
		`"right" otter`:           {"right"}, // its title
	} {
		res, err := r.Search(t.Context(), cairn.Query{Viewer: v, Text: query, Limit: 10})
		c.check(err)
		var got []string
		for _, p := range res.Passages {
			got = append(got, p.Title)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
}
