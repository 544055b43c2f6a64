package mcp

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

const (
	maxFile = 32 << 10 // bytes that are read of a file at once
	maxPath = 4000     // characters
)

type fileInput struct {
	Repo  string `json:"repo" jsonschema:"repository as search_code names it, or the name of a source"`
	Path  string `json:"path" jsonschema:"path of the file in it"`
	Ref   string `json:"ref,omitempty" jsonschema:"commit that the file is wanted of; only the one that was indexed can be read"`
	Start int    `json:"start_line,omitempty" jsonschema:"first line, from 1"`
	End   int    `json:"end_line,omitempty" jsonschema:"last line; left out: as many as fit"`
}

type fileOutput struct {
	ID     string `json:"id" jsonschema:"for fetch"`
	Repo   string `json:"repo"`
	Path   string `json:"path"`
	Commit string `json:"commit,omitempty"`
	Start  int    `json:"start_line"`
	End    int    `json:"end_line"`
	Lines  int    `json:"lines" jsonschema:"of the whole file"`
	Text   string `json:"text"`
	URL    string `json:"url"`
	Next   int    `json:"next_line,omitempty" jsonschema:"first line that did not fit"`
}

// readFile answers the tool read_file.
func (s *Server) readFile(ctx context.Context, u *use, in fileInput) (fileOutput, string, error) {
	if err := in.check(); err != nil {
		return fileOutput{}, "", err
	}
	d, err := s.cfg.Store.DocumentAt(ctx, u.viewer(), in.Repo, in.Path)
	if err != nil {
		return fileOutput{}, "", err
	}
	aboutDocument(ctx, d.ID)
	p := placeOf(d)
	if in.Ref != "" && !strings.HasPrefix(p.commit, in.Ref) {
		// Nobody is told of a file that she may not read: this comes after it was found.
		return fileOutput{}, "", cairn.Errorf(cairn.ErrInvalid, "the file is indexed at commit %q; leave ref out to read that", p.commit)
	}
	audit.FromContext(ctx).Shown(d.ID)
	part, err := cut(d.Body, max(in.Start, 1), in.End)
	if err != nil {
		return fileOutput{}, "", err
	}
	out := fileOutput{
		ID: string(d.ID), Repo: p.repo, Path: p.path, Commit: p.commit, Start: part.first, End: part.last, Lines: part.lines,
		Text: string(d.Body[part.start:part.end]), URL: u.link(sectionURL(d, part.start), d.ID), Next: part.next,
	}
	return out, p.at(part.first, part.last) + "\n" + out.URL + "\n\n" + numbered(out.Text, part.first) + more(part), nil
}

func (in fileInput) check() error {
	for _, err := range []error{given("repo", in.Repo, maxPath), given("path", in.Path, maxPath), optional("ref", in.Ref, 100)} {
		if err != nil {
			return err
		}
	}
	if in.Start < 0 || in.End < 0 || in.End > 0 && in.End < in.Start {
		return cairn.Errorf(cairn.ErrInvalid, "lines are counted from 1, and end_line does not come before start_line")
	}
	return nil
}

// piece is a range of lines.
type piece struct {
	start, end  int // bytes
	first, last int // lines, from 1
	lines       int // of the whole text
	next        int // first line that did not fit; 0: all that was asked for is here
}

// cut returns the lines of a text from first to last (0: its end), as far as they fit. A line
// that does not fit by itself is cut.
func cut(body []byte, first, last int) (piece, error) {
	lines := bytes.Count(body, []byte("\n"))
	if len(body) > 0 && body[len(body)-1] != '\n' {
		lines++
	}
	if first > max(lines, 1) {
		return piece{}, cairn.Errorf(cairn.ErrInvalid, "the file has %d lines", lines)
	}
	start := nthLine(body, first)
	wanted := len(body)
	if last > 0 && last < lines {
		wanted = nthLine(body, last+1)
	}
	p := piece{start: start, end: wanted, first: first, lines: lines, last: min(max(lines, 1), maxOr(last, lines))}
	if wanted-start > maxFile {
		p.end = lineEnd(body, start, maxFile)
		p.last = first + max(bytes.Count(body[start:p.end], []byte("\n"))-1, 0)
		if p.last < lines {
			p.next = p.last + 1
		}
	}
	return p, nil
}

func maxOr(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return max(otherwise, 1)
}

// nthLine returns where a line begins.
func nthLine(body []byte, n int) int {
	at := 0
	for range n - 1 {
		i := bytes.IndexByte(body[at:], '\n')
		if i < 0 {
			return len(body)
		}
		at += i + 1
	}
	return at
}

// numbered puts the number of each line before it.
func numbered(text string, first int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		fmt.Fprintf(&b, "%d\t%s", first, line)
		first++
	}
	return b.String()
}

func more(p piece) string {
	if p.next == 0 {
		return ""
	}
	return fmt.Sprintf("\n(%d lines in all; go on with start_line %d)", p.lines, p.next)
}
