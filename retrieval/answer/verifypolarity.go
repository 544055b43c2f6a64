package answer

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
)

const (
	alignedShare = .3 // of a clause's words that another has when it speaks of the same
	asWellShare  = .8 // of the best share: a clause that speaks of the same as well
)

// polarityHolds reports whether the passages of a candidate affirm what the
// claim affirms and deny what it denies, clause by clause.
func (v *verifier) polarityHolds(facts claim.Facts, c candidate) bool {
	var passages []int
	for _, u := range c.units {
		if p := v.evidence.units[u].passage; !slices.Contains(passages, p) {
			passages = append(passages, p)
		}
	}
	for i := range facts.Clauses {
		if v.clauseContradicted(clauseOf(facts, i), passages, c) {
			return false
		}
	}
	return true
}

// clauseFacts are the facts of one clause.
type clauseFacts struct {
	claim.Clause
	words   []claim.Word
	ids     []wordID // of words, of the evidence only
	numbers []claim.Number
	dates   []claim.Date
}

func clauseOf(facts claim.Facts, i int) clauseFacts {
	c := clauseFacts{Clause: facts.Clauses[i]}
	for _, w := range facts.Words {
		if w.Clause == i {
			c.words = append(c.words, w)
		}
	}
	for _, n := range facts.Numbers {
		if n.Clause == i {
			c.numbers = append(c.numbers, n)
		}
	}
	for _, d := range facts.Dates {
		if d.Clause == i {
			c.dates = append(c.dates, d)
		}
	}
	return c
}

// clauseContradicted compares a clause of the claim with the clauses of the
// passages that speak of the same. A sentence next to the supporting one may
// contradict a claim too, so all of the passages are looked at.
func (v *verifier) clauseContradicted(clause clauseFacts, passages []int, c candidate) bool {
	if len(clause.words)+len(clause.numbers)+len(clause.dates) == 0 {
		return false
	}
	best, agreeing := 0.0, 0.0
	for _, p := range passages {
		for u := v.evidence.passages[p].first; u < v.evidence.passages[p].last; u++ {
			unit := &v.evidence.units[u]
			for k := range unit.facts.Clauses {
				e := unit.clauses[k]
				share, flips := v.shared(clause, e)
				if !slices.Contains(c.units, u) {
					share *= asWellShare
				}
				same := clause.Denies() == e.Denies()
				if flips {
					same = !same
				}
				best = max(best, share)
				if same || clause.Rephrases(e.Clause) {
					agreeing = max(agreeing, share)
				}
			}
		}
	}
	if best < alignedShare {
		return clause.Denies() && agreeing == 0 // nobody denied it
	}
	return agreeing < asWellShare*best
}

// shared returns the share of a claim's clause that a clause of the evidence
// has, and whether one of its words is the opposite by a prefix.
func (v *verifier) shared(c, e clauseFacts) (share float64, flips bool) {
	var sum, total float64
	for _, w := range c.words {
		weight := v.evidence.weight(w.Stem)
		total += weight
		best, row := 0.0, v.evidence.words.compared(w)
		for i, id := range e.ids {
			r := v.evidence.words.relation(row, id)
			h := float64(r.letters)
			switch {
			case h > 0:
			case opposite(w.Lower, e.words[i].Lower):
				h, flips = hitSame, !flips
			case r.cosine >= minMeaning:
				h = min(hitMeaning, float64(r.cosine))
			}
			best = max(best, h)
		}
		sum += weight * best
	}
	for _, n := range c.numbers {
		if n.Implied {
			continue
		}
		total++
		if slices.ContainsFunc(e.numbers, n.Equal) {
			sum++
		}
	}
	for _, d := range c.dates {
		total++
		if slices.ContainsFunc(e.dates, func(o claim.Date) bool { return d.Within(o, e.dates) }) {
			sum++
		}
	}
	if total == 0 {
		return 0, flips
	}
	return sum / total, flips
}

var negativePrefixes = []string{"un", "in", "im", "ir", "il", "non", "dis"}

// opposite reports whether one word is the other with a prefix that denies.
func opposite(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	prefix, ok := strings.CutSuffix(b, a)
	return ok && len(a) >= 4 && slices.Contains(negativePrefixes, prefix)
}
