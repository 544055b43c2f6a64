package segment

import "strings"

// Blocks cuts source code and structured data (JSON, YAML) along its
// indentation: a line with the deeper lines below it, the closing bracket and
// the comment above it is a block of kind Code. A block of more than limit
// bytes gives way to the blocks inside it, each under its first line.
// Indentation that makes no sense costs nothing but good places to cut.
func Blocks(text string, limit int) []Piece {
	b := blocks{text: text, limit: limit}
	for at := 0; at < len(text); {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		b.lines = append(b.lines, newLine(text, at, at+end))
		at += end + 1
	}
	b.cut(0, len(b.lines))
	return b.out
}

type blocks struct {
	text  string
	limit int
	lines []line
	out   []Piece
}

// line is a line of code.
type line struct {
	start, end int // without white space around it
	indent     int
	comment    bool
	closes     bool // begins with a closing bracket
}

func newLine(text string, start, end int) line {
	l := line{start: start, end: end}
	for l.start < end && (text[l.start] == ' ' || text[l.start] == '\t') {
		if l.indent++; text[l.start] == '\t' {
			l.indent += 3
		}
		l.start++
	}
	words := strings.TrimRight(text[l.start:end], " \t")
	l.end = l.start + len(words)
	l.comment = strings.HasPrefix(words, "#") || strings.HasPrefix(words, "//") || strings.HasPrefix(words, "/*") || strings.HasPrefix(words, "*") || strings.HasPrefix(words, "--")
	l.closes = words != "" && strings.IndexByte(")]}", words[0]) >= 0
	return l
}

func (l line) blank() bool { return l.start == l.end }

// cut gives the blocks of lines[from:to].
func (b *blocks) cut(from, to int) {
	for from < to {
		if b.lines[from].blank() {
			from++
			continue
		}
		head := from // the line below the comment
		for head < to && b.lines[head].comment {
			head++
		}
		if head == to || b.lines[head].blank() { // a comment on its own
			b.give(from, head)
			from = head
			continue
		}
		end := b.nodeEnd(head, to)
		if b.size(from, end) <= b.limit || end == head+1 {
			b.give(from, end)
		} else {
			b.give(from, head+1)
			b.cut(head+1, end)
		}
		from = end
	}
}

// nodeEnd returns the line after the node whose first line is head.
func (b *blocks) nodeEnd(head, to int) int {
	end := head + 1
	for i := head + 1; i < to; i++ {
		l := b.lines[i]
		if l.blank() {
			continue
		}
		if l.indent > b.lines[head].indent {
			end = i + 1
			continue
		}
		if l.closes && l.indent == b.lines[head].indent {
			end = i + 1
		}
		break
	}
	return end
}

func (b *blocks) size(from, to int) int { return b.lines[to-1].end - b.lines[from].start }

func (b *blocks) give(from, to int) {
	for to > from && b.lines[to-1].blank() {
		to--
	}
	if to == from {
		return
	}
	start := b.lines[from].start
	if strings.Trim(b.text[start:b.lines[to-1].end], "()[]{},; \t\n") == "" {
		return // brackets alone
	}
	b.out = append(b.out, Piece{Kind: Code, Start: start, Body: start, End: b.lines[to-1].end, Indent: b.lines[from].indent})
}
