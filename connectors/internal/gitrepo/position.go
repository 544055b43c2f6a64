package gitrepo

import (
	"encoding/json"
	"slices"

	"github.com/cairnhq/cairn/connectors"
)

// Position says up to which commit each file has been told, by path: a run that was
// broken off leaves a part of the paths behind, and the head may have moved before the
// next one. It is kept as JSON.
type Position struct {
	Settings string `json:",omitempty"` // hash of those that decide what is told
	Files    []span // in order; the last one has no end
	Commits  string `json:",omitempty"` // the head whose commits have been told; empty: none
}

// span is a range of paths, up to one and with it, that has been told as of a commit.
type span struct {
	Upto   []byte // a path; nil: all that follow
	Commit string // empty: nothing has been told
}

// mostSpans bounds the position: beyond that, all is told anew.
const mostSpans = 16

// Begin returns the position before anything was told.
func Begin(settings string) Position { return Position{Settings: settings, Files: []span{{}}} }

// ParsePosition reads a cursor. One that is not ours, or of other settings, is the beginning.
func ParsePosition(c connectors.Cursor, settings string) Position {
	var p Position
	if err := json.Unmarshal([]byte(c), &p); err != nil || p.Settings != settings || !p.Valid() {
		return Begin(settings)
	}
	return p
}

// Valid reports whether a position that was kept can be one.
func (p Position) Valid() bool {
	n := len(p.Files)
	return n > 0 && n <= mostSpans && p.Files[n-1].Upto == nil &&
		!slices.ContainsFunc(p.Files[:n-1], func(s span) bool { return s.Upto == nil })
}

// Cursor returns the position as a cursor.
func (p Position) Cursor() connectors.Cursor {
	b, _ := json.Marshal(p) //nolint:errchkjson // strings and bytes
	return connectors.Cursor(b)
}

// commit returns the commit as of which a path has been told.
func (p Position) commit(path string) string {
	for _, s := range p.Files {
		if s.Upto == nil || path <= string(s.Upto) {
			return s.Commit
		}
	}
	return ""
}

// Told returns the position after everything up to a path was told as of a commit.
func (p Position) Told(path, commit string) Position {
	out := Position{Settings: p.Settings, Commits: p.Commits, Files: []span{{[]byte(path), commit}}}
	for _, s := range p.Files {
		if s.Upto == nil || string(s.Upto) > path {
			out.Files = append(out.Files, s)
		}
	}
	if len(out.Files) > mostSpans {
		out.Files = []span{out.Files[0], {}}
	}
	return out
}

// Everything returns the position after all files were told as of a commit.
func (p Position) Everything(commit string) Position {
	p.Files = []span{{Commit: commit}}
	return p
}

// end tells a span from the others of a position.
func (s span) end() string {
	if s.Upto == nil {
		return "\x00"
	}
	return string(s.Upto)
}

func (p Position) spanOf(path string) string {
	for _, s := range p.Files {
		if s.Upto == nil || path <= string(s.Upto) {
			return s.end()
		}
	}
	return ""
}
