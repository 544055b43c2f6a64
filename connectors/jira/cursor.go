package jira

import (
	"encoding/json"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// position is how far one project was read.
type position struct {
	// Access is a digest of who may read the project, and of what is read of it. When it
	// is another one, all issues are read again: Jira changes no issue with it.
	Access string `json:"a"`
	// Updated is when the last issue that was read had been updated, in milliseconds; 0:
	// none was.
	Updated int64 `json:"u,omitempty"`
}

// positions are those of all projects, by their ids. A Cursor is their JSON.
type positions map[string]position

// decode reads a cursor; one that is none is the beginning.
func decode(c connectors.Cursor) positions {
	var p positions
	if json.Unmarshal([]byte(c), &p) != nil || p == nil {
		return positions{}
	}
	return p
}

func (p positions) cursor() connectors.Cursor {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts and numbers can be marshalled
	}
	return connectors.Cursor(b)
}

// read notes that an issue was read.
func (p position) read(updated time.Time) position {
	if !updated.IsZero() {
		p.Updated = max(p.Updated, updated.UnixMilli())
	}
	return p
}

// since is from when on issues have to be read; the zero time: from the beginning.
func (p position) since() time.Time {
	if p.Updated == 0 {
		return time.Time{}
	}
	return time.UnixMilli(p.Updated)
}
