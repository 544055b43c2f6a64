package answer

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

// scoredUnit says how well a unit answers a question.
type scoredUnit struct {
	unit     int
	score    float64
	coverage float64 // share of the question's content that the unit and its context have
	own      float64 // the same of the unit alone
	near     float64 // cosine of the question and the unit
	around   float64 // the same of the unit with what it stands under
	whole    float64 // share of the question's content that the unit's passage has
	holds    float64 // whether it has what is wanted
}

// grader scores units against one question.
type grader struct {
	ev      *evidence
	q       asked
	vector  []float32
	weights []float64 // of q.subjects
	total   float64
	best    float64   // score of the best passage
	wholes  []float64 // share of the question's content that each passage has
}

func newGrader(ev *evidence, q asked, vector []float32) *grader {
	g := &grader{ev: ev, q: q, vector: vector}
	ev.meaning.learn(q.facts.Words)
	for _, w := range q.subjects {
		weight := ev.rarity(w)
		g.weights = append(g.weights, weight)
		g.total += weight
	}
	for _, n := range q.facts.Numbers {
		if !n.Implied {
			g.total += valueWeight
		}
	}
	g.total += valueWeight * float64(len(q.facts.Dates))
	if q.measure != "" {
		g.total += measureWeight
	}
	for i := range ev.passages {
		g.best = max(g.best, ev.passages[i].Score)
		g.wholes = append(g.wholes, g.whole(&ev.passages[i]))
	}
	return g
}

// whole returns the share of the question's content that a passage has.
func (g *grader) whole(p *source) float64 {
	if g.total == 0 {
		return 0
	}
	sum := 0.0
	for k, w := range g.q.subjects {
		best := g.ev.words.hit(w, p.ids)
		if p.stems[w.Stem] {
			best = hitSame
		}
		for i := p.first; i < p.last && best < hitMeaning; i++ {
			best = max(best, g.ev.hit(w, &g.ev.units[i]))
		}
		sum += g.weights[k] * best
	}
	held := 0.0
	for i := p.first; i < p.last; i++ {
		own, around := g.values(&g.ev.units[i])
		held = max(held, own, around)
	}
	return (sum + held) / g.total
}

// rarity weighs a word of a question: a name or code tells most, a word that
// every passage has tells least, one that none has must be missed.
func (ev *evidence) rarity(w claim.Word) float64 {
	n := float64(len(ev.passages))
	if ev.frequent[w.Stem] == 0 { // another word may stand for it
		n = min(n, 3)
	}
	weight := .5 + math.Log(1+(n-float64(ev.frequent[w.Stem])+.5)/(float64(ev.frequent[w.Stem])+.5))/math.Log(1+(n+.5)/.5)
	if w.Name {
		weight *= 1.4
	}
	if lightWords[w.Stem] {
		weight *= .4
	}
	return weight
}

// lightWords are stems of words that many questions have and few answers need.
var lightWords = func() map[string]bool {
	m := map[string]bool{}
	for language, words := range map[string]string{
		"en": `company employee employees people person someone work works working need want allowed allow able happen happens mean means know find give tell say says work long
			many currently current usually exactly please help ask work time case thing things way kind type policy rule rules talk speak contact turn
			problem question see look`,
		"de": `firma unternehmen mitarbeiter mitarbeiterin person arbeiten darf erlaubt bedeutet heißt gilt aktuell genau bitte fall regel wende sprechen problem frage`,
		"fr": `entreprise employé salarié personne travail signifie permis actuel exactement cas règle`,
		"es": `empresa empleado persona trabajo significa permitido actual exactamente caso regla`,
	} {
		for w := range strings.FieldsSeq(words) {
			m[claim.Stem(w, language)] = true
		}
	}
	return m
}()

// foreign turns coverage into about the cosine that an English sentence of the
// same coverage has.
const foreign = .6

// What makes a unit the best one. The weights were fitted (softmax over the
// sentences of each question's passages, five-fold) on 132 questions about a
// public handbook, and rounded.
const (
	scoreCoverage = .6  // share of the question's content that the unit and its context have
	scoreOwn      = .2  // the same of the unit alone
	scoreWhole    = .3  // the same of its passage
	scoreNear     = .2  // cosine of the question and the unit
	scoreAround   = .62 // the same of the unit with what it stands under
	scoreHolds    = .5  // whether it has the kind of thing that is asked for
	scoreForm     = .6  // how it reads as an answer
	scoreRank     = .12 // for the first passage, falling with the rank
	scorePassage  = .22 // score of its passage, as a share of the best
	scoreOutdated = .2  // taken off when its document was replaced
)

// grade scores one unit.
func (g *grader) grade(i int) scoredUnit {
	u := &g.ev.units[i]
	c := g.ev.candidate(i)
	s := scoredUnit{unit: i}
	for k, w := range g.q.subjects {
		own := g.ev.hit(w, u)
		around := max(own, .8*g.contextHit(w, c))
		s.own += g.weights[k] * own
		s.coverage += g.weights[k] * around
	}
	own, around := g.values(u)
	s.own, s.coverage = s.own+own, s.coverage+around
	if g.total > 0 {
		s.own, s.coverage = s.own/g.total, s.coverage/g.total
	}
	s.near = max(0, g.ev.meaning.unitSimilarity(g.vector, i))
	s.around = max(0, g.ev.meaning.settingSimilarity(g.vector, i))
	if g.q.facts.Language != "en" { // the built-in embedder knows English
		s.around = max(s.around, foreign*s.coverage)
	}
	s.whole = g.wholes[u.passage]
	s.holds = g.q.holds(u.facts, u.text)
	if g.ev.meaning.units == nil {
		s.near, s.around = .6*s.own, .6*s.coverage
	}
	s.score = scoreCoverage*s.coverage + scoreOwn*s.own + scoreWhole*s.whole + scoreNear*s.near + scoreAround*s.around +
		scoreHolds*(s.holds-.5) + scoreForm*g.form(u) + g.prior(u)
	return s
}

// valueWeight is what a number or a date of a question weighs, measureWeight
// what the measure weighs that it asks for: "how many days", "how much money".
const (
	valueWeight   = 1
	measureWeight = 1
)

// values returns the weight of the question's numbers and dates that a unit has,
// and that it has together with what surrounds it.
func (g *grader) values(u *unit) (own, around float64) {
	p := &g.ev.passages[u.passage]
	for _, n := range g.q.facts.Numbers {
		switch {
		case n.Implied:
		case slices.ContainsFunc(u.facts.Numbers, n.Equal):
			own, around = own+valueWeight, around+valueWeight
		case slices.ContainsFunc(p.context.Numbers, n.Equal):
			around += .8 * valueWeight
		}
	}
	for _, d := range g.q.facts.Dates {
		within := func(o claim.Date) bool { return d.Within(o, append(p.context.Dates, u.facts.Dates...)) }
		switch {
		case slices.ContainsFunc(u.facts.Dates, within):
			own, around = own+valueWeight, around+valueWeight
		case slices.ContainsFunc(p.context.Dates, within):
			around += .8 * valueWeight
		}
	}
	if g.q.measure != "" && g.q.holds(u.facts, u.text) == 1 {
		own, around = own+measureWeight, around+measureWeight
	}
	return own, around
}

// contextHit returns how well what surrounds a unit has a word.
func (g *grader) contextHit(w claim.Word, c candidate) float64 {
	best := 0.0
	for _, i := range c.context {
		u := &g.ev.units[i]
		best = max(best, g.ev.hit(w, u))
	}
	p := &g.ev.passages[g.ev.units[c.units[0]].passage]
	best = max(best, g.ev.words.hit(w, p.ids))
	if best > 0 {
		return best
	}
	for _, i := range g.ev.neighbors(c) {
		if g.ev.units[i].stems[w.Stem] {
			return .6
		}
	}
	return 0
}

// prior favours what retrieval put first and disfavours what was replaced.
func (g *grader) prior(u *unit) float64 {
	p := &g.ev.passages[u.passage]
	prior := scoreRank / (1 + .4*float64(u.passage))
	if g.best > 0 {
		prior += scorePassage * p.Score / g.best
	}
	if p.outdated && !g.q.past {
		prior -= scoreOutdated
	}
	return prior
}

// form says how well a unit reads as an answer by its form alone.
func (g *grader) form(u *unit) float64 {
	words := len(strings.Fields(u.text))
	switch {
	case strings.HasSuffix(u.text, "?"):
		return -.5
	case strings.HasSuffix(u.text, ":"):
		return -.1
	case words < 4 && u.kind == segment.Text:
		return -.15
	case words > 80:
		return -.1
	case g.q.wanted == wantSteps && u.kind == segment.Item:
		return .08
	}
	return 0
}

// outdatedCue finds what a document says of itself when it is no longer valid.
var outdatedCue = regexp.MustCompile(`(?i)\b(superseded|outdated|obsolete|deprecated|archived|no longer (valid|in force|current|applies)|replaced by|withdrawn|out of date|veraltet|überholt|ersetzt durch|abgelöst durch|nicht mehr gültig|obsolète|remplacé(e)? par|périmé|obsoleto|sustituido por|reemplazado por|derogad[oa])\b`)

// outdatedHead bounds how far into a passage such a remark is looked for, in bytes.
const outdatedHead = 400

// isOutdated reports whether a passage's document says that it was replaced.
func isOutdated(title, text string) bool {
	head := text[:min(len(text), outdatedHead)]
	return outdatedCue.MatchString(title) || outdatedCue.MatchString(head)
}
