package verifytest

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Values of numbers are fixed point, in hundredths, so that equality is exact.
const unit = 100

// A number is a number in a sentence. Only its leading part is replaced: of
// "two hundred" the "two".
type number struct {
	start, end int   // bytes of the part that is replaced
	value      int64 // of that part, in hundredths
	scale      int64 // what a following word such as "hundred" multiplies it by
	decimals   int   // digits after the decimal sign
	group      string
	decimal    string
	word       bool
	percent    bool
}

var (
	digitRun = regexp.MustCompile(`\d+(?:[.,' \x{a0}\x{202f}]\d+)*`)
	wordRun  = regexp.MustCompile(`\pL+(?:-\pL+)*`)
)

// findNumbers returns the numbers of the sentence that may be changed: not
// those in dates or names, not times, versions or identifiers.
func findNumbers(c Case) []number {
	_, skip := findDates(c.Sentence, c.Lang)
	for _, n := range c.Names {
		if at := strings.Index(c.Sentence, n.Text); at >= 0 {
			skip = append(skip, [2]int{at, at + len(n.Text)})
		}
	}
	var out []number
	for _, m := range digitRun.FindAllStringIndex(c.Sentence, -1) {
		if overlaps(skip, m[0], m[1]) || !standsAlone(c.Sentence, m[0], m[1]) {
			continue
		}
		if n, ok := parseDigits(c.Sentence[m[0]:m[1]], c.Lang); ok {
			out = append(out, place(n, c.Sentence, m))
		}
	}
	for _, m := range wordRun.FindAllStringIndex(c.Sentence, -1) {
		if overlaps(skip, m[0], m[1]) {
			continue
		}
		if v, end, ok := leadingNumeral(c.Sentence[m[0]:m[1]], c.Lang); ok {
			out = append(out, place(number{value: v * unit, word: true}, c.Sentence, []int{m[0], m[0] + end}))
		}
	}
	return slices.DeleteFunc(out, func(n number) bool { return n.value == unit })
}

// place sets where n stands in s and what follows it there.
func place(n number, s string, at []int) number {
	n.start, n.end, n.scale = at[0], at[1], 1
	rest := strings.TrimLeft(s[at[1]:], " \u00a0\u202f")
	n.percent = strings.HasPrefix(rest, "%") || strings.HasPrefix(rest, "percent")
	if ws := words(rest); len(ws) > 0 && scales[ws[0]] > 0 {
		n.scale = scales[ws[0]]
	}
	return n
}

// standsAlone reports whether the digits s[start:end] are neither glued to a
// letter nor part of a time, a version or an identifier.
func standsAlone(s string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:start])
	after, _ := utf8.DecodeRuneInString(s[end:])
	return !unicode.IsLetter(before) && !strings.ContainsRune("-_/.:", before) &&
		!unicode.IsLetter(after) && !strings.ContainsRune("_/:", after)
}

// parseDigits reads s as a number written in the manner of lang. It refuses what
// is not one number, such as a list.
func parseDigits(s, lang string) (number, bool) {
	group, decimal := ",", "."
	if lang != "en" {
		group, decimal = ".", ","
	}
	for _, space := range []string{" ", "\u00a0", "\u202f"} {
		if strings.Contains(s, space) {
			group = space
		}
	}
	whole, frac, _ := strings.Cut(s, decimal)
	groups := strings.Split(whole, group)
	for _, g := range groups[1:] {
		if len(g) != 3 {
			return number{}, false
		}
	}
	if len(frac) > 2 {
		return number{}, false
	}
	v, err := strconv.ParseInt(strings.Join(groups, "")+(frac + "00")[:2], 10, 64)
	if err != nil {
		return number{}, false
	}
	n := number{value: v, decimals: len(frac), decimal: decimal}
	if len(groups) > 1 {
		n.group = group
	}
	return n, true
}

// leadingNumeral returns the value of the number word that w is or, up to a
// hyphen, begins with ("two-hour"), and how many bytes of w it takes.
func leadingNumeral(w, lang string) (value int64, end int, ok bool) {
	for end := len(w); end > 0; end = strings.LastIndexByte(w[:end], '-') {
		for _, n := range small[lang] {
			if n.word == strings.ToLower(w[:end]) {
				return n.value, end, true
			}
		}
	}
	return 0, 0, false
}

// mutateNumber changes one number of the sentence to a plausible one whose
// value no number of the passages or of the sentence has.
func mutateNumber(c Case, rng *rand.Rand) (edit, bool) {
	taken := takenValues(c)
	var groups [][]edit
	for _, n := range findNumbers(c) {
		var edits []edit
		for _, v := range numberCandidates(n) {
			if taken[v] || taken[v*n.scale] || !c.allows(c.Sentence[n.start:n.end], n.value, v) {
				continue
			}
			if to, ok := renderNumber(n, v, c); ok {
				edits = append(edits, edit{n.start, n.end, to})
			}
		}
		groups = append(groups, edits)
	}
	return pick(groups, rng)
}

// numberCandidates returns numbers of the same order and roundness as n: some
// steps of its last digit that is not zero up or down, half and double.
func numberCandidates(n number) []int64 {
	step := int64(unit)
	for i := 0; i < n.decimals; i++ {
		step /= 10
	}
	for n.value >= 20*step && n.value%(10*step) == 0 {
		step *= 10
	}
	vs := []int64{2 * n.value}
	if n.value%(2*step) == 0 {
		vs = append(vs, n.value/2)
	}
	for k := int64(1); k <= 5; k++ {
		vs = append(vs, n.value+k*step, n.value-k*step)
	}
	slices.Sort(vs)
	vs = slices.Compact(vs)
	return slices.DeleteFunc(vs, func(v int64) bool {
		return v <= 0 || v == unit || v == n.value || n.percent && v > 100*unit
	})
}

// renderNumber writes v in the manner of n; it fails for words that the
// language would not form.
func renderNumber(n number, v int64, c Case) (string, bool) {
	if n.word {
		w, ok := wordFor(v/unit, c.Lang)
		if first, _ := utf8.DecodeRuneInString(c.Sentence[n.start:]); ok && unicode.IsUpper(first) {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		return w, ok
	}
	whole := strconv.FormatInt(v/unit, 10)
	if n.group != "" {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + n.group + whole[i:]
		}
	}
	if n.decimals == 0 {
		return whole, true
	}
	frac := strconv.FormatInt(unit+v%unit, 10)[1:]
	return whole + n.decimal + frac[:n.decimals], true
}

// takenValues returns the values, in hundredths, of all that could be read as a
// number in the passages or the sentence. It errs on the side of too many:
// separators are read as grouping and as decimal sign, and every run of digits
// also counts by itself, be it in a date, a time or an identifier.
func takenValues(c Case) map[int64]bool {
	taken := make(map[int64]bool)
	for _, text := range append([]string{c.Sentence}, c.Passages...) {
		for _, m := range digitRun.FindAllStringIndex(text, -1) {
			for _, lang := range []string{"en", "de"} {
				if n, ok := parseDigits(text[m[0]:m[1]], lang); ok {
					taken[n.value] = true
					taken[n.value*place(n, text, m).scale] = true
				}
			}
			for _, part := range words(text[m[0]:m[1]]) {
				if v, err := strconv.ParseInt(part, 10, 64); err == nil {
					taken[v*unit] = true
				}
			}
		}
		markWordValues(taken, text)
	}
	return taken
}

// markWordValues marks the values of the number words in text, with and without
// a following word such as "hundred".
func markWordValues(taken map[int64]bool, text string) {
	for _, m := range wordRun.FindAllStringIndex(text, -1) {
		w := strings.ToLower(text[m[0]:m[1]])
		for _, part := range append(strings.Split(w, "-"), w) {
			if v, ok := valueOf(part); ok {
				n := place(number{value: v * unit}, text, m)
				taken[n.value], taken[n.value*n.scale] = true, true
			}
		}
	}
}
