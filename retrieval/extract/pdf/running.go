package pdf

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var digits = regexp.MustCompile(`\d+`)

// removeRunning removes headers and footers: first and last lines that are the
// same but for numbers on more than half of at least three pages, and lone
// page numbers.
func removeRunning(pages []page) {
	if len(pages) < 3 {
		return
	}
	for range 3 { // headers of up to three lines
		tops, bottoms := map[string]int{}, map[string]int{}
		for _, p := range pages {
			if n := len(p.lines); n > 1 {
				tops[pattern(p.lines[0])]++
				bottoms[pattern(p.lines[n-1])]++
			}
		}
		removed := false
		for i := range pages {
			lines := pages[i].lines
			if len(lines) > 1 && running(tops, lines[0], len(pages)) {
				lines, removed = lines[1:], true
			}
			if n := len(lines); n > 1 && running(bottoms, lines[n-1], len(pages)) {
				lines, removed = lines[:n-1], true
			}
			pages[i].lines = lines
		}
		if !removed {
			return
		}
	}
}

func pattern(l line) string { return digits.ReplaceAllString(l.text, "#") }

func running(counts map[string]int, l line, pages int) bool {
	return counts[pattern(l)]*2 > pages && len(l.text) < 200
}

// largestLine returns the line with the largest font at the beginning of a
// file, with the lines of the same size that follow it; empty when no line is
// larger than the rest.
func largestLine(pages []page) string {
	if len(pages) == 0 {
		return ""
	}
	lines := pages[0].lines[:min(len(pages[0].lines), 15)]
	best := -1
	var sizes []float64
	for _, l := range pages[0].lines {
		sizes = append(sizes, l.size)
	}
	for i, l := range lines {
		if strings.ContainsFunc(l.text, unicode.IsLetter) && (best < 0 || l.size > lines[best].size*1.05) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	slices.Sort(sizes)
	if len(sizes) > 3 && lines[best].size < sizes[len(sizes)/2]*1.1 {
		return ""
	}
	title := lines[best].text
	for _, l := range lines[best+1:] {
		if abs(l.size-lines[best].size) > 0.1 || utf8.RuneCountInString(title)+len(l.text) > 150 {
			break
		}
		title += " " + l.text
	}
	if utf8.RuneCountInString(title) > 200 {
		return ""
	}
	return title
}
