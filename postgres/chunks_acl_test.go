package postgres

import (
	"context"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// All chunks of a document follow its permissions, its edits and its end, whether
// they are in a segment or not, and no statistic keeps one. The model of the other
// tests has documents of one chunk.
func TestAllChunksFollowTheirDocument(t *testing.T) {
	t.Parallel()
	for name, pack := range map[string]bool{"fresh": false, "packed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t)
			replica := NewIndex(c.DB, c.space)
			replica.upkeep = eager
			want := func(when string, all, falcons int) {
				t.Helper()
				if pack {
					c.check(replica.Maintain(t.Context()))
				}
				for i, x := range []*Index{c.index, replica, NewIndex(c.DB, c.space)} {
					words, err := x.Lexical(t.Context(), cairn.Query{Viewer: anybody, Text: "falcon"}, 100)
					c.check(err)
					near, err := x.Nearest(t.Context(), cairn.Query{Viewer: anybody}, make([]float32, dimensions), 100)
					c.check(err)
					if words.Chunks != all || len(words.Hits) != falcons || words.Terms[0].Frequency != falcons || len(near) != all {
						t.Errorf("%s, reader %d: %d chunks, %d of falcons (%d counted), %d by vectors; want %d and %d",
							when, i, words.Chunks, len(words.Hits), words.Terms[0].Frequency, len(near), all, falcons)
					}
				}
			}
			batch := func(b ingest.Batch) {
				t.Helper()
				b.Source = c.src.ID
				_, err := c.corpus.store.Commit(context.Background(), b)
				c.check(err)
			}
			c.store(c.write("a", "A", october, "A falcon.", "Two falcons.", "An owl.", "The falcon again."), c.write("b", "B", october, "No bird.", "One falcon."))
			want("in the beginning", 6, 4)
			batch(ingest.Batch{ACLs: map[string]*cairn.ACL{"a": {}}})
			want("after one was closed", 2, 1)
			everyone := cairn.Allow(cairn.Everyone)
			batch(ingest.Batch{ACLs: map[string]*cairn.ACL{"a": &everyone}})
			want("after it was opened", 6, 4)
			batch(ingest.Batch{Withheld: []string{"b"}})
			want("after the other was withheld", 4, 3)
			c.store(c.write("a", "A", october, "An owl.", "The last falcon."))
			want("after an edit", 2, 1)
			batch(ingest.Batch{Deletes: []string{"a"}})
			want("after it was hidden", 0, 0)
		})
	}
}
