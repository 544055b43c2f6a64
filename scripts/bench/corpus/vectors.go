package corpus

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// Dim is the length of the artificial vectors, that of the built-in embedder's.
const Dim = 384

// Vectorer gives the vectors of the chunks of a document.
type Vectorer interface {
	Model() string
	Dim() int
	Vectors(ctx context.Context, d *Doc, texts []string) ([][]float32, error)
}

// Embedded are vectors that an embedder makes of the texts.
type Embedded struct{ llm.Embedder }

// Vectors implements Vectorer.
func (e Embedded) Vectors(ctx context.Context, _ *Doc, texts []string) ([][]float32, error) {
	return e.Embed(ctx, llm.RoleDocument, texts)
}

// Artificial are vectors that lie in clusters: around their topic, within it
// around their class, within that around their document.
type Artificial struct{ Seed uint64 }

// Model implements Vectorer.
func (Artificial) Model() string { return "bench-topics-1" }

// Dim implements Vectorer.
func (Artificial) Dim() int { return Dim }

// How far vectors lie from what they are around, beside a topic of length 1.
const classSpread, documentSpread, chunkSpread = .6, .8, .8

// Vectors implements Vectorer.
func (a Artificial) Vectors(_ context.Context, d *Doc, texts []string) ([][]float32, error) {
	base := a.around(d.Topic, d.Class)
	r := rand.New(rand.NewPCG(a.Seed+2, uint64(d.Number)))
	add(base, direction(r), documentSpread)
	out := make([][]float32, len(texts))
	for i := range out {
		v := append([]float32(nil), base...)
		add(v, direction(r), chunkSpread)
		out[i] = unit(v)
	}
	return out, nil
}

// Query returns the vector of a question about what a document is about.
func (a Artificial) Query(n int, d *Doc) []float32 {
	v := a.around(d.Topic, d.Class)
	r := rand.New(rand.NewPCG(a.Seed+3, uint64(n)))
	add(v, direction(r), documentSpread)
	add(v, direction(r), chunkSpread)
	return unit(v)
}

func (a Artificial) around(topic, class int) []float32 {
	v := direction(rand.New(rand.NewPCG(a.Seed, uint64(topic))))
	add(v, direction(rand.New(rand.NewPCG(a.Seed+1, uint64(class)))), classSpread)
	return v
}

// direction draws a vector of length 1.
func direction(r *rand.Rand) []float32 {
	v := make([]float32, Dim)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return unit(v)
}

func add(v, w []float32, factor float32) {
	for i := range v {
		v[i] += factor * w[i]
	}
}

func unit(v []float32) []float32 {
	square := 0.0
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(square))
	}
	return v
}
