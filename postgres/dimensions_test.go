package postgres

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/x448/float16"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// TestSpacesOfManyDimensions stores vectors of the lengths that models have. The
// nearest 20 are those of the exact comparison of what is stored: fresh, packed,
// both, and read from the database.
func TestSpacesOfManyDimensions(t *testing.T) {
	t.Parallel()
	for _, dim := range []int{256, 768, 1536, 3072} {
		t.Run(fmt.Sprint(dim), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(dim), 1))
			c := newCorpus(t)
			space, err := c.UseSpace(t.Context(), fmt.Sprint("model-", dim), dim, func(context.Context) (dense.Frame, error) {
				if dim == 768 {
					return dense.Frame{Axis: halves(r, dim)}, nil
				}
				return dense.Frame{Centre: halves(r, dim)}, nil
			})
			c.check(err)
			c.store = NewIngest(c.DB, space)
			x := NewIndex(c.DB, space)
			x.upkeep = upkeep{packFrom: 100, packAtMost: 200, small: 1, together: 100, largest: 200, looseCodes: 1}
			vectors := make(map[string][]float32)
			compare := func(x *Index, when string) {
				t.Helper()
				query := halves(r, dim)
				got, err := x.Nearest(t.Context(), cairn.Query{Viewer: reader}, query, 20)
				c.check(err)
				if diff := sameHits(c.exact(vectors, query, 20), got); diff != "" || len(got) != 20 {
					t.Errorf("%s %d are nearest (-exact +index):\n%s", when, len(got), diff)
				}
			}
			c.random(r, dim, vectors, 300)
			compare(x, "fresh:")
			c.check(x.Maintain(t.Context()))
			if n := c.count(`SELECT count(*) FROM segments WHERE retired_at IS NULL`); n != 2 {
				t.Fatalf("%d segments, want 2", n)
			}
			compare(x, "packed:")
			c.random(r, dim, vectors, 50)
			compare(x, "packed and fresh:")
			compare(NewIndex(c.DB, space), "read anew:")
			found, err := x.Verify(t.Context(), true)
			if c.check(err); len(found.Problems) > 0 {
				t.Errorf("verify finds %+v", found.Problems)
			}
		})
	}
}

// halves returns a random vector, about of length 1, that is stored as it is.
func halves(r *rand.Rand, dim int) []float32 {
	v := make([]float32, dim)
	for i := range v {
		v[i] = float16.Fromfloat32(float32(r.NormFloat64() / math.Sqrt(float64(dim)))).Float32()
	}
	return v
}

// random stores n documents of a random vector each.
func (c *corpus) random(r *rand.Rand, dim int, vectors map[string][]float32, n int) {
	c.t.Helper()
	batch := ingest.Batch{Source: c.src.ID}
	for range n {
		name, body := fmt.Sprint("doc-", len(vectors)), []byte("falcon")
		vectors[name] = halves(r, dim)
		d := cairn.Document{
			ID: cairn.DocumentID(cairn.NewID()), External: name, Version: cairn.VersionOf(body), Kind: cairn.KindPage, Title: name,
			Language: "en", Body: body, ACL: cairn.Allow(cairn.Everyone),
		}
		chunks := ingest.Derive(&d, []cairn.Chunk{{End: len(body)}})
		chunks[0].Vector = vectors[name]
		batch.Puts = append(batch.Puts, ingest.Put{Document: d, OwnACL: true, Chunks: chunks})
	}
	_, err := c.store.Commit(context.Background(), batch)
	c.check(err)
}

// exact returns the chunks whose vectors have the largest inner products.
func (c *corpus) exact(vectors map[string][]float32, query []float32, limit int) []retrieval.Hit {
	c.t.Helper()
	rows, err := c.worker.Query(context.Background(), `SELECT d.external_id, c.id FROM chunks c JOIN documents d ON d.id = c.document_id`)
	c.check(err)
	defer rows.Close()
	var hits []retrieval.Hit
	for rows.Next() {
		var name string
		var hit retrieval.Hit
		c.check(rows.Scan(&name, &hit.Chunk))
		for i, x := range vectors[name] {
			hit.Score += float64(x) * float64(query[i])
		}
		hits = append(hits, hit)
	}
	c.check(rows.Err())
	return ranked(hits, limit)
}
