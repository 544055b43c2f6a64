package answer

import (
	"fmt"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/claim"
	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

// sameMatter is the share of words that two sentences must share to be about
// the same thing.
const sameMatter = .6

// conflicting reports whether two units of different documents give different
// numbers or dates for the same thing.
func (ev *evidence) conflicting(a, b int) bool {
	ua, ub := &ev.units[a], &ev.units[b]
	if ev.passages[ua.passage].Document == ev.passages[ub.passage].Document {
		return false
	}
	if len(ua.stems) < 2 || len(ub.stems) < 2 {
		return false
	}
	shared := 0
	for stem := range ua.stems {
		if ub.stems[stem] {
			shared++
		}
	}
	if shared < 2 || float64(shared) < sameMatter*float64(min(len(ua.stems), len(ub.stems))) || float64(shared) < .4*float64(max(len(ua.stems), len(ub.stems))) {
		return false
	}
	return differ(ua.facts, ub.facts)
}

// differ reports whether two sentences give different values of one measure.
func differ(a, b claim.Facts) bool {
	for _, n := range a.Numbers {
		if n.Implied || n.Ordinal || slices.ContainsFunc(b.Numbers, n.Equal) {
			continue
		}
		for _, o := range b.Numbers {
			if !o.Implied && !o.Ordinal && o.Unit == n.Unit && !slices.ContainsFunc(a.Numbers, o.Equal) && shareWord(n.Near, o.Near) {
				return true
			}
		}
	}
	return false
}

func shareWord(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// settleConflict looks for sentences that answer otherwise than what is shown.
// One of a document that says it was replaced is only told of; others are shown
// with their dates.
func (r *run) settleConflict(ranked []scoredUnit, shown []int) {
	best := ranked[0].score
	for _, s := range ranked {
		if s.score < .6*best {
			return
		}
		rival := slices.IndexFunc(shown, func(i int) bool { return r.evidence.conflicting(i, s.unit) })
		if rival < 0 {
			continue
		}
		if r.replaced(shown[rival], s.unit) {
			r.notice(NoticeSuperseded, r.say(textSuperseded))
			return
		}
		if !slices.Contains(shown, s.unit) {
			r.present([]int{s.unit})
		}
		r.out.Outcome = cairn.OutcomeConflict
		r.notice(NoticeConflict, r.say(textConflict)+r.datesOf(shown[rival], s.unit))
		return
	}
}

// replaced reports whether one of two units is of a document that says it was replaced.
func (r *run) replaced(a, b int) bool {
	return r.evidence.passages[r.evidence.units[a].passage].outdated != r.evidence.passages[r.evidence.units[b].passage].outdated
}

// datesOf tells the titles and dates of the documents of two units.
func (r *run) datesOf(a, b int) string {
	text := ""
	for _, i := range []int{a, b} {
		p := r.evidence.passages[r.evidence.units[i].passage]
		if !p.Modified.IsZero() {
			text += fmt.Sprintf(" %s: %s.", p.Title, p.Modified.UTC().Format("2006-01-02"))
		}
	}
	return text
}

// disagree reports whether the claims of a model's answer rest on sources that
// contradict each other.
func (r *run) disagree() bool {
	var units []int
	for _, c := range r.claims {
		for _, w := range c.windows {
			for i := w.first; i < w.last; i++ {
				if r.evidence.units[i].kind != segment.Heading {
					units = append(units, i)
				}
			}
		}
	}
	for n, a := range units {
		for _, b := range units[:n] {
			if r.evidence.conflicting(a, b) {
				return true
			}
		}
	}
	return false
}
