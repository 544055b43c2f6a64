package verifytest

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A calendar holds the names that one language gives to months and weekdays.
type calendar struct {
	months   []string // January first
	weekdays []string // Monday first
}

var calendars = map[string]calendar{
	"en": {
		strings.Fields("January February March April May June July August September October November December"),
		strings.Fields("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
	},
	"de": {
		strings.Fields("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
		strings.Fields("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
	},
	"fr": {
		strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
		strings.Fields("lundi mardi mercredi jeudi vendredi samedi dimanche"),
	},
	"es": {
		strings.Fields("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
		strings.Fields("lunes martes miércoles jueves viernes sábado domingo"),
	},
}

// A datePart is the day, month, year or weekday of a date in a text.
type datePart struct {
	unit       byte // 'd', 'm', 'y' or 'w'
	start, end int  // bytes in the text
	value      int  // weekdays count from 1, Monday
	text       string
	day        int  // of the whole date, 0 if it has none
	padded     bool // in a date all of digits: two digits, "03"
}

// datePatterns has the forms of a date by language.
var datePatterns = func() map[string][]*regexp.Regexp {
	m := make(map[string][]*regexp.Regexp)
	for lang, cal := range calendars {
		m[lang] = cal.patterns()
	}
	return m
}()

// patterns returns the forms of a date, the longest first. The names of the
// groups are the units of datePart.
func (cal calendar) patterns() []*regexp.Regexp {
	month := `(?P<m>` + strings.Join(cal.months, "|") + `)`
	weekday := `(?P<w>` + strings.Join(cal.weekdays, "|") + `)`
	const (
		day  = `\b(?P<d>\d{1,2}(?:st|nd|rd|th|er)?)`
		year = `(?P<y>20[12]\d)\b`
	)
	forms := []string{
		year + `-(?P<m>\d\d)-(?P<d>\d\d)\b`,
		`\b(?P<d>\d{1,2})[./](?P<m>\d{1,2})[./]` + year,
		day + `\.? (?:of |de )?` + month + `(?:,? (?:de )?` + year + `)?`,
		month + ` ` + day + `\b(?:, ` + year + `)?`,
		month + ` (?:de )?` + year,
		weekday,
		`\b` + month,
		`\b` + year,
	}
	var res []*regexp.Regexp
	for _, f := range forms {
		res = append(res, regexp.MustCompile(f))
	}
	return res
}

// allDigits matches a date without names or spaces.
var allDigits = regexp.MustCompile(`^[\d./-]+$`)

// findDates returns the parts of the dates in text and the spans of the dates
// themselves. A shorter form is not looked for inside a longer one.
func findDates(text, lang string) (parts []datePart, spans [][2]int) {
	for _, re := range datePatterns[lang] {
		for _, m := range re.FindAllStringSubmatchIndex(text, -1) {
			if overlaps(spans, m[0], m[1]) {
				continue
			}
			spans = append(spans, [2]int{m[0], m[1]})
			first := len(parts)
			for i, unit := range re.SubexpNames() {
				if unit == "" || m[2*i] < 0 {
					continue
				}
				p := datePart{unit: unit[0], start: m[2*i], end: m[2*i+1], padded: allDigits.MatchString(text[m[0]:m[1]])}
				p.text = text[p.start:p.end]
				p.value = datePartValue(p, lang)
				parts = append(parts, p)
			}
			setDay(parts[first:])
		}
	}
	return parts, spans
}

// setDay notes the day of a date in all of its parts.
func setDay(parts []datePart) {
	for _, p := range parts {
		if p.unit == 'd' {
			for i := range parts {
				parts[i].day = p.value
			}
		}
	}
}

func overlaps(spans [][2]int, start, end int) bool {
	return slices.ContainsFunc(spans, func(s [2]int) bool { return start < s[1] && s[0] < end })
}

func datePartValue(p datePart, lang string) int {
	if n, err := strconv.Atoi(strings.TrimRight(p.text, "abcdefghijklmnopqrstuvwxyz")); err == nil {
		return n
	}
	if p.unit == 'w' {
		return 1 + slices.Index(calendars[lang].weekdays, p.text)
	}
	return 1 + slices.Index(calendars[lang].months, p.text)
}

// mutateDate changes the day, month, year or weekday of one date of the
// sentence to one that no date of the passages or of the sentence has.
func mutateDate(c Case, rng *rand.Rand) (edit, bool) {
	parts, _ := findDates(c.Sentence, c.Lang)
	taken := takenDateParts(c)
	var groups [][]edit
	for _, p := range parts {
		var edits []edit
		for _, v := range dateCandidates(p) {
			if !taken[[2]int{int(p.unit), v}] && c.allows(p.text, int64(p.value), int64(v)) {
				edits = append(edits, edit{p.start, p.end, renderDatePart(p, v, c.Lang)})
			}
		}
		groups = append(groups, edits)
	}
	return pick(groups, rng)
}

// dateCandidates returns the values that the part may take. Days stop at 28, and
// months must have the day of their date in every year.
func dateCandidates(p datePart) []int {
	lo, hi := 1, 28
	switch p.unit {
	case 'm':
		hi = 12
	case 'w':
		hi = 7
	case 'y':
		lo, hi = p.value-3, p.value+3
	}
	var vs []int
	for v := lo; v <= hi; v++ {
		// Day 0 of a month is the last one of the month before; 2023 is no leap year.
		if p.unit != 'm' || p.day <= time.Date(2023, time.Month(v+1), 0, 0, 0, 0, 0, time.UTC).Day() {
			vs = append(vs, v)
		}
	}
	return vs
}

// renderDatePart writes v in the manner of p: a name, an ordinal, with or
// without a leading zero.
func renderDatePart(p datePart, v int, lang string) string {
	switch {
	case p.unit == 'w':
		return calendars[lang].weekdays[v-1]
	case p.unit == 'm' && (p.text[0] < '0' || p.text[0] > '9'):
		return calendars[lang].months[v-1]
	case strings.HasSuffix(p.text, "er"):
		return strconv.Itoa(v)
	case strings.TrimRight(p.text, "stndrh") != p.text:
		return strconv.Itoa(v) + ordinalSuffix(v)
	case p.padded:
		return fmt.Sprintf("%0*d", len(p.text), v)
	default:
		return strconv.Itoa(v)
	}
}

func ordinalSuffix(n int) string {
	if n/10 == 1 {
		return "th"
	}
	switch n % 10 {
	case 1:
		return "st"
	case 2:
		return "nd"
	case 3:
		return "rd"
	}
	return "th"
}

// takenDateParts returns {unit, value} of all that could be read as part of a
// date in the passages or the sentence. It errs on the side of too many: every
// number is a day, a month and a year, every word that names or abbreviates a
// month or a weekday in any language counts.
func takenDateParts(c Case) map[[2]int]bool {
	taken := make(map[[2]int]bool)
	for _, text := range append([]string{c.Sentence}, c.Passages...) {
		for _, w := range words(text) {
			n, err := strconv.Atoi(strings.TrimRight(w, "stndrhe"))
			if err == nil {
				for _, unit := range "dmy" {
					taken[[2]int{int(unit), n}] = true
				}
				continue
			}
			for _, cal := range calendars {
				markNamed(taken, 'm', cal.months, w)
				markNamed(taken, 'w', cal.weekdays, w)
			}
		}
	}
	return taken
}

// markNamed marks the names that w begins with (a plural) or abbreviates to at
// least three letters.
func markNamed(taken map[[2]int]bool, unit int, names []string, w string) {
	for i, name := range names {
		name = strings.ToLower(name)
		if strings.HasPrefix(w, name) || len(w) >= 3 && strings.HasPrefix(name, w) {
			taken[[2]int{unit, i + 1}] = true
		}
	}
}
