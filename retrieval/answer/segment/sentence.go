package segment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	closers    = "\"'”’»)]}*_」』）】›"
	wideStops  = "。！？｡"
	plainStops = ".!?…"
)

// sentenceEnd returns where the sentence that begins at i ends, the marks after
// its full stop included.
func (r *reader) sentenceEnd(i int) (int, bool) {
	for j := i; j < len(r.text); {
		if j-i > maxPiece {
			return r.cutLong(i), true
		}
		c, size := utf8.DecodeRuneInString(r.text[j:])
		switch {
		case c == '`':
			next, known := r.skipCodeSpan(j)
			if !known {
				return r.openEnd(i)
			}
			j = next
			continue
		case c == '\n':
			ends, known := r.breakEnds(j)
			if !known {
				return r.openEnd(i)
			}
			if ends {
				return r.trimRight(i, j), true
			}
		case strings.ContainsRune(wideStops, c):
			end, known := r.afterStop(j + size)
			if !known {
				return r.openEnd(i)
			}
			return end, true
		case strings.ContainsRune(plainStops, c):
			end, ends, known := r.stop(i, j)
			if !known {
				return r.openEnd(i)
			}
			if ends {
				return end, true
			}
		}
		j += size
	}
	if len(r.text)-i > maxPiece {
		return r.cutLong(i), true
	}
	return r.trimRight(i, len(r.text)), r.o.Final
}

// openEnd answers for a sentence whose end depends on what follows: only its
// length can decide.
func (r *reader) openEnd(i int) (int, bool) {
	if len(r.text)-i > maxPiece {
		return r.cutLong(i), true
	}
	return 0, false
}

// cutLong returns where a sentence that is too long is cut.
func (r *reader) cutLong(i int) int {
	end := i + maxPiece
	for !utf8.RuneStart(r.text[end]) {
		end--
	}
	if n := strings.LastIndexAny(r.text[i:end], " \n\t"); n > 0 {
		if cut := r.trimRight(i, i+n); cut > i {
			return cut
		}
	}
	return end
}

func (r *reader) trimRight(i, j int) int {
	return i + len(strings.TrimRight(r.text[i:j], " \t\n"))
}

// maxSpan bounds a code span inside a sentence, in bytes.
const maxSpan = 200

// skipCodeSpan returns the end of the code span that opens at i, or i plus its
// backquotes when none closes it on the line.
func (r *reader) skipCodeSpan(i int) (int, bool) {
	width := runLength(r.text, i)
	if r.open(i + width) {
		return 0, false
	}
	line := r.text[i+width:]
	whole := r.o.Final
	if len(line) > maxSpan {
		line, whole = line[:maxSpan], true
	}
	if n := strings.IndexByte(line, '\n'); n >= 0 {
		line, whole = line[:n], true
	}
	for j := 0; j < len(line); j++ {
		if line[j] != '`' {
			continue
		}
		n := runLength(line, j)
		if n == width && (whole || j+n < len(line)) {
			return i + width + j + n, true
		}
		j += n - 1
	}
	return i + width, whole
}

// breakEnds reports whether the line break at i ends a sentence: a blank line or
// a new block follows, or a line that does not look like a continuation.
func (r *reader) breakEnds(i int) (ends, known bool) {
	next := r.skipBlanks(i + 1)
	if r.open(next) {
		return false, false
	}
	if next == len(r.text) || r.text[next] == '\n' {
		return true, true
	}
	kind, _, known := r.classify(next)
	if !known {
		return false, false
	}
	if kind != Text {
		return true, true
	}
	if r.o.Width > 0 && r.hadToBreak(i, next) {
		return false, true
	}
	c, _ := utf8.DecodeRuneInString(r.text[next:])
	return !unicode.IsLower(c), true
}

// hadToBreak reports whether the line that ends at i had no room for the word
// that begins the next line.
func (r *reader) hadToBreak(i, next int) bool {
	line := r.text[strings.LastIndexByte(r.text[:i], '\n')+1 : i]
	word := r.text[next:]
	if n := strings.IndexAny(word, " \t\n"); n >= 0 {
		word = word[:n]
	}
	return utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > r.o.Width
}

// afterStop returns where a sentence ends whose full stop ends before i: after
// closing quotation marks and citation marks.
func (r *reader) afterStop(i int) (int, bool) {
	for {
		if r.open(i) {
			return 0, false
		}
		c, size := utf8.DecodeRuneInString(r.text[i:])
		if i == len(r.text) || !strings.ContainsRune(closers+plainStops+wideStops, c) {
			break
		}
		i += size
	}
	for {
		at := r.skipBlanks(i)
		if r.open(at) {
			return 0, false
		}
		_, end, is, known := MarkAt(r.text, at, r.o.Final)
		if !known {
			return 0, false
		}
		if !is {
			return i, true
		}
		i = end
	}
}

// stop decides on the full stop at j of a sentence that begins at i.
func (r *reader) stop(i, j int) (end int, ends, known bool) {
	end, known = r.afterStop(j)
	if !known {
		return 0, false, false
	}
	if end < len(r.text) && !isSpace(r.text[end]) {
		return 0, false, true
	}
	next := r.skipBlanks(end)
	if r.open(next) {
		return 0, false, false
	}
	if next == len(r.text) {
		return end, true, true
	}
	if r.text[next] == '\n' {
		return end, r.o.Width == 0 || !neverEnds(r.before(i, j), ""), true
	}
	word, known := r.word(next)
	if !known {
		return 0, false, false
	}
	c, _ := utf8.DecodeRuneInString(r.text[next:])
	if unicode.IsLower(c) {
		return 0, false, true
	}
	if end-j == 1 && r.text[j] == '.' && r.abbreviates(r.before(i, j), word, c) {
		return 0, false, true
	}
	return end, true, true
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }

// before returns the word that ends at j, with its inner full stops.
func (r *reader) before(i, j int) string {
	text := r.text[i:j]
	if n := strings.LastIndexAny(text, " \t\n([{\"“„«'*_"); n >= 0 {
		_, size := utf8.DecodeRuneInString(text[n:])
		return text[n+size:]
	}
	return text
}

// word returns the letters from i on. It reports false when more may follow.
func (r *reader) word(i int) (string, bool) {
	j := i
	for j < len(r.text) && j-i < 40 {
		c, size := utf8.DecodeRuneInString(r.text[j:])
		if !unicode.IsLetter(c) {
			return r.text[i:j], true
		}
		j += size
	}
	return r.text[i:j], j-i >= 40 || r.o.Final
}
