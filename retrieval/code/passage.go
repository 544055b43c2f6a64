package code

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

const (
	contextLines = 2   // before and after what matches
	mostTogether = 20  // lines from the first match to the last of a result
	maxLine      = 400 // bytes of a line that are shown
	beforeMatch  = 100 // of these, before a match that lies further behind
)

// groups puts lines together whose context meets.
func groups(lines []lineMatch) [][]lineMatch {
	var out [][]lineMatch
	for i := 0; i < len(lines); {
		n := i + 1
		for n < len(lines) && lines[n].line-lines[n-1].line <= 2*contextLines+1 && lines[n].line-lines[i].line < mostTogether {
			n++
		}
		out = append(out, lines[i:n])
		i = n
	}
	return out
}

// passage returns the lines of a file that match, with those around; without any, the
// first lines of the file.
func passage(t Text, matches []lineMatch) Result {
	r := Result{
		Document: t.Document, Version: t.Version, Source: t.Source, Repo: t.repo(), Path: t.path(), Commit: t.Attributes["commit"],
		Language: t.Attributes["language"], StartLine: 1, EndLine: min(1+contextLines, max(countLines(t.Body), 1)), Matches: []Match{},
	}
	at := 0
	if len(matches) > 0 {
		first, last := matches[0], matches[len(matches)-1]
		at, r.StartLine = back(t.Body, first.start, first.line, contextLines)
		r.EndLine = last.line + linesAfter(t.Body, last.end, contextLines)
	}
	for n := r.StartLine; n <= r.EndLine; n++ {
		end := len(t.Body)
		if i := bytes.IndexByte(t.Body[min(at, end):], '\n'); i >= 0 {
			end = at + i
		}
		line := t.Body[min(at, end):end]
		if len(matches) > 0 && matches[0].line == n {
			text, shift := cut(line, matches[0].from)
			m := Match{Line: n, Start: max(matches[0].from-shift, 0), End: min(matches[0].to-shift, len(text))}
			m.End = max(m.End, m.Start)
			r.Lines, r.Matches, matches = append(r.Lines, text), append(r.Matches, m), matches[1:]
		} else {
			text, _ := cut(line, 0)
			r.Lines = append(r.Lines, text)
		}
		at = end + 1
	}
	r.URL = t.link(r.StartLine, r.EndLine)
	return r
}

// countLines returns the number of lines; what follows the last line break is one unless
// it is empty.
func countLines(body []byte) int {
	n := bytes.Count(body, []byte{'\n'})
	if len(body) > 0 && body[len(body)-1] != '\n' {
		n++
	}
	return n
}

// back goes back by some lines from one that begins at a place.
func back(body []byte, at, line, lines int) (start, number int) {
	for ; lines > 0 && at > 0; lines-- {
		at = bytes.LastIndexByte(body[:at-1], '\n') + 1
		line--
	}
	return at, line
}

// linesAfter returns how many of some lines there are after one that ends at a place.
func linesAfter(body []byte, end, lines int) int {
	if end >= len(body) {
		return 0
	}
	return min(lines, countLines(body[end+1:min(len(body), end+1+1<<20)]))
}

// cut returns what is shown of a line, and how many bytes of its beginning are not.
func cut(line []byte, from int) (text string, shift int) {
	if len(line) <= maxLine {
		return string(line), 0
	}
	if from > maxLine-beforeMatch {
		shift = from - beforeMatch
		for shift < len(line) && !utf8.RuneStart(line[shift]) {
			shift++
		}
	}
	end := min(shift+maxLine, len(line))
	for end > shift && end < len(line) && !utf8.RuneStart(line[end]) {
		end--
	}
	return string(line[shift:end]), shift
}

// link returns the address of lines of a file; empty when the file has none. How lines are
// addressed is read off the anchor of the last section, whose lines are known.
func (t Text) link(first, last int) string {
	if t.URL == "" {
		return ""
	}
	anchor := ""
	if s := t.Section; s.Anchor != "" && s.End <= len(t.Body) && s.Start <= s.End {
		from := 1 + bytes.Count(t.Body[:s.Start], []byte{'\n'})
		to := from + bytes.Count(bytes.TrimRight(t.Body[s.Start:s.End], " \t\n"), []byte{'\n'})
		anchor = renumber(s.Anchor, from, to, first, last)
	}
	return cairn.Section{Anchor: anchor}.Link(t.URL)
}

var number = regexp.MustCompile(`[0-9]+`)

// renumber returns an anchor of the lines from and to as one of the lines first and last.
// An anchor that does not say where it begins is no anchor of lines: it is left out.
func renumber(anchor string, from, to, first, last int) string {
	at := strings.LastIndexByte(anchor, '#')
	if at < 0 {
		at = strings.LastIndex(anchor, "&line=") // before it are a path and a commit
	}
	if at < 0 {
		return ""
	}
	replaced := 0
	out := number.ReplaceAllStringFunc(anchor[at:], func(digits string) string {
		n, _ := strconv.Atoi(digits)
		line := 0
		switch {
		case replaced == 0 && n == from:
			line = first
		case replaced == 1 && n == to:
			line = last
		case replaced == 1 && n == to+1:
			line = last + 1
		default:
			return digits
		}
		replaced++
		return strconv.Itoa(line)
	})
	switch {
	case replaced == 0:
		return ""
	case replaced == 1 && last > first: // one line has the short form of canon.Lines
		out += "-L" + strconv.Itoa(last)
	}
	return anchor[:at] + out
}
