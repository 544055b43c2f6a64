package postgres

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
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
	f.body(leave, body, []section{{Heading: []string{"Leave"}, Start: 0, End: 7}, {Heading: []string{"Leave", "More"}, Start: 7, End: 13}})
	var ids []int64
	for i, r := range [][2]int{{0, 6}, {7, 12}, {13, 21}} {
		var id int64
		f.check(f.worker.QueryRow(t.Context(), `
			INSERT INTO chunks (document_id, ordinal, start_at, end_at, acl_id)
			SELECT id, $2, $3, $4, acl_id FROM documents WHERE id = $1 RETURNING id`, leave, i, r[0], r[1]).Scan(&id))
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
