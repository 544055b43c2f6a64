package answer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
)

// How much a word of a claim is borne out by a word of the evidence.
const (
	hitSame     = 1.0
	hitDerived  = .85 // the same beginning: "approve", "approval"
	hitCompound = .75 // a part of it: "Urlaub", "Urlaubsantrag"
	hitMeaning  = .8  // at most, for a word that means nearly the same
	minMeaning  = .42 // cosine of words that may stand for each other
	farMeaning  = .25 // cosine below which two words have nothing in common
)

// meaningHit grades the cosine of two words as a hit, 0..hitMeaning.
func meaningHit(cosine float64) float64 {
	if cosine < farMeaning {
		return 0
	}
	return min(hitMeaning, (cosine-.15)*1.8)
}

// sameRoot reports whether two words look like forms of one.
func sameRoot(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return n >= 4 && n*10 >= len(a)*8 && n*10 >= len(b)*5
}

// compounds reports whether the shorter word is a whole end or beginning of the longer.
func compounds(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return utf8.RuneCountInString(a) >= 5 && (strings.HasPrefix(b, a) || strings.HasSuffix(b, a))
}

// wordHit returns how well one word bears out another, 0..1, from their letters.
func wordHit(w, e claim.Word) float64 {
	switch {
	case w.Stem == e.Stem || w.Lower == e.Lower:
		return hitSame
	case sameRoot(w.Stem, e.Stem):
		return hitDerived
	case compounds(w.Stem, e.Stem):
		return hitCompound
	}
	return 0
}

// hit returns how well a unit bears out w, 0..1.
func (ev *evidence) hit(w claim.Word, u *unit) float64 {
	if u.stems[w.Stem] {
		return hitSame
	}
	return ev.words.hit(w, u.ids)
}

// candidate is a set of units, ascending, that may support a claim together.
type candidate struct {
	units   []int
	context []int // units that introduce them: lead-ins, table heads, headings
}

func (ev *evidence) candidate(units ...int) candidate {
	c := candidate{units: units}
	for _, u := range units {
		for _, i := range []int{ev.units[u].lead, ev.units[u].heading} {
			if i >= 0 && !slices.Contains(c.units, i) && !slices.Contains(c.context, i) {
				c.context = append(c.context, i)
			}
		}
	}
	return c
}

// windows returns the runs of neighbouring units, in order.
func (c candidate) windows(ev *evidence) []window {
	var out []window
	for _, u := range c.units {
		if n := len(out); n > 0 && out[n-1].last == u && ev.units[u].passage == ev.units[u-1].passage {
			out[n-1].last = u + 1
			continue
		}
		out = append(out, window{u, u + 1})
	}
	return out
}

// Words of the context count less than those of the units, and those of the
// neighbours, to which a "this" or "it" may refer, still less.
const (
	contextFactor  = .9
	neighborFactor = .6
)

// coverage returns which share of a claim's content, by weight, the candidate
// bears out.
func (ev *evidence) coverage(words []claim.Word, c candidate) float64 {
	var sum, total float64
	for _, w := range words {
		weight := ev.weight(w.Stem)
		if w.Name {
			weight *= 1.5
		}
		total += weight
		sum += weight * ev.wordSupport(w, c)
	}
	if total == 0 {
		return 1
	}
	return sum / total
}

// wordSupport returns how well a candidate and its surroundings bear out a word.
func (ev *evidence) wordSupport(w claim.Word, c candidate) float64 {
	best := 0.0
	for _, i := range c.units {
		u := &ev.units[i]
		best = max(best, ev.hit(w, u))
	}
	if best >= contextFactor {
		return best
	}
	for _, i := range c.context {
		u := &ev.units[i]
		best = max(best, contextFactor*ev.hit(w, u))
	}
	p := &ev.passages[ev.units[c.units[0]].passage]
	best = max(best, contextFactor*ev.words.hit(w, p.ids))
	if best >= neighborFactor {
		return best
	}
	for _, i := range ev.neighbors(c) {
		if ev.units[i].stems[w.Stem] {
			return neighborFactor
		}
	}
	return best
}

// neighbors returns the units before the candidate's in their passages.
func (ev *evidence) neighbors(c candidate) []int {
	var out []int
	for _, u := range c.units {
		for i := u - 1; i >= max(ev.passages[ev.units[u].passage].first, u-2); i-- {
			out = append(out, i)
		}
	}
	return out
}
