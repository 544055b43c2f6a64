package answer

import "github.com/cairnhq/cairn/retrieval/answer/claim"

// alignedShare is the share of a clause's words that another must have in order
// to speak of the same.
const alignedShare = .3

// polarityHolds reports whether the candidate affirms what the claim affirms and
// denies what it denies, clause by clause: each clause of the claim is compared
// with the clause of the candidate that shares most of its words.
func (v *verifier) polarityHolds(facts claim.Facts, c candidate) bool {
	for i, clause := range facts.Clauses {
		var words []claim.Word
		for _, w := range facts.Words {
			if w.Clause == i {
				words = append(words, w)
			}
		}
		if len(words) == 0 {
			continue
		}
		if v.clauseContradicted(clause, words, c) {
			return false
		}
	}
	return true
}

func (v *verifier) clauseContradicted(clause claim.Clause, words []claim.Word, c candidate) bool {
	best, agreeing := 0.0, 0.0
	excused := clause.Vague > 0
	for _, u := range c.units {
		unit := &v.evidence.units[u]
		for k, e := range unit.facts.Clauses {
			share, flips := v.sharedWords(words, unit.facts.Words, k)
			same := clause.Denies() == e.Denies()
			if flips {
				same = !same
			}
			if share > best {
				best, excused = share, clause.Vague > 0 || e.Vague > 0
			}
			if same {
				agreeing = max(agreeing, share)
			}
		}
	}
	return best >= alignedShare && agreeing < .8*best && !excused
}

// sharedWords returns the share of a claim's words that the clause k has, and
// whether one of them is its opposite by a prefix.
func (v *verifier) sharedWords(words, evidence []claim.Word, k int) (share float64, flips bool) {
	var sum, total float64
	for _, w := range words {
		weight := v.evidence.weight(w.Stem)
		total += weight
		best := 0.0
		for _, e := range evidence {
			if e.Clause != k {
				continue
			}
			h := wordHit(w, e)
			if h == 0 && opposite(w.Lower, e.Lower) {
				h, flips = hitSame, !flips
			}
			if h == 0 {
				if s := v.evidence.meaning.wordSimilarity(w.Lower, e.Lower); s >= minMeaning {
					h = min(hitMeaning, s)
				}
			}
			best = max(best, h)
		}
		sum += weight * best
	}
	return sum / total, flips
}

var negativePrefixes = []string{"un", "in", "im", "ir", "il", "non", "dis"}

// opposite reports whether one word is the other with a prefix that denies.
func opposite(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	for _, p := range negativePrefixes {
		if len(a) >= 4 && b == p+a {
			return true
		}
	}
	return false
}
