package builtin

import (
	"context"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// EmbedQuery implements llm.WeightedEmbedder. The tokens of a word share its
// weight. The only error is that of a cancelled context.
func (e *Embedder) EmbedQuery(ctx context.Context, text string, weight func(word string) (float64, bool)) ([]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := make(map[uint32]weighed)
	var ids []uint32
	for start := 0; start < len(text); {
		end := wordEnd(text, start)
		if end == start {
			_, size := utf8.DecodeRuneInString(text[start:])
			start += size
			continue
		}
		word := text[start:end]
		start = end
		known, ok := weight(fold(word))
		ids = e.tokenizer.appendWord(ids[:0], word)
		for _, id := range ids {
			w := float32(known)
			if !ok {
				w = e.weights[id]
			}
			t := found[id]
			found[id] = weighed{t.sum + w, t.n + 1}
		}
	}
	sum := make([]float32, dim)
	for _, id := range slices.Sorted(maps.Keys(found)) { // the order decides how sums are rounded
		addRow(sum, row(id), e.scales[id]*found[id].factor())
	}
	normalize(sum)
	return sum, nil
}

// weighed is a token of a query: how often it occurs, and the sum of its weights.
type weighed struct {
	sum float32
	n   int
}

// factor returns what the token's vector is multiplied by: its mean weight times
// 1 + ln(frequency).
func (w weighed) factor() float32 {
	return w.sum / float32(w.n) * (1 + float32(math.Log(float64(w.n))))
}
