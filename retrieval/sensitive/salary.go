package sensitive

import (
	"regexp"
	"strings"
)

// pay are words for pay in English, German, French, Spanish, Italian, Dutch and
// Polish, in lower case, as they begin; those that are parts of many other words must
// begin a word.
var pay = []struct {
	stem   string
	begins bool
}{
	{"salar", true}, {"remuneration", true}, {"payroll", true}, {"base pay", true}, {"annual pay", true}, {"monthly pay", true}, {"wage", true},
	{"gehalt", false}, {"gehält", false}, {"lohn", true}, {"vergütung", false},
	{"salaire", true}, {"rémunération", true}, {"traitement brut", true},
	{"sueldo", true}, {"nómina", true}, {"stipendi", true}, {"retribuzion", true},
	{"loon", true}, {"wynagrodzeni", true}, {"pensja", true}, {"pensji", true},
}

// amount is a sum of money of three digits or more, with its currency, in lower case.
var amount = regexp.MustCompile(
	`(?:€|\$|£|zł|\b(?:eur|euro|usd|gbp|chf|pln)) ?(\d{1,3}(?:[.,' ]\d{3})+|\d{3,7}|\d{1,3} ?k\b)` +
		`|\b(\d{1,3}(?:[.,' ]\d{3})+|\d{3,7}|\d{1,3} ?k)(?:[.,]\d{2})? ?(?:€|\$|£|zł|(?:eur|euros?|usd|gbp|chf|pln|dollars?|pounds)\b)`)

// salaries finds amounts of money beside words for pay, on the same line.
func salaries(p page, found func(Kind, string)) {
	for _, w := range pay {
		for at := 0; ; {
			i := strings.Index(p.lower[at:], w.stem)
			if i < 0 {
				break
			}
			start := at + i
			at = start + len(w.stem)
			if w.begins && start > 0 && wordly(p.lower[start-1]) {
				continue
			}
			for _, m := range amount.FindAllStringSubmatch(p.line(start, at), -1) {
				found(Salary, m[1]+m[2])
			}
		}
	}
}

// line returns what stands near [start, end) on its line.
func (p page) line(start, end int) string {
	from, to := max(start-nearAfter, 0), min(end+nearBefore, len(p.lower))
	if i := strings.LastIndexByte(p.lower[from:start], '\n'); i >= 0 {
		from += i + 1
	}
	if i := strings.IndexByte(p.lower[end:to], '\n'); i >= 0 {
		to = end + i
	}
	return p.lower[from:to]
}
