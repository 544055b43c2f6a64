package code

import (
	"strings"
)

// container is a declaration that others stand in.
type container struct {
	level int // of its own line: depth of braces or columns of indentation
	name  string
}

// byBraces finds declarations in a language of braces: those outside of all
// braces, and those whose braces around them all belong to types, namespaces
// and the like.
func byBraces(lines [][]byte, s syntax) []declaration {
	var found []declaration
	var open []container
	scan := scanner{syntax: s}
	floor := -1
	for i, line := range lines {
		level, plain := scan.depth, scan.state == inCode
		scan.line(line)
		if !plain {
			continue
		}
		text := strings.TrimSpace(string(line))
		for len(open) > 0 && open[len(open)-1].level >= level && text != "" && text[0] != '{' {
			open = open[:len(open)-1]
		}
		if len(open) != level {
			continue
		}
		name, kind := s.declares(string(line), level)
		if kind == nothing {
			continue
		}
		found = append(found, declaration{line: above(lines, i, floor, s), at: i, path: pathOf(open, name)})
		floor = i
		if kind == outer {
			open = append(open, container{level: level, name: name})
		}
	}
	return found
}

// byIndentation finds declarations in a language of indentation: those in the
// first column, and those directly inside of classes and modules.
func byIndentation(lines [][]byte, s syntax) []declaration {
	var found []declaration
	var open []container
	scan := scanner{syntax: s}
	floor := -1
	for i, line := range lines {
		plain := scan.state == inCode
		scan.line(line)
		text := strings.TrimLeft(string(line), " \t")
		if !plain || text == "" || s.isComment(text) {
			continue
		}
		column := len(line) - len(text)
		for len(open) > 0 && open[len(open)-1].level >= column {
			open = open[:len(open)-1]
		}
		if column > 0 && len(open) == 0 {
			continue
		}
		name, kind := s.declares(text, len(open))
		if kind == nothing {
			continue
		}
		if kind == inner && nested(found, open, column) {
			continue
		}
		found = append(found, declaration{line: above(lines, i, floor, s), at: i, path: pathOf(open, name)})
		floor = i
		if kind == outer {
			open = append(open, container{level: column, name: name})
		}
	}
	return found
}

// nested reports whether a column is too deep for a member of the innermost
// container, as that of a function within a method is.
func nested(found []declaration, open []container, column int) bool {
	return len(open) > 0 && len(found) > 0 && column > open[len(open)-1].level+4
}

func pathOf(open []container, name string) []string {
	path := make([]string, 0, len(open)+1)
	for _, c := range open {
		path = append(path, c.name)
	}
	return append(path, name)
}

// The states of a scanner.
const (
	inCode = iota
	inComment
	inString // that goes over lines
)

// scanner counts braces outside of strings and comments, line by line.
type scanner struct {
	syntax syntax
	state  int
	end    string // what ends the comment or string
	depth  int
}

func (c *scanner) line(line []byte) {
	text := string(line)
	for i := 0; i < len(text); {
		if c.state != inCode {
			at := strings.Index(text[i:], c.end)
			if at < 0 {
				return
			}
			i += at + len(c.end)
			c.state = inCode
			continue
		}
		i += c.code(text, i)
	}
}

// code looks at the code at text[i:] and returns how many bytes it has read.
func (c *scanner) code(text string, i int) int {
	rest := text[i:]
	for _, long := range c.syntax.long {
		if strings.HasPrefix(rest, long[0]) {
			c.state, c.end = inString, long[1]
			if long[0] == "/*" {
				c.state = inComment
			}
			return len(long[0])
		}
	}
	for _, mark := range c.syntax.comments {
		if strings.HasPrefix(rest, mark) {
			return len(rest)
		}
	}
	switch rest[0] {
	case '{':
		c.depth++
	case '}':
		c.depth = max(c.depth-1, 0)
	case '"', '\'':
		return quoted(rest)
	}
	return 1
}

// quoted returns the length of the string at the beginning of s; 1 when it
// does not end on this line, as a lifetime or an apostrophe does not.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return 1
}
