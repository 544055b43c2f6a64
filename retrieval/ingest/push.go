package ingest

import (
	"time"

	"github.com/cairnhq/cairn"
)

// Push is a document that a program brings.
type Push struct {
	External   string
	Title      string
	URL        string
	Text       string // or
	Content    []byte // with
	MediaType  string
	Author     string
	Modified   time.Time // zero: now
	Attributes map[string]string
	ACL        *cairn.ACL // nil: the source's
}

// Pushed is what became of a Push.
type Pushed struct {
	ID      cairn.DocumentID
	Version cairn.Version
	Created bool // the source did not have it before
}
