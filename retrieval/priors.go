package retrieval

import (
	"math"
	"time"
)

// How much better a passage may rank for what it is rather than for what it
// says: shares of its score, together at most 0.15.
const (
	titlePrior     = 0.03 // all words of the query stand in the title
	freshnessPrior = 0.04 // of the newest; half as much for what is halfLife older
	authorityPrior = 0.05 // of a source with the full trust
	halfLife       = 365 * 24 * time.Hour
)

// priors are the shares that a passage earned.
type priors struct{ title, freshness, authority float64 }

// factor returns what a score is multiplied by, 1 to 1.15.
func (p priors) factor() float64 { return 1 + p.title + p.freshness + p.authority }

// applyPriors raises the scores of the best candidates. Freshness counts only
// where their dates differ, and nothing for those without a date. It compares
// with the newest of them rather than with today: equal searches give equal scores.
func applyPriors(found []hydrated, m measures) {
	newest, oldest := time.Time{}, time.Time{}
	for _, f := range found {
		t := f.chunk.Passage.Modified
		if t.IsZero() {
			continue
		}
		if newest.IsZero() || t.After(newest) {
			newest = t
		}
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
	}
	for i := range found {
		f, p := &found[i], found[i].chunk.Passage
		f.priors.title = titlePrior * m.words.Held(p.Title, p.Language)
		if newest.After(oldest) && !p.Modified.IsZero() {
			age := newest.Sub(p.Modified)
			f.priors.freshness = freshnessPrior * math.Exp2(-age.Hours()/halfLife.Hours())
		}
		f.priors.authority = authorityPrior * min(max(f.chunk.Authority, 0), 1)
		f.Score *= f.priors.factor()
	}
}
