package ingest

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

// span is a byte range of a body.
type span struct{ start, end int }

// atom is a part of a span that is cut further only when it is longer than keep.
type atom struct {
	span
	keep int
}

// level cuts a span into atoms that follow each other without gaps.
type level func(body []byte, s span) []atom

// levelsOf returns how documents of a kind are cut, coarsest first.
func levelsOf(kind cairn.Kind) []level {
	switch kind {
	case cairn.KindCode:
		return []level{paragraphs, lines}
	case cairn.KindSpreadsheet, cairn.KindData:
		return []level{lines}
	}
	return []level{paragraphs, items, sentences, words}
}

// cutSpan cuts a span into trimmed pieces; white space alone gives none.
func cutSpan(body []byte, s span, levels []level) []span {
	s = trim(body, s)
	switch {
	case s.start == s.end:
		return nil
	case s.end-s.start <= goalSize:
		return []span{s}
	case len(levels) == 0:
		return cutHard(body, s)
	}
	atoms := levels[0](body, s)
	if len(atoms) == 1 {
		if s.end-s.start <= atoms[0].keep {
			return []span{s}
		}
		return cutSpan(body, s, levels[1:])
	}
	return pack(body, atoms, levels[1:])
}

// pack joins neighbouring atoms to pieces of about equal size, none longer than
// goalSize unless one atom is; atoms that must be cut further are pieces of their own.
func pack(body []byte, atoms []atom, finer []level) []span {
	var out []span
	var run []span // atoms that stay whole
	flush := func() {
		out = append(out, packRun(body, run)...)
		run = run[:0]
	}
	for _, a := range atoms {
		if t := trim(body, a.span); t.end-t.start > a.keep {
			flush()
			out = append(out, cutSpan(body, a.span, finer)...)
			continue
		}
		run = append(run, a.span)
	}
	flush()
	return out
}

func packRun(body []byte, run []span) []span {
	if len(run) == 0 {
		return nil
	}
	total := run[len(run)-1].end - run[0].start
	goal := total / ((total + goalSize - 1) / goalSize)
	var out []span
	piece := span{run[0].start, run[0].start}
	emit := func() {
		if t := trim(body, piece); t.end > t.start {
			out = append(out, t)
		}
		piece.start = piece.end
	}
	for _, s := range run {
		size, grown := piece.end-piece.start, s.end-piece.start
		if size > 0 && (trimmedSize(body, piece.start, s.end) > goalSize || grown-goal > goal-size) {
			emit()
		}
		piece.end = s.end
	}
	emit()
	return out
}

func trimmedSize(body []byte, start, end int) int {
	t := trim(body, span{start, end})
	return t.end - t.start
}

// cutHard cuts every maxRow bytes, at rune boundaries.
func cutHard(body []byte, s span) []span {
	var out []span
	for s.end-s.start > maxRow {
		end := s.start + maxRow
		for back := 1; back < utf8.UTFMax && !utf8.RuneStart(body[end]); back++ {
			end--
		}
		out = append(out, cutSpan(body, span{s.start, end}, nil)...)
		s.start = end
	}
	if s = trim(body, s); s.start < s.end {
		out = append(out, s)
	}
	return out
}

// lineEnd returns the offset after the line feed of the line at i.
func lineEnd(body []byte, i, end int) int {
	if n := bytes.IndexByte(body[i:end], '\n'); n >= 0 {
		return i + n + 1
	}
	return end
}

// lines cuts after every line feed.
func lines(body []byte, s span) []atom {
	var out []atom
	for i := s.start; i < s.end; {
		end := lineEnd(body, i, s.end)
		out = append(out, atom{span{i, end}, maxRow})
		i = end
	}
	return out
}

// paragraphs cuts after blank lines, but not inside fenced code.
func paragraphs(body []byte, s span) []atom {
	var out []atom
	start, fenced, blank := s.start, false, false
	for i := s.start; i < s.end; {
		end := lineEnd(body, i, s.end)
		line := bytes.TrimSpace(body[i:end])
		if blank && !fenced && len(line) > 0 {
			out = append(out, atom{span{start, i}, goalSize})
			start = i
		}
		if isFence(line) {
			fenced = !fenced
		}
		blank = len(line) == 0
		i = end
	}
	return append(out, atom{span{start, s.end}, goalSize})
}

// items cuts before list items, table rows and lines of fenced code, and after
// the latter two.
func items(body []byte, s span) []atom {
	var out []atom
	start, keep, fenced := s.start, goalSize, false
	for i := s.start; i < s.end; {
		end := lineEnd(body, i, s.end)
		line := bytes.TrimSpace(body[i:end])
		kind := goalSize
		switch {
		case isFence(line):
			fenced = !fenced
			kind = maxRow
		case fenced, bytes.HasPrefix(line, []byte("|")):
			kind = maxRow
		case isItem(line):
			kind = maxSize
		}
		if i > start && (kind != goalSize || keep == maxRow) {
			out = append(out, atom{span{start, i}, keep})
			start = i
		}
		if i == start {
			keep = kind
		}
		i = end
	}
	return append(out, atom{span{start, s.end}, keep})
}

func isFence(line []byte) bool {
	return bytes.HasPrefix(line, []byte("```")) || bytes.HasPrefix(line, []byte("~~~"))
}

// isItem reports whether a line begins a list item.
func isItem(line []byte) bool {
	for _, mark := range []string{"- ", "* ", "+ ", "• ", "◦ ", "▪ "} {
		if bytes.HasPrefix(line, []byte(mark)) {
			return true
		}
	}
	n := 0
	for n < len(line) && n < 3 && '0' <= line[n] && line[n] <= '9' {
		n++
	}
	return n > 0 && n+1 < len(line) && (line[n] == '.' || line[n] == ')') && line[n+1] == ' '
}

// sentences cuts after the end of each sentence: a full stop, question or
// exclamation mark, with closing quotes, before white space that no small letter
// follows; in scripts without spaces, after their full stops.
func sentences(body []byte, s span) []atom {
	var out []atom
	start, ended := s.start, false
	for i := s.start; i < s.end; {
		r, size := utf8.DecodeRune(body[i:s.end])
		switch {
		case r == '.' || r == '!' || r == '?' || r == '…':
			ended = true
		case r == '。' || r == '！' || r == '？' || r == '।':
			out = append(out, atom{span{start, i + size}, goalSize})
			start, ended = i+size, false
		case ended && (unicode.Is(unicode.Pe, r) || unicode.Is(unicode.Pf, r) || r == '"' || r == '\''):
		case ended && unicode.IsSpace(r):
			next := i
			for next < s.end && unicode.IsSpace(r) {
				next += size
				r, size = utf8.DecodeRune(body[next:s.end])
			}
			if next < s.end && !unicode.IsLower(r) {
				out = append(out, atom{span{start, next}, goalSize})
				start = next
			}
			ended = false
			i = next
			continue
		default:
			ended = false
		}
		i += size
	}
	if start < s.end {
		out = append(out, atom{span{start, s.end}, goalSize})
	}
	return out
}

// words cuts after white space.
func words(body []byte, s span) []atom {
	var out []atom
	start, space := s.start, false
	for i := s.start; i < s.end; {
		r, size := utf8.DecodeRune(body[i:s.end])
		if space && !unicode.IsSpace(r) {
			out = append(out, atom{span{start, i}, maxRow})
			start = i
		}
		space = unicode.IsSpace(r)
		i += size
	}
	return append(out, atom{span{start, s.end}, maxRow})
}
