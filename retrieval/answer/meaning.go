package answer

import (
	"context"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// meaning compares words and sentences by their vectors. Without an embedder
// nothing is near anything.
type meaning struct {
	ctx      context.Context
	embedder llm.Embedder
	words    map[string][]float32
	units    [][]float32
}

// newMeaning embeds the sentences and the words of the evidence at once.
func newMeaning(ctx context.Context, embedder llm.Embedder, ev *evidence) *meaning {
	m := &meaning{ctx: ctx, embedder: embedder, words: map[string][]float32{}}
	if embedder == nil {
		return m
	}
	texts := make([]string, 0, len(ev.units))
	for _, u := range ev.units {
		texts = append(texts, u.text)
	}
	var err error
	if m.units, err = embedder.Embed(ctx, llm.RoleDocument, texts); err != nil {
		m.embedder, m.units = nil, nil
		return m
	}
	var words []claim.Word
	for _, u := range ev.units {
		words = append(words, u.facts.Words...)
	}
	for _, p := range ev.passages {
		words = append(words, p.context.Words...)
	}
	m.learn(words)
	return m
}

// learn embeds the words that are not known yet.
func (m *meaning) learn(words []claim.Word) {
	if m.embedder == nil {
		return
	}
	var texts []string
	for _, w := range words {
		if _, ok := m.words[w.Lower]; !ok {
			m.words[w.Lower] = nil
			texts = append(texts, w.Lower)
		}
	}
	vectors, err := m.embedder.Embed(m.ctx, llm.RoleDocument, texts)
	if err != nil {
		m.embedder = nil
		return
	}
	for i, t := range texts {
		m.words[t] = vectors[i]
	}
}

// wordSimilarity returns the cosine of two words in lower case, 0 when it is not known.
func (m *meaning) wordSimilarity(a, b string) float64 { return cosine(m.words[a], m.words[b]) }

// sentence returns the vector of a text, nil when there is none.
func (m *meaning) sentence(role llm.Role, text string) []float32 {
	if m.embedder == nil {
		return nil
	}
	vectors, err := m.embedder.Embed(m.ctx, role, []string{text})
	if err != nil {
		return nil
	}
	return vectors[0]
}

// unitSimilarity returns the cosine of a sentence's vector to a unit.
func (m *meaning) unitSimilarity(v []float32, unit int) float64 {
	if m.units == nil {
		return 0
	}
	return cosine(v, m.units[unit])
}

// cosine returns the inner product of vectors of length 1, 0 when one is missing.
func cosine(a, b []float32) float64 {
	if len(a) == 0 || len(a) != len(b) {
		return 0
	}
	var sum float32
	for i, x := range a {
		sum += x * b[i]
	}
	return float64(sum)
}
