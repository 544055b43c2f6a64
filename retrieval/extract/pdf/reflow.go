package pdf

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// paragraphs joins the lines of a page into paragraphs. words are those that
// the whole file uses; they decide what becomes of a hyphen at a line's end.
func (p page) paragraphs(words map[string]int) []string {
	var out []string
	var current []byte
	var area line // what the lines of the paragraph cover
	end := func() {
		if text := strings.TrimSuffix(string(current), "\u00ad"); text != "" {
			out = append(out, text)
		}
		current = current[:0]
	}
	spacing, margin := p.spacing(), p.rightMargin()
	for i, l := range p.lines {
		switch {
		case i > 0 && len(current) > 0 && besideOf(area, l):
			// Another cell of the same row of a table.
			current = append(current, " | "...)
			current = append(current, l.text...)
			area = area.with(l)
			continue
		case i > 0 && p.breaks(i, spacing, margin):
			end()
		}
		if len(current) == 0 {
			area = l
		}
		current = appendLine(current, l.text, words)
		area = area.with(l)
	}
	end()
	return out
}

// besideOf reports whether a line begins right of all that a paragraph covers,
// and not below or above it.
func besideOf(area, l line) bool {
	return area.top > 0 && l.top > 0 && l.left > area.right+0.5*l.size && l.top < area.top+0.8*l.size && l.bottom > area.bottom-0.8*l.size
}

// with returns what a and b cover together.
func (a line) with(b line) line {
	if b.top == 0 {
		return a
	}
	a.left, a.right = min(a.left, b.left), max(a.right, b.right)
	a.top, a.bottom = max(a.top, b.top), min(a.bottom, b.bottom)
	return a
}

// maxCarry is how many bytes of a page can be put to the page before.
const maxCarry = 1_500

// joinPages puts the end of a paragraph that goes on over pages to the page
// where it begins: sentences stay whole.
func joinPages(pages [][]string) {
	for i := 1; i < len(pages); i++ {
		above, here := pages[i-1], pages[i]
		if len(above) == 0 || len(here) == 0 || len(here[0]) > maxCarry {
			continue
		}
		last := above[len(above)-1]
		first, _ := utf8.DecodeRuneInString(here[0])
		if !unicode.IsLower(first) || ends.MatchString(last) || strings.Contains(last, " | ") || len(last) < 40 {
			continue
		}
		above[len(above)-1] = string(appendLine([]byte(last), here[0], nil))
		pages[i] = here[1:]
	}
}

var (
	bullet = regexp.MustCompile(`^(?:[•▪●◦‣∙·■□–—-]\s|\(?[0-9]{1,3}[.)]\s|\(?[a-z]\)\s|[0-9]+(?:\.[0-9]+)+\s)`)
	ends   = regexp.MustCompile(`[.!?:;]["”’)\]]?$`)
)

// breaks reports whether a paragraph begins with line i.
func (p page) breaks(i int, spacing, margin float64) bool {
	above, l := p.lines[i-1], p.lines[i]
	if above.top == 0 || l.top == 0 {
		return ends.MatchString(above.text)
	}
	if bullet.MatchString(l.text) {
		return true
	}
	size := max(l.size, above.size, 1)
	down := above.bottom - l.bottom
	switch {
	case down < 0.2*size: // beside or above: another column or cell
		return down < -0.2*size || l.left > above.right+3*size
	case down > 1.35*max(spacing, size*0.9):
		return true
	case abs(l.size-above.size) > 0.08*size: // a heading
		return true
	}
	indent := l.left - above.left
	if indent > 0.8*size && !bullet.MatchString(above.text) && i > 1 {
		return ends.MatchString(above.text)
	}
	if strings.HasSuffix(above.text, "-") || strings.HasSuffix(above.text, "\u00ad") {
		return false
	}
	// A line that leaves much room for the first word of the next ends a paragraph.
	first, _, _ := strings.Cut(l.text, " ")
	if start, _ := utf8.DecodeRuneInString(first); unicode.IsLower(start) && !ends.MatchString(above.text) {
		return false
	}
	room := margin - above.right
	return room > size*0.5*float64(utf8.RuneCountInString(first)+2)+0.05*(margin-above.left) && ends.MatchString(above.text) ||
		room > 0.4*(margin-above.left)
}

func abs(x float64) float64 { return max(x, -x) }

// spacing returns the usual distance between the base lines of two lines.
func (p page) spacing() float64 {
	var steps []float64
	for i := 1; i < len(p.lines); i++ {
		above, l := p.lines[i-1], p.lines[i]
		if down := above.bottom - l.bottom; down > 0.5*l.size && down < 3*max(l.size, 1) && l.top > 0 {
			steps = append(steps, down)
		}
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	// Fewer than half of the steps are within paragraphs on pages of short ones.
	return steps[len(steps)/3]
}

// rightMargin returns where full lines end: a little left of the longest.
func (p page) rightMargin() float64 {
	var rights []float64
	for _, l := range p.lines {
		if l.top > 0 {
			rights = append(rights, l.right)
		}
	}
	if len(rights) == 0 {
		return 0
	}
	slices.Sort(rights)
	return rights[len(rights)*9/10]
}

// appendLine appends a line to a paragraph and joins a word that was divided.
func appendLine(paragraph []byte, text string, words map[string]int) []byte {
	if len(paragraph) == 0 {
		return append(paragraph, text...)
	}
	before, soft := bytes.CutSuffix(paragraph, []byte("\u00ad"))
	divided := soft
	if !soft {
		before, divided = bytes.CutSuffix(paragraph, []byte("-"))
	}
	next, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRune(before)
	switch {
	case !divided:
		paragraph = append(paragraph, ' ')
	case !unicode.IsLetter(last) || !unicode.IsLetter(next), keepsHyphen(lastWord(before), firstWord(text), words):
		paragraph = append(before, '-')
	default:
		paragraph = before
	}
	return append(paragraph, text...)
}

// keepsHyphen reports whether two parts of a word at a line's end belong
// together with a hyphen: the file writes them so elsewhere, or it does not
// write them as one word and the second begins with a capital.
func keepsHyphen(first, second string, words map[string]int) bool {
	joined, hyphened := words[strings.ToLower(first+second)], words[strings.ToLower(first+"-"+second)]
	if joined != hyphened {
		return hyphened > joined
	}
	r, _ := utf8.DecodeRuneInString(second)
	return unicode.IsUpper(r)
}

func lastWord(s []byte) string {
	if i := bytes.LastIndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }); i >= 0 {
		_, size := utf8.DecodeRune(s[i:])
		s = s[i+size:]
	}
	return string(s)
}

func firstWord(s string) string {
	if i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }); i >= 0 {
		return s[:i]
	}
	return s
}

// vocabulary counts the words inside of lines, in lower case.
func vocabulary(pages []page) map[string]int {
	words := map[string]int{}
	for _, p := range pages {
		for _, l := range p.lines {
			for _, w := range strings.FieldsFunc(l.text, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }) {
				words[strings.ToLower(w)]++
			}
		}
	}
	return words
}
