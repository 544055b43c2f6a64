package answer

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

// What speaks for a question being answered by the best unit. The weights were
// fitted (logistic regression, both classes weighing the same) on 180 questions
// about a public handbook, 44 of which it does not answer; the threshold refuses
// more than half of those, and one in thirty of the others.
const (
	answerAround  = 2.56 // cosine of the question and the unit with what it stands under
	answerNear    = .93  // the same of the unit alone
	answerOwn     = 1.44 // share of the question's content that the unit has
	answerSection = 2.45 // the same of the section of the unit
	answerWhole   = 2.93 // the same of its passage
	answerMissing = 1.5  // share that no passage has
	answerNames   = 1.95 // share of the question's names that the passage has
	answerHolds   = .78  // whether the unit has the kind of thing that is asked for

	enoughToAnswer = 7.2
	sectionReach   = 6   // units before and after that still are of one section
	vagueHit       = .5  // hits under this are of words that are at most akin
	vagueHitFactor = .5  // what such hits count in a section
	nameHit        = .75 // hit of a name by its letters
)

// answers reports whether the best unit is good enough to be an answer.
func (g *grader) answers(best scoredUnit) bool {
	return !g.missesName() && g.confidence(best) >= enoughToAnswer
}

// confidence tells how likely a unit answers, on a scale without meaning but
// its order.
func (g *grader) confidence(s scoredUnit) float64 {
	p := &g.ev.passages[g.ev.units[s.unit].passage]
	return answerAround*s.around + answerNear*s.near + answerOwn*s.own + answerSection*g.section(s.unit) + answerWhole*s.whole -
		answerMissing*g.missing() + answerNames*g.namesHeld(p) + answerHolds*s.holds
}

// section returns the share of the question's content, by weight, that the
// section of a unit has, titles and headings among it.
func (g *grader) section(i int) float64 {
	if g.total == 0 {
		return 0
	}
	u := &g.ev.units[i]
	p := &g.ev.passages[u.passage]
	within := func(k int) bool {
		return k >= p.first && k < p.last && g.ev.units[k].heading == u.heading && g.ev.units[k].kind != segment.Heading
	}
	first, last := i, i+1
	for i-first < sectionReach && within(first-1) {
		first--
	}
	for last-i <= sectionReach && within(last) {
		last++
	}
	sum := 0.0
	for k, w := range g.q.subjects {
		hit := g.ev.words.hit(w, p.ids)
		if u.heading >= 0 {
			hit = max(hit, g.ev.hit(w, &g.ev.units[u.heading]))
		}
		for j := first; j < last; j++ {
			hit = max(hit, g.ev.hit(w, &g.ev.units[j]))
		}
		if hit < vagueHit {
			hit *= vagueHitFactor
		}
		sum += g.weights[k] * hit
	}
	return sum / g.total
}

// namesHeld returns the share of the question's names that a passage has; 1 when
// the question has none.
func (g *grader) namesHeld(p *source) float64 {
	names, held := 0, 0
	for _, w := range g.q.subjects {
		if !w.Name {
			continue
		}
		names++
		has := p.stems[w.Stem] || g.ev.words.letters(w, p.ids) >= nameHit
		for i := p.first; i < p.last && !has; i++ {
			has = g.ev.words.letters(w, g.ev.units[i].ids) >= nameHit
		}
		if has {
			held++
		}
	}
	if names == 0 {
		return 1
	}
	return float64(held) / float64(names)
}

// missesName reports whether the question names something that no passage has.
func (g *grader) missesName() bool {
	for _, n := range g.q.facts.Names {
		if !n.Strong && (n.Initial || !n.Code) {
			continue
		}
		lower := n.Lower
		found := slices.ContainsFunc(g.ev.passages, func(p source) bool {
			return p.stems[n.Stem] || strings.Contains(strings.ToLower(p.Text), lower) || strings.Contains(strings.ToLower(p.Title), lower) || abbreviates(n.Text, p.Text)
		})
		if !found && n.Code {
			return true
		}
	}
	return false
}

// missing returns the share of the question's content that no passage has at
// all, by weight.
func (g *grader) missing() float64 {
	sum := 0.0
	for k, w := range g.q.subjects {
		best := 0.0
		for i := range g.ev.passages {
			p := &g.ev.passages[i]
			if p.stems[w.Stem] {
				best = 1
				break
			}
		}
		if best == 0 {
			for i := range g.ev.units {
				if best = max(best, g.ev.hit(w, &g.ev.units[i])); best > .6 {
					break
				}
			}
		}
		sum += g.weights[k] * (1 - best)
	}
	if g.total == 0 {
		return 1
	}
	return sum / g.total
}
