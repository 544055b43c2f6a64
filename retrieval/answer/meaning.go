package answer

import (
	"context"
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// meaning compares words and sentences by their vectors. Without an embedder
// nothing is near anything.
type meaning struct {
	ctx      context.Context
	embedder llm.Embedder
	units    [][]float32          // of the sentences of the evidence
	settings [][]float32          // of the same with what they stand under
	words    map[string][]float32 // of words in lower case
}

// newMeaning returns the vectors of the sentences and the words of evidence.
func newMeaning(ctx context.Context, embedder llm.Embedder, ev *evidence) *meaning {
	m := &meaning{ctx: ctx, embedder: embedder, words: map[string][]float32{}}
	if embedder == nil {
		return m
	}
	n := len(ev.units)
	texts := make([]string, 2*n)
	for i := range ev.units {
		texts[i], texts[n+i] = ev.units[i].plain, ev.inSetting(i)
	}
	vectors, err := embedder.Embed(ctx, llm.RoleDocument, texts)
	if err != nil {
		m.embedder = nil
		return m
	}
	m.units, m.settings = vectors[:n], vectors[n:]
	m.learn(ev.words.words)
	return m
}

// inSetting returns a unit's text after what it stands under: title, heading
// and the line that introduces it.
func (ev *evidence) inSetting(i int) string {
	u := &ev.units[i]
	p := &ev.passages[u.passage]
	parts := []string{p.Title}
	if u.heading >= 0 {
		parts = append(parts, ev.units[u.heading].plain)
	} else {
		parts = append(parts, p.Heading...)
	}
	if u.lead >= 0 {
		parts = append(parts, ev.units[u.lead].plain)
	}
	return strings.Join(append(parts, u.plain), " . ")
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

// settingSimilarity returns the cosine of a sentence's vector to a unit with
// what it stands under.
func (m *meaning) settingSimilarity(v []float32, unit int) float64 {
	if m.settings == nil {
		return 0
	}
	return cosine(v, m.settings[unit])
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
	var s0, s1, s2, s3 float32 // four sums at once: no addition waits for another
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y := a[i:i+4:i+4], b[i:i+4:i+4]
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return float64(s0 + s1 + s2 + s3)
}
