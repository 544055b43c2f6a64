package answer

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

const headingKind = segment.Heading

// numbersOf returns the numbers of a candidate's units and of its context.
func (v *verifier) numbersOf(c candidate) []claim.Number {
	var out []claim.Number
	for _, i := range slices.Concat(c.units, c.context) {
		out = append(out, v.evidence.units[i].facts.Numbers...)
	}
	return append(out, v.passageOf(c).context.Numbers...)
}

func (v *verifier) passageOf(c candidate) *source {
	return &v.evidence.passages[v.evidence.units[c.units[0]].passage]
}

// datesOf returns the dates of a candidate's units, and those around them that
// may complete them: a year in the title, a day in the sentence before.
func (v *verifier) datesOf(c candidate) (dates, around []claim.Date) {
	for _, i := range c.units {
		dates = append(dates, v.evidence.units[i].facts.Dates...)
	}
	for _, i := range c.context {
		dates = append(dates, v.evidence.units[i].facts.Dates...)
	}
	p := v.passageOf(c)
	dates = append(dates, p.context.Dates...)
	around = append(around, dates...)
	for _, u := range v.evidence.units[p.first:p.last] {
		around = append(around, u.facts.Dates...)
	}
	if !p.Modified.IsZero() {
		around = append(around, claim.Date{Year: p.Modified.Year()})
	}
	return dates, around
}

// numbersHold reports whether every number of the claim is in the candidate, in
// a sentence that speaks of what the claim's number counts.
func (v *verifier) numbersHold(facts claim.Facts, c candidate) bool {
	numbers := v.numbersOf(c)
	dates, _ := v.datesOf(c)
	for _, n := range facts.Numbers {
		if n.Implied {
			if contradicted(n, numbers) {
				return false
			}
			continue
		}
		held := v.numberHeld(n, facts, c) || slices.ContainsFunc(dates, func(d claim.Date) bool {
			return n.Unit == "" && (n.Plain == float64(d.Year) || n.Ordinal && n.Plain == float64(d.Day))
		})
		if !held {
			return false
		}
	}
	return true
}

// numberHeld reports whether a unit of the candidate has the number and speaks of
// the same, or what introduces the candidate has it.
func (v *verifier) numberHeld(n claim.Number, facts claim.Facts, c candidate) bool {
	for _, i := range c.units {
		u := &v.evidence.units[i]
		if slices.ContainsFunc(u.facts.Numbers, n.Equal) && (v.speaksOf(facts, u) || v.leansOnNeighbor(facts, i, c)) {
			return true
		}
	}
	for _, i := range c.context {
		if slices.ContainsFunc(v.evidence.units[i].facts.Numbers, n.Equal) {
			return true
		}
	}
	return slices.ContainsFunc(v.passageOf(c).context.Numbers, n.Equal)
}

// speaksOf reports whether a unit, or what introduces it, has a word of the claim.
func (v *verifier) speaksOf(facts claim.Facts, u *unit) bool {
	return len(facts.Words) == 0 || slices.ContainsFunc(facts.Words, func(w claim.Word) bool { return v.hasWord(w, u) })
}

// terse is how many content words a sentence may have whose subject is in the
// sentence beside it: "Price 6.80, guests 9.50."
const terse = 4

// leansOnNeighbor reports whether unit i is terse and one beside it in the
// candidate speaks of the claim.
func (v *verifier) leansOnNeighbor(facts claim.Facts, i int, c candidate) bool {
	u := &v.evidence.units[i]
	if len(u.facts.Words) > terse {
		return false
	}
	return slices.ContainsFunc(c.units, func(k int) bool {
		o := &v.evidence.units[k]
		return (k == i-1 || k == i+1) && o.passage == u.passage && v.speaksOf(facts, o)
	})
}

// hasWord reports whether a unit or what introduces it has a word or one that
// may stand for it.
func (v *verifier) hasWord(w claim.Word, u *unit) bool {
	if v.evidence.near(w, u.ids) || v.evidence.near(w, v.evidence.passages[u.passage].ids) {
		return true
	}
	for _, i := range []int{u.lead, u.heading} {
		if i >= 0 && v.evidence.near(w, v.evidence.units[i].ids) {
			return true
		}
	}
	return false
}

// near reports whether one of some words of the evidence may stand for w.
func (ev *evidence) near(w claim.Word, ids []wordID) bool {
	row := ev.words.compared(w)
	return slices.ContainsFunc(ids, func(id wordID) bool {
		r := ev.words.relation(row, id)
		return r.letters > 0 || r.cosine >= minMeaning
	})
}

// sharedWords counts the words of a claim that a unit has.
func (v *verifier) sharedWords(facts claim.Facts, u *unit) int {
	n := 0
	for _, w := range facts.Words {
		if v.evidence.near(w, u.ids) {
			n++
		}
	}
	return n
}

// contradicted reports whether a number that need not be repeated ("a week") is
// given differently: the same measure, and no equal one.
func contradicted(n claim.Number, numbers []claim.Number) bool {
	if n.Unit == "" || slices.ContainsFunc(numbers, n.Equal) {
		return false
	}
	return slices.ContainsFunc(numbers, func(o claim.Number) bool {
		return o.Unit == n.Unit && !o.Implied && slices.ContainsFunc(o.Near, func(s string) bool { return slices.Contains(n.Near, s) })
	})
}

// datesHold reports whether every date of the claim is in the candidate.
func (v *verifier) datesHold(facts claim.Facts, c candidate) bool {
	if len(facts.Dates) == 0 {
		return true
	}
	dates, around := v.datesOf(c)
	numbers := v.numbersOf(c)
	for _, d := range facts.Dates {
		held := slices.ContainsFunc(dates, func(o claim.Date) bool { return d.Within(o, around) })
		if !held && d.Year > 0 && d.Month == 0 && d.Quarter == 0 {
			held = slices.ContainsFunc(numbers, func(n claim.Number) bool { return n.Plain == float64(d.Year) })
		}
		if !held {
			return false
		}
	}
	return true
}

// namesHold reports whether the claim names nobody and nothing that the
// evidence does not name.
func (v *verifier) namesHold(facts claim.Facts, c candidate) bool {
	for _, n := range facts.Names {
		if n.Title || v.nameKnown(n, c) {
			continue
		}
		if n.Initial && !n.Code && !n.Subject && !v.displaces(facts, c) {
			continue // the first word of a sentence is mostly no name
		}
		return false
	}
	return true
}

// nameKnown reports whether a name is in the candidate or in what surrounds it.
func (v *verifier) nameKnown(n claim.Name, c candidate) bool {
	w := claim.Word{Lower: n.Lower, Stem: n.Stem}
	p := v.passageOf(c)
	in := func(words []claim.Word) bool {
		return slices.ContainsFunc(words, func(e claim.Word) bool { return wordHit(w, e) > 0 })
	}
	for _, i := range slices.Concat(c.units, c.context) {
		u := &v.evidence.units[i]
		if in(u.facts.Words) || n.Code && strings.Contains(strings.ToLower(u.text), n.Lower) {
			return true
		}
		if n.Initial && !n.Strong && v.meansAny(w, u) {
			return true
		}
	}
	return p.stems[n.Stem] || in(p.context.Words) || abbreviates(n.Text, p.Text)
}

// meansAny reports whether a word means about what a common word of a unit means.
func (v *verifier) meansAny(w claim.Word, u *unit) bool {
	c := v.evidence.words.compared(w)
	for i, id := range u.ids {
		if !u.facts.Words[i].Name && v.evidence.words.relation(c, id).cosine >= minMeaning {
			return true
		}
	}
	return false
}

// displaces reports whether the candidate has a name that the claim lacks, which
// an unknown first word may have taken the place of.
func (v *verifier) displaces(facts claim.Facts, c candidate) bool {
	for _, i := range c.units {
		for _, n := range v.evidence.units[i].facts.Names {
			if n.Code || n.Title || n.Initial && !n.Strong {
				continue
			}
			if !slices.ContainsFunc(facts.Words, func(w claim.Word) bool { return w.Stem == n.Stem }) {
				return true
			}
		}
	}
	return false
}

// abbreviates reports whether an acronym's letters begin a run of words in text.
func abbreviates(acronym, text string) bool {
	letters := []rune(acronym)
	if len(letters) < 2 || len(letters) > 6 || strings.ToUpper(acronym) != acronym {
		return false
	}
	words := strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == '-' || c == '\n' || c == ',' || c == '(' })
	for i := 0; i+len(letters) <= len(words); i++ {
		match := true
		for k, l := range letters {
			match = match && strings.HasPrefix(strings.ToUpper(words[i+k]), string(l))
		}
		if match {
			return true
		}
	}
	return false
}
