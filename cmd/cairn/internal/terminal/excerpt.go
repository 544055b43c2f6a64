package terminal

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words returns the words of a query that are worth marking in a text, in lower
// case: those with three letters or more, and numbers.
func Words(query string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return !letter(r) }) {
		first, _ := utf8.DecodeRuneInString(w)
		if utf8.RuneCountInString(w) >= 3 || unicode.IsDigit(first) {
			out = append(out, w)
		}
	}
	return out
}

// matches reports whether a word of a text is, or begins with, one of the words.
// A final s of a query's word does not count, so that "limits" finds "limit".
func matches(word string, words []string) bool {
	word = strings.ToLower(strings.TrimFunc(word, func(r rune) bool { return !letter(r) }))
	for _, w := range words {
		if word == w {
			return true
		}
		if stem := strings.TrimSuffix(w, "s"); utf8.RuneCountInString(stem) >= 4 && strings.HasPrefix(word, stem) {
			return true
		}
	}
	return false
}

// Excerpt returns the part of text, about columns wide, that holds most of the
// words, as one paragraph with the words in bold. Where text was left out there is
// an ellipsis. Text is cleaned, and the marks of Markdown that only help
// rendering are left out.
func (s *Screen) Excerpt(text string, words []string, columns int) string {
	all := strings.Fields(plain(Clean(text)))
	from, to := bestWindow(all, words, columns)
	shown := make([]string, 0, to-from+2)
	if from > 0 {
		shown = append(shown, "…")
	}
	for _, w := range all[from:to] {
		if s.Colour && matches(w, words) {
			w = s.Bold(w)
		}
		shown = append(shown, w)
	}
	if to < len(all) {
		shown = append(shown, "…")
	}
	return strings.Join(shown, " ")
}

// linkText finds links and images of Markdown.
var linkText = regexp.MustCompile(`!?\[([^\]\n]*)\]\([^()\s]*\)`)

// plain takes headings' marks, tables' frames and links' targets away.
func plain(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.Trim(line, "|-: ") == "" { // empty, or the rule below a table's head
			continue
		}
		if heading := strings.TrimLeft(line, "#"); strings.HasPrefix(heading, " ") {
			line = strings.TrimSpace(heading) + ":"
		}
		if strings.HasPrefix(line, "|") && strings.HasSuffix(line, "|") {
			line = strings.TrimSpace(strings.Trim(line, "|")) + ";"
		}
		out = append(out, linkText.ReplaceAllString(line, "$1"))
	}
	return strings.Join(out, "\n")
}

// bestWindow returns a run of words that fits and has the most different
// matches, of several the one that shows most around them. A single long word
// counts as fitting.
func bestWindow(all, words []string, columns int) (from, to int) {
	best := -1
	for start := 0; start < len(all); {
		end, used := start, 0
		found, first, last := map[string]bool{}, start, start
		for end < len(all) && (end == start || used+1+width(all[end]) <= columns) {
			used += 1 + width(all[end])
			if matches(all[end], words) {
				if len(found) == 0 {
					first = end
				}
				found[strings.ToLower(all[end])], last = true, end
			}
			end++
		}
		before, after := first-start, end-1-last
		if start == 0 { // nothing was left out there
			before = enoughAround
		}
		if end == len(all) {
			after = enoughAround
		}
		if score := len(found)*(enoughAround+1) + min(before, after, enoughAround); score > best {
			best, from, to = score, start, end
		}
		if end == len(all) {
			break
		}
		start += max(1, (end-start)/8)
	}
	return from, to
}

// enoughAround is how many words before and after a match help to read it.
const enoughAround = 5
