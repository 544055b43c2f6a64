package answer

import "github.com/cairnhq/cairn/retrieval/answer/claim"

// wordID names a distinct word of the evidence.
type wordID int32

// vocabulary has each distinct word of the evidence once, so that a word of a
// claim is compared with it once, however often it occurs.
type vocabulary struct {
	ids     map[wordKey]wordID
	words   []claim.Word
	meaning *meaning
	asked   map[wordKey]*compare // words of claims and questions
}

type wordKey struct{ lower, stem string }

// compare holds how a word relates to each word of the evidence.
type compare struct {
	word   claim.Word
	vector []float32
	cells  []relation
}

// relation says how one word relates to another.
type relation struct {
	known   bool
	letters float32 // 0..1, by their letters
	cosine  float32
}

func newVocabulary() *vocabulary {
	return &vocabulary{ids: map[wordKey]wordID{}, asked: map[wordKey]*compare{}}
}

// add returns the id of a word of the evidence.
func (v *vocabulary) add(w claim.Word) wordID {
	key := wordKey{w.Lower, w.Stem}
	id, ok := v.ids[key]
	if !ok {
		id = wordID(len(v.words))
		v.ids[key] = id
		v.words = append(v.words, claim.Word{Lower: w.Lower, Stem: w.Stem})
	}
	return id
}

func (v *vocabulary) addAll(words []claim.Word) []wordID {
	ids := make([]wordID, len(words))
	for i, w := range words {
		ids[i] = v.add(w)
	}
	return ids
}

// compared returns the row of a word that is asked for.
func (v *vocabulary) compared(w claim.Word) *compare {
	key := wordKey{w.Lower, w.Stem}
	c, ok := v.asked[key]
	if !ok {
		c = &compare{word: w, vector: v.meaning.words[w.Lower], cells: make([]relation, len(v.words))}
		v.asked[key] = c
	}
	return c
}

// relation returns how the word relates to a word of the evidence.
func (v *vocabulary) relation(c *compare, id wordID) relation {
	cell := &c.cells[id]
	if !cell.known {
		e := v.words[id]
		cell.known = true
		cell.letters = float32(wordHit(c.word, e))
		if cell.letters < hitSame && c.vector != nil {
			cell.cosine = float32(cosine(c.vector, v.meaning.words[e.Lower]))
		}
	}
	return *cell
}

// hit returns how well some words of the evidence bear out w, 0..1.
func (v *vocabulary) hit(w claim.Word, ids []wordID) float64 {
	c := v.compared(w)
	best := 0.0
	for _, id := range ids {
		r := v.relation(c, id)
		h := max(float64(r.letters), meaningHit(float64(r.cosine)))
		if best = max(best, h); best == hitSame {
			break
		}
	}
	return best
}
