package answer

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

// What speaks for a question being answered by the best unit. The weights were
// fitted (logistic regression, both classes weighing the same) on 190 questions
// about a public handbook, 54 of which it does not answer; the threshold refuses
// three fifths of those, and one in twenty of the others.
const (
	answerAround  = 2.36 // cosine of the question and the unit with what it stands under
	answerNear    = .89  // the same of the unit alone
	answerOwn     = 1.82 // share of the question's content that the unit has
	answerSection = 2.57 // the same of the section of the unit
	answerWhole   = 3.08 // the same of its passage
	answerMissing = 1.91 // share that no passage has

	enoughToAnswer = 4.9
	sectionReach   = 6  // units before and after that still are of one section
	vagueHit       = .5 // hits under this are of words that are at most akin
	vagueHitFactor = .5 // what such hits count in a section
)

// answers reports whether the best unit is good enough to be an answer.
func (g *grader) answers(best scoredUnit) bool {
	return !g.missesName() && g.confidence(best) >= enoughToAnswer
}

// confidence tells how likely a unit answers, on a scale without meaning but
// its order.
func (g *grader) confidence(s scoredUnit) float64 {
	return answerAround*s.around + answerNear*s.near + answerOwn*s.own + answerSection*g.section(s.unit) + answerWhole*s.whole -
		answerMissing*g.missing()
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
	for j := first; j < last; j++ {
		own, _ := g.values(&g.ev.units[j])
		sum = max(sum, own)
	}
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
