package verifytest

import (
	"math/rand/v2"
	"slices"
)

// A Kind says what a mutation changed.
type Kind string

// The kinds of mutation, in the order in which Mutations returns them.
const (
	KindNumber   Kind = "number"
	KindDate     Kind = "date"
	KindName     Kind = "name"
	KindNegation Kind = "negation"
)

// Kinds returns every kind of mutation, in the order in which Mutations uses
// them.
func Kinds() []Kind {
	return []Kind{KindNumber, KindDate, KindName, KindNegation}
}

// A Mutant is a sentence that the passages of its case do not support.
type Mutant struct {
	Case     Case
	Kind     Kind
	Sentence string // the sentence of the case with one thing changed
	From, To string // what was changed into what; for a negation both may be empty
}

// Mutations returns at most one mutant of c for each kind, chosen with rng. A
// kind that does not apply to c is left out. Equal c and equal state of rng
// give equal mutants.
//
// What is put in is never in the passages: a number differs in value from every
// number there, be it in digits or in words; a day, month, year or weekday is
// in no date there; no word of a new name occurs there. A limit only moves in the
// direction that Case.Bounds allows. The mutant is therefore false, or at least
// unsupported, by construction. A negation changes the polarity of one verb of
// the sentence.
//
// A rand.Rand is not safe for concurrent use, so neither is Mutations with a
// shared one.
func Mutations(c Case, rng *rand.Rand) []Mutant {
	var out []Mutant
	add := func(kind Kind, e edit, ok bool) {
		if ok {
			out = append(out, Mutant{
				Case:     c,
				Kind:     kind,
				Sentence: c.Sentence[:e.start] + e.to + c.Sentence[e.end:],
				From:     c.Sentence[e.start:e.end],
				To:       e.to,
			})
		}
	}
	e, ok := mutateNumber(c, rng)
	add(KindNumber, e, ok)
	e, ok = mutateDate(c, rng)
	add(KindDate, e, ok)
	e, ok = mutateName(c, rng)
	add(KindName, e, ok)
	if c.Negated != "" {
		return append(out, Mutant{Case: c, Kind: KindNegation, Sentence: c.Negated})
	}
	e, ok = mutateNegation(c, rng)
	add(KindNegation, e, ok)
	return out
}

// An edit replaces the bytes [start, end) of a sentence by to.
type edit struct {
	start, end int
	to         string
}

// pick returns a random edit of a random group, so that a group with many edits
// is no likelier than one with few. It returns false if there is no edit.
func pick(groups [][]edit, rng *rand.Rand) (edit, bool) {
	groups = slices.DeleteFunc(groups, func(g []edit) bool { return len(g) == 0 })
	if len(groups) == 0 {
		return edit{}, false
	}
	g := groups[rng.IntN(len(groups))]
	return g[rng.IntN(len(g))], true
}
