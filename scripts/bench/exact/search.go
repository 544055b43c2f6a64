package exact

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/cairnhq/cairn/retrieval/lexical"
)

// Scored is a chunk that was found.
type Scored struct {
	Chunk int
	Score float64
}

type posting struct {
	chunk int32
	tf    uint8
}

// Words finds chunks by the words of some questions.
type Words struct {
	chunks   *Chunks
	postings map[uint64][]posting // of the words of the questions
}

// Words goes through all chunks for the terms of questions.
func (c *Chunks) Words(questions ...[]lexical.QueryTerm) (*Words, error) {
	w := &Words{chunks: c, postings: map[uint64][]posting{}}
	for _, q := range questions {
		for _, t := range q {
			w.postings[t.Hash] = nil
		}
	}
	for i, data := range c.Terms {
		terms, err := lexical.DecodeTerms(data)
		if err != nil {
			return nil, fmt.Errorf("chunk %d: %w", i, err)
		}
		for _, t := range terms {
			if list, ok := w.postings[t.Hash]; ok {
				w.postings[t.Hash] = append(list, posting{int32(i), t.TF})
			}
		}
	}
	return w, nil
}

// Search returns the score of every visible chunk that passes keep (nil: all) and
// holds a term, by BM25 with the statistics of the visible chunks.
func (w *Words) Search(terms []lexical.QueryTerm, visible []bool, keep func(doc int) bool) map[int]float64 {
	count, length := 0, 0
	for i, v := range visible {
		if v {
			count++
			length += int(w.chunks.Length[i])
		}
	}
	average := float64(length) / float64(max(count, 1))
	scores := map[int]float64{}
	for from := 0; from < len(terms); {
		to, df := from, 0
		for ; to < len(terms) && terms[to].Group == terms[from].Group; to++ {
			n := 0
			for _, p := range w.postings[terms[to].Hash] {
				if visible[p.chunk] {
					n++
				}
			}
			df = max(df, n)
		}
		idf := math.Log(1 + (float64(count)-float64(df)+.5)/(float64(df)+.5))
		best := map[int]float64{}
		for _, t := range terms[from:to] {
			for _, p := range w.postings[t.Hash] {
				if !visible[p.chunk] || keep != nil && !keep(int(w.chunks.Doc[p.chunk])) {
					continue
				}
				tf := float64(p.tf)
				norm := lexical.K1 * (1 - lexical.B + lexical.B*float64(w.chunks.Length[p.chunk])/average)
				s := float64(t.Weight) * idf * tf * (lexical.K1 + 1) / (tf + norm)
				best[int(p.chunk)] = max(best[int(p.chunk)], s)
			}
		}
		for chunk, s := range best {
			scores[chunk] += s
		}
		from = to
	}
	return scores
}

// Nearest returns the inner product of every chunk's vector with v.
func (c *Chunks) Nearest(v []float32) []float32 {
	out := make([]float32, len(c.Doc))
	for i := range out {
		out[i] = dot(c.vector[i*c.dim:(i+1)*c.dim], v)
	}
	return out
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for i := 0; i+3 < len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	return s0 + s1 + s2 + s3
}

// Best returns the k largest of scores, best first.
func Best(scores map[int]float64, k int) []Scored {
	all := make([]Scored, 0, len(scores))
	for chunk, s := range scores {
		all = append(all, Scored{chunk, s})
	}
	return first(all, k)
}

// BestVisible returns the k largest of the scores of visible chunks, best first.
func BestVisible(scores []float32, visible []bool, k int) []Scored {
	var all []Scored
	for chunk, s := range scores {
		if visible[chunk] {
			all = append(all, Scored{chunk, float64(s)})
		}
	}
	return first(all, k)
}

func first(all []Scored, k int) []Scored {
	slices.SortFunc(all, func(a, b Scored) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk)) })
	return all[:min(k, len(all))]
}
