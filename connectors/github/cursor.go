package github

import (
	"encoding/json"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
)

// overlap is how far a reading goes back behind what was read before: GitHub may show a
// change later than it dates it.
const overlap = 5 * time.Minute

// position is how far changes were read that come in the order of their time.
type position struct {
	At time.Time `json:"at,omitzero"` // of the last change
	// Settled says that everything up to At was read when it was older than overlap, so
	// that nothing can come to light behind it.
	Settled bool `json:"settled,omitzero"`
}

// since is where the next reading begins; the zero time: at the beginning.
func (p position) since() time.Time {
	if p.At.IsZero() {
		return time.Time{}
	}
	return p.At.Add(-overlap)
}

// upToDate reports whether there is nothing to read, when the newest change is of a time.
func (p position) upToDate(newest time.Time) bool {
	return newest.IsZero() || p.Settled && !newest.After(p.At)
}

// marked are things that were all read, by a mark that changes when they do.
type marked struct {
	Mark string `json:"mark,omitzero"`
	// Settled says that they were read when the last change was older than overlap, so
	// that the mark tells them from all later ones.
	Settled bool `json:"settled,omitzero"`
}

// place is how far a repository was read.
type place struct {
	// Key is what all documents of a repository depend on: when it changes, they are told
	// again.
	Key         string   `json:"key"`
	Issues      position `json:"issues,omitzero"` // with pull requests
	Discussions position `json:"discussions,omitzero"`
	Releases    marked   `json:"releases,omitzero"`
	// Wiki is how far the pages of the wiki were told; nil: not at all.
	Wiki *gitrepo.Position `json:"wiki,omitzero"`
}

// cursor is how far a source was read.
type cursor struct {
	Version int               `json:"v"`
	Places  map[string]*place `json:"places"` // by id of the repository
}

const cursorVersion = 1

// decode reads a cursor. One that is not understood is the beginning.
func decode(text connectors.Cursor) *cursor {
	var c cursor
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.Version != cursorVersion {
		c = cursor{}
	}
	places := make(map[string]*place, len(c.Places))
	for id, p := range c.Places {
		if p != nil {
			places[id] = p
		}
	}
	return &cursor{Version: cursorVersion, Places: places}
}

func (c *cursor) encode() connectors.Cursor {
	b, err := json.Marshal(c)
	if err != nil {
		return "" // no time of GitHub's is beyond the year 9999
	}
	return connectors.Cursor(b)
}
