package answer

import (
	"cmp"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/claim"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// finding is what the check of a claim against the evidence gave.
type finding struct {
	support cairn.Support
	windows []window // what bears the claim out; empty when nothing does
	score   float64  // share of the content that is borne out, 0..1
	wrong   string   // the kind of fact that the evidence contradicts; empty for none
	lacks   bool     // the text says that the passages do not tell something
}

// Shares of a claim's content that must be borne out.
const (
	enoughSupport = .5
	someSupport   = .3
)

// verifier checks claims against evidence.
type verifier struct {
	evidence *evidence
	language string // of the claims
}

// check says whether the passages bear out a claim: those that it cites, by
// number from 1, or else any.
func (v *verifier) check(text string, cites []int) finding {
	facts := claim.Read(text, v.language)
	if saysNotFound(text, facts) {
		return finding{support: cairn.SupportNone, lacks: true}
	}
	if claimsNothing(text, facts) {
		return finding{support: cairn.SupportNone}
	}
	v.evidence.meaning.learn(facts.Words)
	vector := v.evidence.meaning.sentence(llm.RoleDocument, text)
	var best finding
	if len(cites) > 0 {
		best = v.among(facts, vector, func(passage int) bool { return slices.Contains(cites, passage+1) })
		if best.support == cairn.Supported {
			return best
		}
	}
	elsewhere := v.among(facts, vector, func(int) bool { return true })
	if elsewhere.better(best) {
		best = elsewhere
	}
	if best.support == cairn.Unsupported || best.support == "" {
		best.support, best.windows = cairn.Unsupported, nil
	}
	return best
}

var ranks = map[cairn.Support]int{cairn.Supported: 3, cairn.Partial: 2, cairn.Unsupported: 1}

// better reports whether f is the more favourable finding.
func (f finding) better(o finding) bool {
	return cmp.Or(cmp.Compare(ranks[f.support], ranks[o.support]), cmp.Compare(f.score, o.score)) > 0
}

const (
	seeds      = 6 // units that candidates are made around
	wideWindow = 3 // units of the longest run that is tried
)

// among looks for the best support in the passages that admit lets through.
func (v *verifier) among(facts claim.Facts, vector []float32, admit func(passage int) bool) finding {
	var best finding
	for _, c := range v.candidates(facts, vector, admit) {
		f := v.judge(facts, vector, c)
		f.score -= .02 * float64(len(c.units)-1) // the shorter of two equal ones
		if f.better(best) {
			best = f
		}
	}
	return best
}

// candidates returns what may support a claim: the best units, the runs around
// them, and pairs of them.
func (v *verifier) candidates(facts claim.Facts, vector []float32, admit func(int) bool) []candidate {
	ev := v.evidence
	type scored struct {
		unit  int
		score float64
	}
	var ranked []scored
	for i := range ev.units {
		if !admit(ev.units[i].passage) || ev.units[i].kind == headingKind {
			continue
		}
		if s := v.quickScore(facts, vector, i); s > 0 {
			ranked = append(ranked, scored{i, s})
		}
	}
	slices.SortStableFunc(ranked, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	ranked = ranked[:min(len(ranked), seeds)]
	var out []candidate
	for n, r := range ranked {
		for size := 1; size <= wideWindow; size++ {
			for first := r.unit - size + 1; first <= r.unit; first++ {
				if c, ok := ev.run(first, first+size); ok {
					out = append(out, c)
				}
			}
		}
		if n < greedySeeds {
			out = append(out, v.greedy(facts, r.unit, admit))
		}
		for _, other := range ranked[:n] {
			if (r.unit-other.unit > 1 || other.unit-r.unit > 1) && v.belongs(facts, r.unit, other.unit) {
				out = append(out, ev.candidate(min(r.unit, other.unit), max(r.unit, other.unit)))
			}
		}
	}
	return out
}

const (
	greedySeeds = 2
	greedyUnits = 4
)

// greedy returns a candidate that grows from a unit by those that hold most of
// what is missing: a sentence may sum up what several say.
func (v *verifier) greedy(facts claim.Facts, seed int, admit func(int) bool) candidate {
	units := []int{seed}
	have := v.factsHeld(facts, v.evidence.candidate(units...))
	for len(units) < greedyUnits {
		best, gain := -1, .5
		for i := range v.evidence.units {
			if !admit(v.evidence.units[i].passage) || v.evidence.units[i].kind == headingKind || slices.Contains(units, i) || !v.belongs(facts, i, seed) {
				continue
			}
			g := v.factsHeld(facts, v.evidence.candidate(append(slices.Clone(units), i)...)) - have
			if g > gain {
				best, gain = i, g
			}
		}
		if best < 0 {
			break
		}
		units, have = append(units, best), have+gain
	}
	slices.Sort(units)
	return v.evidence.candidate(units...)
}

// wordsFromElsewhere is how many words a claim must share with a sentence of
// another passage than the one that it mainly rests on.
const wordsFromElsewhere = 1

// belongs reports whether unit i may support a claim together with another one:
// a number or a date alone, found anywhere, supports nothing.
func (v *verifier) belongs(facts claim.Facts, i, other int) bool {
	u := &v.evidence.units[i]
	n := v.sharedWords(facts, u)
	if u.passage == v.evidence.units[other].passage {
		return n > 0 || i-other == 1 || other-i == 1
	}
	return n >= wordsFromElsewhere
}

// factsHeld counts the facts of a claim that a candidate has: numbers, dates and
// names for one, other words by their weight for less.
func (v *verifier) factsHeld(facts claim.Facts, c candidate) float64 {
	held := 0.0
	numbers := v.numbersOf(c)
	for _, n := range facts.Numbers {
		if !n.Implied && slices.ContainsFunc(numbers, n.Equal) {
			held++
		}
	}
	dates, around := v.datesOf(c)
	for _, d := range facts.Dates {
		if slices.ContainsFunc(dates, func(o claim.Date) bool { return d.Within(o, around) }) {
			held++
		}
	}
	for _, w := range facts.Words {
		for _, i := range c.units {
			if v.evidence.units[i].stems[w.Stem] {
				if held += .3; w.Name {
					held += .7
				}
				break
			}
		}
	}
	return held
}

// run returns the candidate of units[first:last] when they are neighbours in one
// passage and none is a heading.
func (ev *evidence) run(first, last int) (candidate, bool) {
	if first < 0 || last > len(ev.units) || ev.units[first].passage != ev.units[last-1].passage {
		return candidate{}, false
	}
	units := make([]int, 0, last-first)
	for i := first; i < last; i++ {
		if ev.units[i].kind == headingKind {
			return candidate{}, false
		}
		units = append(units, i)
	}
	return ev.candidate(units...), true
}

// quickScore ranks units before they are judged: shared stems, numbers and
// dates, and nearness of meaning.
func (v *verifier) quickScore(facts claim.Facts, vector []float32, i int) float64 {
	ev := v.evidence
	u := &ev.units[i]
	var sum, total float64
	for _, w := range facts.Words {
		weight := ev.weight(w.Stem)
		total += weight
		if u.stems[w.Stem] {
			sum += weight
		}
	}
	score := 0.0
	if total > 0 {
		score = sum / total
	}
	for _, n := range facts.Numbers {
		if slices.ContainsFunc(u.facts.Numbers, n.Equal) {
			score += .1
		}
	}
	for _, d := range facts.Dates {
		if slices.ContainsFunc(u.facts.Dates, func(o claim.Date) bool { return d.Within(o, nil) }) {
			score += .1
		}
	}
	return score + .6*max(0, ev.meaning.unitSimilarity(vector, i))
}

// judge says how well one candidate supports a claim.
func (v *verifier) judge(facts claim.Facts, vector []float32, c candidate) finding {
	ev := v.evidence
	f := finding{windows: c.windows(ev), score: v.similarity(facts, vector, c)}
	switch {
	case !v.numbersHold(facts, c):
		f.wrong = "number"
	case !v.datesHold(facts, c):
		f.wrong = "date"
	case !v.namesHold(facts, c):
		f.wrong = "name"
	case f.score >= someSupport && !v.polarityHolds(facts, c):
		f.wrong = "negation"
	}
	switch {
	case f.wrong != "" || f.score < someSupport:
		f.support = cairn.Unsupported
	case f.score < enoughSupport:
		f.support = cairn.Partial
	default:
		f.support = cairn.Supported
	}
	return f
}

// similarity joins the share of the words with the nearness of the sentences.
func (v *verifier) similarity(facts claim.Facts, vector []float32, c candidate) float64 {
	coverage := v.evidence.coverage(facts.Words, c)
	if n := float64(len(facts.Dates) + len(facts.Numbers)); n > 0 { // their absence is judged apart
		words := float64(len(facts.Words))
		coverage = (coverage*words + n) / (words + n)
	}
	if v.evidence.meaning.units == nil || len(vector) == 0 {
		return coverage
	}
	near := 0.0
	for _, u := range c.units {
		near = max(near, v.evidence.meaning.unitSimilarity(vector, u))
	}
	return .7*coverage + .3*min(1, near*1.4)
}
