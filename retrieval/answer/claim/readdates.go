package claim

import (
	"strconv"
	"strings"
)

func (r *reader) readDates() {
	for i := 0; i < len(r.tokens); {
		d, next := r.date(i)
		if next == i || d.empty() {
			i++
			continue
		}
		d.token = i
		d.Start, d.End = r.tokens[i].start, r.tokens[next-1].end
		r.facts.Dates = append(r.facts.Dates, d)
		r.use(i, next)
		i = next
	}
}

// date reads a date that begins at token i and returns the token after it, i
// when there is none.
func (r *reader) date(i int) (Date, int) {
	t := r.tokens[i]
	switch t.kind {
	case tokFigure:
		if d, next := r.dateFromFigure(i); next > i {
			return d, next
		}
	case tokCode, tokWord:
		if m := quarterly.FindStringSubmatch(t.text); m != nil {
			q, _ := strconv.Atoi(m[1])
			year, next := r.year(i + 1)
			return Date{Quarter: q, Year: year}, next
		}
		if minute, ok := namedTimes[t.lower]; ok {
			return Date{Clock: minute}, i + 1
		}
		if day := r.weekday(i); day > 0 {
			return r.afterWeekday(i, day)
		}
		if month := r.month(i); month > 0 {
			return r.afterMonth(i, month)
		}
		return r.quarterWords(i)
	}
	return Date{}, i
}

var namedTimes = map[string]int{"noon": 721, "midday": 721, "midnight": 1, "mitternacht": 1, "mittags": 721, "midi": 721, "minuit": 1, "mediodía": 721, "medianoche": 1}

// afterWeekday reads what follows "Tuesday": ", 3 March 2026" or nothing.
func (r *reader) afterWeekday(i, day int) (Date, int) {
	j := i + 1
	if r.lower(j) == "." && len(r.tokens[i].text) <= 4 {
		j++
	}
	comma := r.lower(j) == ","
	if comma {
		j++
	}
	if dateLinks[r.lower(j)] && (!comma || r.language() != "fr" && r.language() != "es") {
		j++
	}
	if j < len(r.tokens) && (r.tokens[j].kind == tokFigure || r.month(j) > 0) {
		d, next := r.date(j)
		if next > j && d.Day > 0 {
			d.Weekday = day
			return d, next
		}
	}
	return Date{Weekday: day}, i + 1
}

var dateLinks = set("the den dem der le el am of de del im")

// dateFromFigure reads "2026-03-03", "3 March 2026", "14:30", "9 Uhr", "2026".
func (r *reader) dateFromFigure(i int) (Date, int) {
	t := r.tokens[i]
	text := t.text
	if r.lower(i+1) == "." && r.tokens[i+1].glued && strings.Count(text, ".") == 1 {
		if d, ok := dateFigure(text+".", r.language()); ok { // "15.03." at the end
			if year, next := r.year(i + 2); year > 0 {
				d.Year = year
				return d, next
			}
			return d, i + 1
		}
	}
	if d, ok := dateFigure(text, r.language()); ok {
		if half := r.lower(i + 1); d.Clock > 0 && (half == "am" || half == "pm" || half == "a.m" || half == "p.m") {
			d.Clock = clock((d.Clock-1)/60, (d.Clock-1)%60, half)
			return d, i + 2
		}
		if r.lower(i+1) == "uhr" {
			return d, i + 2
		}
		return d, i + 1
	}
	f := readFigure(text, r.language())
	whole := int(f.value)
	if !f.ok || float64(whole) != f.value && r.lower(i+1) != "uhr" || f.currency != "" {
		return Date{}, i
	}
	if d, next := r.hour(i, f); next > i {
		return d, next
	}
	if whole >= 1 && whole <= 31 && ordinalSuffix(f.suffix) {
		j := i + 1
		for r.lower(j) == "." || dateLinks[r.lower(j)] {
			j++
		}
		if month := r.month(j); month > 0 {
			year, next := r.year(j + 1)
			return Date{Day: whole, Month: month, Year: year}, next
		}
		if whole <= 4 && (f.suffix != "" || r.lower(i+1) == ".") && quarterNames[r.lower(j)] {
			year, next := r.year(j + 1)
			return Date{Quarter: whole, Year: year}, next
		}
	}
	if year, next := r.year(i); next == i+1 && !r.countsSomething(i) {
		return Date{Year: year}, next
	}
	return Date{}, i
}

// hour reads "9 am", "17 Uhr", "17.30 Uhr", "5 o'clock".
func (r *reader) hour(i int, f figure) (Date, int) {
	if f.suffix != "" || f.value < 0 || f.value > 24 {
		return Date{}, i
	}
	hour, minute := int(f.value), 0
	if _, after, ok := strings.Cut(r.tokens[i].text, "."); ok {
		minute, _ = strconv.Atoi(after)
	}
	switch half := r.lower(i + 1); half {
	case "am", "pm", "a.m", "p.m":
		return Date{Clock: clock(hour, minute, half)}, i + 2
	case "uhr":
		return Date{Clock: clock(hour, minute, "")}, i + 2
	case "o":
		if r.lower(i+2) == "clock" {
			return Date{Clock: clock(hour, 0, "")}, i + 3
		}
	}
	return Date{}, i
}

func ordinalSuffix(s string) bool {
	switch s {
	case "", "st", "nd", "rd", "th", "er", "º", "°", ".", "ème", "e":
		return true
	}
	return false
}

// countsSomething reports whether the four digits at i count what follows rather
// than name a year: "2000 euros".
func (r *reader) countsSomething(i int) bool {
	if !r.is(i+1, tokWord) {
		return false
	}
	if u, ok := unitOf(r.lower(i+1), r.language(), false); ok && u.base != baseTime {
		return true
	}
	return currencyWord(r.lower(i - 1))
}

func currencyWord(w string) bool {
	switch units[w].base {
	case "EUR", "USD", "GBP", "CHF", "JPY":
		return true
	}
	return false
}

// year reads a year at i, after a comma or "of", and returns the token after it;
// 0 and i when there is none.
func (r *reader) year(i int) (int, int) {
	j := i
	for j < i+2 && (r.lower(j) == "," || r.lower(j) == "." || r.lower(j) == "of" || r.lower(j) == "de" || r.lower(j) == "del") {
		j++
	}
	if r.is(j, tokFigure) && len(r.tokens[j].text) == 4 {
		if y, err := strconv.Atoi(r.tokens[j].text); err == nil && y >= 1900 && y < 2100 {
			return y, j + 1
		}
	}
	return 0, i
}

// afterMonth reads what follows a month: "3, 2026", "2026" or nothing.
func (r *reader) afterMonth(i, month int) (Date, int) {
	d := Date{Month: month}
	j := i + 1
	if r.lower(j) == "." && r.tokens[j].glued && len(r.tokens[i].text) <= 4 {
		j++
	}
	if r.is(j, tokFigure) {
		f := readFigure(r.tokens[j].text, r.language())
		day := int(f.value)
		if f.ok && f.currency == "" && float64(day) == f.value && day >= 1 && day <= 31 && ordinalSuffix(f.suffix) {
			d.Day = day
			j++
		}
	}
	year, next := r.year(j)
	if year > 0 {
		d.Year = year
		return d, next
	}
	if d.Day == 0 {
		j = i + 1
	}
	return d, j
}

// calendarNumber looks a word up among the months and days of the language.
func (r *reader) calendarNumber(i int) int {
	if !r.is(i, tokWord) && !r.is(i, tokCode) {
		return 0
	}
	c, ok := calendars[r.language()]
	if !ok {
		c = calendars["en"]
	}
	n := c[r.tokens[i].lower]
	if n == 0 {
		return 0
	}
	named := r.language() == "fr" || r.language() == "es" || capital(r.tokens[i].text) || r.language() == "de" && strings.HasSuffix(r.tokens[i].lower, "tags")
	if !named {
		return 0
	}
	return n
}

func (r *reader) besideFigure(i int) bool {
	return r.is(i-1, tokFigure) || r.is(i+1, tokFigure) || r.lower(i+1) == "." && r.is(i+2, tokFigure) ||
		(dateLinks[r.lower(i-1)] || r.lower(i-1) == ".") && r.is(i-2, tokFigure)
}

// monthLeads stand before a month that has no day.
var monthLeads = set("in by until till since of from last next early late mid this every during before after each through and or to im bis seit ab")

// month returns the month that the word at i names, 1..12, or 0.
func (r *reader) month(i int) int {
	n := r.calendarNumber(i)
	if n == 0 || n > weekdayBase {
		return 0
	}
	w := r.tokens[i].lower
	ambiguous := r.language() != "de" && r.language() != "fr" && r.language() != "es" && (w == "may" || w == "march")
	if len([]rune(w)) <= 3 && w != "mai" && w != "may" && !r.besideFigure(i) {
		return 0
	}
	if ambiguous && !r.besideFigure(i) && !monthLeads[r.lower(i-1)] {
		return 0
	}
	return n
}

// weekday returns the day of the week that the word at i names, 1..7, or 0.
func (r *reader) weekday(i int) int {
	n := r.calendarNumber(i)
	if n <= weekdayBase {
		return 0
	}
	if len([]rune(r.tokens[i].lower)) <= 3 && !r.besideFigure(i) && !r.besideDay(i) {
		return 0
	}
	return n - weekdayBase
}

// besideDay reports whether the short name at i is one end of "Mon–Fri".
func (r *reader) besideDay(i int) bool {
	dash := func(s string) bool {
		return s == "-" || s == "–" || s == "to" || s == "bis" || s == "and" || s == "und" || s == ","
	}
	return dash(r.lower(i-1)) && r.calendarNumber(i-2) > weekdayBase || dash(r.lower(i+1)) && r.calendarNumber(i+2) > weekdayBase
}

// quarterWords reads "third quarter of 2026", "3. Quartal 2026".
func (r *reader) quarterWords(i int) (Date, int) {
	rank := ordinalWord(r.lower(i), r.language())
	if rank < 1 || rank > 4 {
		return Date{}, i
	}
	if !quarterNames[r.lower(i+1)] {
		return Date{}, i
	}
	year, next := r.year(i + 2)
	return Date{Quarter: int(rank), Year: year}, next
}

var quarterNames = set("quarter quartal quartals trimestre")
