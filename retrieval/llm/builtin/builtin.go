// Package builtin is an embedder that needs nothing: a static model inside the
// binary, in pure Go, thousands of texts a second. Each token has one vector
// whatever its context; a text is the weighted sum of its tokens. What the model
// is and how it was made is written in model/README.md.
package builtin

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/cairnhq/cairn/retrieval/llm"
)

var _ llm.WeightedEmbedder = (*Embedder)(nil)

// Embedder is the built-in model. It may be used by several goroutines at once.
type Embedder struct {
	tokenizer *tokenizer
	scales    []float32 // by token
	weights   []float32 // by token, on the side of the query
	scratch   sync.Pool // of *[]uint32
}

// Model returns the name of the vector space.
func (e *Embedder) Model() string { return "cairn-static-1" }

// Dim returns the length of the vectors.
func (e *Embedder) Dim() int { return dim }

// Embed returns one vector of length 1 for each text, all zero for a text
// without any known word. The only error is that of a cancelled context.
func (e *Embedder) Embed(ctx context.Context, role llm.Role, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		vectors[i] = e.embed(role, text)
	}
	return vectors, nil
}

// embed sums the vectors of the distinct tokens of a text, each times
// 1 + ln(frequency), for a query also times the token's weight.
func (e *Embedder) embed(role llm.Role, text string) []float32 {
	buffer, _ := e.scratch.Get().(*[]uint32)
	if buffer == nil {
		buffer = new([]uint32)
	}
	defer e.scratch.Put(buffer)
	ids := e.tokenizer.appendTokens((*buffer)[:0], text)
	*buffer = ids
	slices.Sort(ids)

	sum := make([]float32, dim)
	for start := 0; start < len(ids); {
		id, end := ids[start], start+1
		for end < len(ids) && ids[end] == id {
			end++
		}
		weight := e.scales[id]
		if n := end - start; n > 1 {
			weight *= 1 + float32(math.Log(float64(n)))
		}
		if role == llm.RoleQuery {
			weight *= e.weights[id]
		}
		addRow(sum, row(id), weight)
		start = end
	}
	normalize(sum)
	return sum
}

// addRow adds a packed row times a weight to sum.
func addRow(sum []float32, packed string, weight float32) {
	var value [16]float32 // of each nibble
	for n := range value {
		value[n] = float32(n-8) * weight
	}
	sum = sum[:2*len(packed)]
	for i := 0; i < len(packed); i++ {
		b := packed[i]
		sum[2*i] += value[b&15]
		sum[2*i+1] += value[b>>4]
	}
}

// normalize gives v length 1, unless it is zero.
func normalize(v []float32) {
	square := 0.0
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	if square == 0 {
		return
	}
	factor := float32(1 / math.Sqrt(square))
	for i := range v {
		v[i] *= factor
	}
}
