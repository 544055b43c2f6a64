// Package code extracts source code: the body is the file as it stands, the
// sections are its declarations.
package code

import (
	"bytes"
	"path"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/plain"
)

// Language returns the language of a file by its name; empty when the name is
// not one of source code.
func Language(filename string) string {
	base := strings.ToLower(path.Base(strings.ReplaceAll(filename, "\\", "/")))
	if l, ok := names[base]; ok {
		return l
	}
	return extensions[path.Ext(base)]
}

// Extract extracts source code of a language that Language gave. Each
// declaration at the top level, and each member of a type there, begins a
// section with the comments above it; its heading is the path of names.
func Extract(src []byte, language string, limit int) (*canon.Text, error) {
	text, replaced, err := plain.Decode(src, "")
	if err != nil {
		return nil, err
	}
	t := &canon.Text{Kind: cairn.KindCode}
	t.Set("language", language)
	if replaced {
		t.Notice(canon.NoticeBadBytes)
	}
	t.Body = plain.Whole(t, text, limit)
	t.Sections = sections(t.Body, declarations(t.Body, language))
	return t, nil
}

// declaration is a named part of a file.
type declaration struct {
	line int // first line, from 0, comments above it included
	at   int // line with the name, from 0
	path []string
}

// Declaration is a named part of a file.
type Declaration struct {
	Line int      // with the name, from 0
	Path []string // names, those of what it stands in first
}

// Scan finds declarations of a language by its lines alone: those at the top level and
// those of members. It takes no longer than reading the lines, whatever is on them.
func Scan(body []byte, language string) []Declaration {
	var out []Declaration
	for _, d := range scan(body, language) {
		out = append(out, Declaration{Line: d.at, Path: d.path})
	}
	return out
}

func declarations(body []byte, language string) []declaration {
	if language == "Go" {
		if found, ok := goDeclarations(body); ok {
			return found
		}
	}
	return scan(body, language)
}

func scan(body []byte, language string) []declaration {
	s, ok := syntaxes[language]
	if !ok {
		return nil
	}
	lines := bytes.Split(body, []byte("\n"))
	if s.indented {
		return byIndentation(lines, s)
	}
	return byBraces(lines, s)
}

// sections turns declarations into sections with anchors of lines.
func sections(body []byte, found []declaration) []cairn.Section {
	starts := lineStarts(body)
	marks := make([]canon.Mark, 0, len(found)+1)
	if len(found) == 0 || found[0].line > 0 {
		marks = append(marks, canon.Mark{})
	}
	for _, d := range found {
		if n := len(marks); n > 0 && d.line < len(starts) && starts[d.line] <= marks[n-1].Start && n > 1 {
			continue
		}
		marks = append(marks, canon.Mark{Start: starts[d.line], Heading: d.path})
	}
	all := canon.Sections(len(body), marks)
	line := 1
	for i, s := range all {
		text := body[s.Start:s.End]
		last := line + bytes.Count(bytes.TrimRight(text, " \t\n"), []byte("\n"))
		all[i].Anchor = canon.Lines(line, last)
		line += bytes.Count(text, []byte("\n"))
	}
	return all
}

func lineStarts(body []byte) []int {
	starts := []int{0}
	for i, c := range body {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// above moves from the line of a declaration up over the comments, decorators
// and attributes that belong to it, but not to or beyond the line floor.
func above(lines [][]byte, line, floor int, s syntax) int {
	for line-1 > floor {
		text := strings.TrimSpace(string(lines[line-1]))
		if text == "" || !s.belongs(text) {
			break
		}
		line--
	}
	return line
}
