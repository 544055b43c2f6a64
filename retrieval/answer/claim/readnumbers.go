package claim

import (
	"math"
	"strings"
)

func (r *reader) readNumbers() {
	for i := 0; i < len(r.tokens); {
		n, next := r.number(i)
		if next == i {
			i++
			continue
		}
		n.position = i
		n.Start, n.End = r.tokens[i].start, r.tokens[next-1].end
		r.facts.Numbers = append(r.facts.Numbers, n)
		r.use(i, next)
		i = next
	}
	r.shareUnits()
}

// number reads a number that begins at token i and returns the token after it,
// i when there is none.
func (r *reader) number(i int) (Number, int) {
	t := r.tokens[i]
	if r.used[i] || t.quoted {
		return Number{}, i
	}
	if t.kind == tokFigure {
		return r.figureNumber(i)
	}
	if t.kind != tokWord {
		return Number{}, i
	}
	if n, next := r.impliedNumber(i); next > i {
		return n, next
	}
	if v := ordinalWord(t.lower, r.language()); v > 0 && (t.lower != "second" || i == 0 || !r.used[i-1]) {
		return Number{Value: v, Plain: v, Other: math.NaN(), Ordinal: true, Implied: v == 1}, i + 1
	}
	if v, ok := repetitions[t.lower]; ok {
		return Number{Value: v, Plain: v, Other: math.NaN(), Implied: v == 1}, i + 1
	}
	v, next := r.spoken(i)
	if next == i {
		return Number{}, i
	}
	one := next == i+1 && v == 1
	half := next == i+1 && v == .5
	n, end := r.withUnit(v, math.NaN(), next)
	n.Implied = one && n.Unit == "" || half && n.Unit == ""
	return n, end
}

func (r *reader) figureNumber(i int) (Number, int) {
	f := readFigure(r.tokens[i].text, r.language())
	if !f.ok {
		return Number{}, i
	}
	next := i + 1
	if r.language() == "fr" || r.language() == "es" || r.language() == "de" { // "1 500"
		for r.is(next, tokFigure) && len(r.tokens[next].text) == 3 && !r.tokens[next].glued && f.suffix == "" && strings.Trim(r.tokens[next].text, "0123456789") == "" {
			g := readFigure(r.tokens[next].text, r.language())
			f.value = f.value*1000 + g.value
			next++
		}
	}
	switch s := f.suffix; {
	case s == "" || s == "+":
	case ordinalSuffix(s):
		return Number{Value: f.value, Plain: f.value, Other: math.NaN(), Ordinal: true}, next
	case s == "x" || s == "×":
	default:
		u, ok := unitOf(s, r.language(), true)
		if !ok {
			return Number{}, i // "2xlarge" is a name
		}
		if s == "m" && f.currency == "" {
			return Number{Value: f.value, Plain: f.value, Other: math.NaN()}, next // metres, minutes or millions
		}
		if !u.multiplier() {
			return measured(f.value, f.other, u), next
		}
		f.value, f.other = f.value*u.factor, math.NaN()
	}
	if u, ok := units[f.currency]; ok {
		n, end := r.withUnit(f.value, f.other, next)
		if n.Unit != "" && n.Unit != u.base {
			end = next
		}
		n.Unit = u.base
		return n, end
	}
	if v, end := r.mixedFraction(next); end > next {
		f.value += v
		next = end
	}
	return r.withUnit(f.value, f.other, next)
}

func measured(v, other float64, u unit) Number {
	return Number{Value: v * u.factor, Other: other * u.factor, Unit: u.base, Plain: v}
}

// withUnit reads the multiplier and the unit after a number that ends before i.
func (r *reader) withUnit(v, other float64, i int) (Number, int) {
	skipStop := func(j int) int {
		if r.lower(j) == "." && r.tokens[j].glued && j+1 < len(r.tokens) {
			return j + 1
		}
		return j
	}
	if u, ok := unitOf(r.lower(i), r.language(), false); ok && u.multiplier() && r.lower(i) != "m" && !r.used[i] {
		v, other = v*u.factor, math.NaN()
		i = skipStop(i + 1)
		if r.lower(i) == "de" { // un millón de euros
			i++
		}
	}
	j := i
	if a := r.lower(j); a == "a" || a == "an" { // half an hour
		if v == .5 {
			j++
		}
	}
	for k := j; k < j+3 && k < len(r.tokens) && !r.used[k]; k++ {
		if u, ok := unitPhrases[r.lower(k)+" "+r.lower(k+1)]; ok {
			return measured(v, other, u), k + 2
		}
		glued := k == i && r.tokens[k].glued
		if u, ok := unitOf(r.lower(k), r.language(), glued); ok && !u.multiplier() {
			return measured(v, other, u), k + 1
		}
		if r.lower(k) != "-" && r.lower(k) != ")" && !unitAdjectives[r.lower(k)] {
			break
		}
	}
	if before := r.currencyBefore(i); before != "" {
		return Number{Value: v, Other: other, Unit: before, Plain: v}, i
	}
	return Number{Value: v, Other: other, Plain: v}, i
}

// currencyBefore returns the currency that stands before the number whose last
// token is before i: "EUR 50", "€ 50".
func (r *reader) currencyBefore(i int) string {
	j := i - 1
	for j > 0 && (r.is(j, tokFigure) || units[r.lower(j)].multiplier() && units[r.lower(j)].factor > 0) {
		j--
	}
	if j >= 0 && currencyWord(r.lower(j)) {
		return units[r.lower(j)].base
	}
	return ""
}

// spoken reads a number in words and returns the token after it.
func (r *reader) spoken(i int) (float64, int) {
	total, current, any := 0.0, 0.0, false
	next := i
	for j := i; j < len(r.tokens) && r.is(j, tokWord) && !r.used[j]; {
		v, ok := spokenNumber(r.tokens[j].lower, r.language())
		if !ok || v == .5 && any {
			break
		}
		switch {
		case v == 1000:
			total, current = total+max(current, 1)*1000, 0
		case v == 100 || v == 12 && r.tokens[j].lower == "dozen":
			current = max(current, 1) * v
		case !any || current >= 100 && v < 100 || current >= 20 && current < 100 && v < 10 || current == 0:
			current += v
		default:
			return total + current, next
		}
		any, j = true, j+1
		next = j
		if joiner := r.lower(j); joiner == "-" || joiner == "and" || joiner == "y" || joiner == "et" {
			if _, ok := spokenNumber(r.lower(j+1), r.language()); ok && r.is(j+1, tokWord) && (joiner == "-" || current >= 20) && current != .5 {
				j++
			}
		}
	}
	if !any {
		return 0, i
	}
	if v, end := r.mixedFraction(next); end > next {
		return total + current + v, end
	}
	return total + current, next
}

// mixedFraction reads "and a half" before i+3.
func (r *reader) mixedFraction(i int) (float64, int) {
	if r.lower(i) == "and" && r.lower(i+1) == "a" && r.lower(i+2) == "half" {
		return .5, i + 3
	}
	return 0, i
}

// articles make "a week" one week; repeated, they tell how often.
var articles = map[string]map[string]bool{
	"en": set("a an every each per"),
	"de": set("ein eine einen einem einer pro je jede jeden jeder jedes"),
	"fr": set("un une par chaque"),
	"es": set("un una cada por"),
}

// frequencies are words that hold a span of time.
var frequencies = map[string]unit{ //nolint:misspell // other languages
	"hourly": {baseTime, 60}, "daily": {baseTime, 1440}, "weekly": {baseTime, 7 * 1440}, "biweekly": {baseTime, 14 * 1440}, "fortnightly": {baseTime, 14 * 1440},
	"monthly": {baseMonth, 1}, "quarterly": {baseMonth, 3}, "annual": {baseMonth, 12}, "annually": {baseMonth, 12}, "yearly": {baseMonth, 12}, "overnight": {baseTime, 1440},
	"stündlich": {baseTime, 60}, "täglich": {baseTime, 1440}, "wöchentlich": {baseTime, 7 * 1440}, "monatlich": {baseMonth, 1}, "vierteljährlich": {baseMonth, 3},
	"jährlich": {baseMonth, 12}, "quotidien": {baseTime, 1440}, "hebdomadaire": {baseTime, 7 * 1440}, "mensuel": {baseMonth, 1}, "trimestriel": {baseMonth, 3},
	"annuel": {baseMonth, 12}, "diario": {baseTime, 1440}, "semanal": {baseTime, 7 * 1440}, "mensual": {baseMonth, 1}, "trimestral": {baseMonth, 3}, "anual": {baseMonth, 12},
}

// pairs are words that mean two.
var pairs = set("both couple pair double doubled beide paar doppelt deux-fois ambos ambas doble")

// impliedNumber reads words that hold a number without naming it. Their word
// stays readable as content.
func (r *reader) impliedNumber(i int) (Number, int) {
	w := r.lower(i)
	if articles[r.language()][w] {
		j := i + 1
		if unitAdjectives[r.lower(j)] {
			j++
		}
		u, ok := unitOf(r.lower(j), r.language(), false)
		if ok && r.is(j, tokWord) && len(r.lower(j)) > 2 && (u.base == baseTime || u.base == baseMonth) {
			n := measured(1, math.NaN(), u)
			n.Implied = true
			return n, j + 1
		}
		if u, ok := unitOf(r.lower(j), r.language(), false); ok && u.multiplier() && len(r.lower(j)) > 2 {
			return r.withUnit(1, math.NaN(), j)
		}
		if r.lower(j) == "quarter" {
			n := measured(3, math.NaN(), unit{baseMonth, 1})
			n.Implied = true
			return n, j + 1
		}
	}
	if u, ok := frequencies[w]; ok {
		r.addImplied(i, measured(1, math.NaN(), u))
	} else if pairs[w] {
		r.addImplied(i, Number{Value: 2, Plain: 2, Other: math.NaN()})
	}
	return Number{}, i
}

// addImplied adds a number whose word at i is content all the same.
func (r *reader) addImplied(i int, n Number) {
	n.Implied, n.position = true, i
	n.Start, n.End = r.tokens[i].start, r.tokens[i].end
	r.facts.Numbers = append(r.facts.Numbers, n)
}

// rangeWords join two numbers that share a unit.
var rangeWords = set("- – — to or and bis und oder à ou et a y o /")

// shareUnits gives the first number of a range the unit of the second.
func (r *reader) shareUnits() {
	numbers := r.facts.Numbers
	for i := len(numbers) - 2; i >= 0; i-- {
		a, b := &numbers[i], numbers[i+1]
		if a.Unit != "" || b.Unit == "" || a.Ordinal || a.Implied || b.Implied || b.position != a.position+2 {
			continue
		}
		if rangeWords[r.lower(a.position+1)] && b.Plain != 0 {
			a.Unit, a.Value, a.Other = b.Unit, a.Plain*b.Value/b.Plain, math.NaN()
		}
	}
}
