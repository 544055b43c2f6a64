package git

import (
	"encoding/json"
	"slices"

	"github.com/cairnhq/cairn/connectors"
)

// position says up to which commit each file has been told, by path: a run that was
// broken off leaves a part of the paths behind, and the head may have moved before the
// next one.
type position struct {
	Settings string // hash of those that decide what is told
	Files    []span // in order; the last one has no end
	Commits  string // the head whose commits have been told; empty: none
}

// span is a range of paths, up to one and with it, that has been told as of a commit.
type span struct {
	Upto   []byte // a path; nil: all that follow
	Commit string // empty: nothing has been told
}

// mostSpans bounds the position: beyond that, all is told anew.
const mostSpans = 16

// positionOf reads a cursor. One that is not ours, or of other settings, is the beginning.
func positionOf(c connectors.Cursor, settings string) position {
	var p position
	begin := position{Settings: settings, Files: []span{{}}}
	if err := json.Unmarshal([]byte(c), &p); err != nil || p.Settings != settings || !p.valid() {
		return begin
	}
	return p
}

func (p position) valid() bool {
	n := len(p.Files)
	return n > 0 && n <= mostSpans && p.Files[n-1].Upto == nil &&
		!slices.ContainsFunc(p.Files[:n-1], func(s span) bool { return s.Upto == nil })
}

// cursor returns the position as a cursor.
func (p position) cursor() connectors.Cursor {
	b, _ := json.Marshal(p) //nolint:errchkjson // strings and bytes
	return connectors.Cursor(b)
}

// commit returns the commit as of which a path has been told.
func (p position) commit(path string) string {
	for _, s := range p.Files {
		if s.Upto == nil || path <= string(s.Upto) {
			return s.Commit
		}
	}
	return ""
}

// told returns the position after everything up to a path was told as of a commit.
func (p position) told(path, commit string) position {
	out := position{Settings: p.Settings, Commits: p.Commits, Files: []span{{[]byte(path), commit}}}
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

// everything returns the position after all files were told as of a commit.
func (p position) everything(commit string) position {
	p.Files = []span{{Commit: commit}}
	return p
}
