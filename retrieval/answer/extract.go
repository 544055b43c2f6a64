package answer

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/segment"
	"github.com/cairnhq/cairn/retrieval/llm"
)

const (
	answerWords    = 120 // about how long an extractive answer may be
	answerUnits    = 5   // sentences that are no list, those beside the best not counted
	closeToBest    = .82 // share of the best score that a further sentence needs
	closeElsewhere = .86 // the same of a sentence of another document
)

// extract answers with sentences of the passages, word for word.
func (r *run) extract(ctx context.Context) {
	r.out.Model = cairn.ExtractiveModel
	q := readQuestion(r.question.Text, r.language)
	vector := r.evidence.meaning.sentence(llm.RoleQuery, r.question.Text)
	g := newGrader(r.evidence, q, vector)
	ranked := g.rank()
	if len(ranked) > 0 {
		b := ranked[0]
		r.cfg.Log.DebugContext(ctx, "extractive", "score", b.score, "coverage", b.coverage, "own", b.own, "near", b.near, "holds", b.holds, "missing", g.missing())
	}
	if len(ranked) == 0 || !g.answers(ranked[0]) {
		r.sayNotFound()
		return
	}
	r.out.Outcome = cairn.OutcomeAnswered
	picked := g.pick(ranked)
	r.present(picked)
	r.settleConflict(ranked, picked)
}

// rank returns the units that may be part of an answer, best first.
func (g *grader) rank() []scoredUnit {
	var ranked []scoredUnit
	for i := range g.ev.units {
		if g.ev.units[i].kind == segment.Heading {
			continue
		}
		if s := g.grade(i); s.coverage > 0 || s.near > .3 {
			ranked = append(ranked, s)
		}
	}
	slices.SortStableFunc(ranked, func(a, b scoredUnit) int { return cmp.Compare(b.score, a.score) })
	return ranked
}

// pick chooses the units of the answer: the best, the list that it belongs to,
// and others that are nearly as good, in the order of their passages.
func (g *grader) pick(ranked []scoredUnit) []int {
	best := ranked[0]
	var picked []int
	words := 0
	add := func(i int) bool {
		n := len(strings.Fields(g.ev.units[i].text))
		if slices.Contains(picked, i) || len(picked) > 0 && words+n > answerWords || g.repeats(picked, i) {
			return false
		}
		picked = append(picked, i)
		words += n
		return true
	}
	add(best.unit)
	for _, i := range append(g.list(best.unit), g.beside(best.unit)...) {
		add(i)
	}
	sentences := 1
	for _, s := range ranked[1:] {
		if s.score < closeToBest*best.score || sentences >= answerUnits {
			break
		}
		if !g.sameDocument(s.unit, best.unit) && s.score < closeElsewhere*best.score {
			continue
		}
		if strings.HasSuffix(g.ev.units[s.unit].text, "?") || !g.q.past && g.ev.passages[g.ev.units[s.unit].passage].outdated {
			continue
		}
		if add(s.unit) {
			sentences++
		}
	}
	return g.inOrder(picked)
}

// sameDocument reports whether two units are of one document.
func (g *grader) sameDocument(a, b int) bool {
	return g.ev.passages[g.ev.units[a].passage].Document == g.ev.passages[g.ev.units[b].passage].Document
}

// beside returns what belongs to a unit: the other sentences of its list item, or
// the sentences after and before it in its paragraph, which restrict or explain it.
func (g *grader) beside(i int) []int {
	u := &g.ev.units[i]
	if u.kind != segment.Text && u.kind != segment.Item {
		return nil
	}
	if first, last := g.item(i); first >= 0 {
		var out []int
		for k := first; k < last; k++ {
			out = append(out, k)
		}
		return out
	}
	var out []int
	for k := i + 1; k <= i+g.sentencesAfter() && g.continues(k-1, k); k++ {
		if !strings.HasSuffix(g.ev.units[k].text, "?") {
			out = append(out, k)
		}
	}
	if g.continues(i-1, i) && !strings.HasSuffix(g.ev.units[i-1].text, "?") {
		out = append(out, i-1)
	}
	return out
}

// sentencesAfter says how many sentences after the best one are shown: reasons
// and steps take more of them than a number does.
func (g *grader) sentencesAfter() int {
	if g.q.wanted == wantReason || g.q.wanted == wantSteps {
		return 3
	}
	return 2
}

// continues reports whether unit b goes on in the paragraph of unit a, the one
// before it.
func (g *grader) continues(a, b int) bool {
	if a < 0 || b >= len(g.ev.units) || g.ev.units[a].passage != g.ev.units[b].passage || g.ev.units[b].kind != segment.Text {
		return false
	}
	u, o := &g.ev.units[a], &g.ev.units[b]
	return (u.kind == segment.Text || u.kind == segment.Item) && !strings.Contains(g.ev.passages[u.passage].Text[u.end:o.start], "\n\n")
}

// item returns the units of the list item that unit i is in, as a half-open
// range; first is -1 when it is in none.
func (g *grader) item(i int) (first, last int) {
	first = i
	for g.ev.units[first].kind == segment.Text && g.continues(first-1, first) {
		first--
	}
	if g.ev.units[first].kind != segment.Item {
		return -1, -1
	}
	for last = i + 1; g.continues(last-1, last); last++ {
	}
	return first, last
}

// list returns the other items of the list that a unit belongs to or introduces,
// when the question asks for a list or for steps, or when the unit only
// introduces them.
func (g *grader) list(i int) []int {
	u := &g.ev.units[i]
	p := &g.ev.passages[u.passage]
	introduces := strings.HasSuffix(u.text, ":")
	lead := u.lead
	if introduces {
		lead = i
	} else if u.kind != segment.Item || g.q.wanted != wantSteps && g.q.wanted != wantList {
		return nil
	}
	var out []int
	if lead >= 0 && lead != i {
		out = append(out, lead)
	}
	from := i
	for from > p.first && g.ev.units[from-1].kind == segment.Item && g.ev.units[from-1].lead == u.lead && !introduces {
		from--
	}
	if introduces {
		from = i + 1
	}
	for k := from; k < p.last; k++ {
		o := &g.ev.units[k]
		if o.kind != segment.Item && (k == from || !g.continues(k-1, k)) {
			break
		}
		out = append(out, k)
	}
	return out
}

// repeats reports whether a unit says what one that was picked says already.
func (g *grader) repeats(picked []int, i int) bool {
	u := &g.ev.units[i]
	for _, k := range picked {
		o := &g.ev.units[k]
		if strings.TrimSpace(o.text) == strings.TrimSpace(u.text) {
			return true
		}
		shared := 0
		for stem := range u.stems {
			if o.stems[stem] {
				shared++
			}
		}
		if len(u.stems) > 3 && shared*10 >= len(u.stems)*9 && len(u.facts.Numbers)+len(u.facts.Dates) == 0 {
			return true
		}
	}
	return false
}

// inOrder puts picked units into reading order: passages by their best unit,
// units by place.
func (g *grader) inOrder(picked []int) []int {
	place := map[int]int{}
	for n, i := range picked {
		p := g.ev.units[i].passage
		if _, ok := place[p]; !ok {
			place[p] = n
		}
	}
	out := slices.Clone(picked)
	slices.SortFunc(out, func(a, b int) int {
		return cmp.Or(cmp.Compare(place[g.ev.units[a].passage], place[g.ev.units[b].passage]), cmp.Compare(a, b))
	})
	return out
}

// sayNotFound shows that nothing answers.
func (r *run) sayNotFound() {
	r.out.Outcome = cairn.OutcomeNotFound
	text := r.say(textNotFound)
	r.show(scanned{Text: text, End: len(text)}, finding{support: cairn.SupportNone})
}
