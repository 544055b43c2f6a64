// Package canon holds what every extractor makes: canonical text. That is
// valid UTF-8 in Unicode normal form C with "\n" line ends, without control
// and invisible characters, cut into sections that cover it.
package canon

import (
	"fmt"
	"time"

	"github.com/cairnhq/cairn"
)

// Text is a document in canonical form.
type Text struct {
	Kind        cairn.Kind
	Title       string
	Author      string
	Language    string    // ISO 639-1 code; empty when unknown
	Created     time.Time // UTC; zero when unknown
	Modified    time.Time // UTC; zero when unknown
	Body        []byte
	Sections    []cairn.Section // cover Body
	Attributes  map[string]string
	Attachments []Attachment // of mails
	Notices     []string     // what a reader of the text should know: NoticeTruncated, …
}

// Attachment is a file inside a mail. It is not extracted yet.
type Attachment struct {
	Filename  string // may be empty
	MediaType string // as the mail declares it; may be wrong
	Data      []byte
}

// The notices that extractors give. Others are free text.
const (
	NoticeTruncated = "truncated"  // the text goes on beyond the limit
	NoticeBadBytes  = "bad_bytes"  // bytes that are no text were replaced
	NoticeSomePages = "some_pages" // pages without text were left out
	NoticeLeftOut   = "left_out"   // attachments were left out for their size or number
	NoticeBadMarkup = "bad_markup" // markup that cannot be read was kept as text
	NoticeWrongName = "wrong_name" // the content is not what the file name says
)

// Notice adds a notice unless it is there already.
func (t *Text) Notice(n string) {
	for _, have := range t.Notices {
		if have == n {
			return
		}
	}
	t.Notices = append(t.Notices, n)
}

// Set sets an attribute, unless the value is empty.
func (t *Text) Set(name, value string) {
	if value = Inline(value); value == "" {
		return
	}
	if t.Attributes == nil {
		t.Attributes = map[string]string{}
	}
	t.Attributes[name] = value
}

// Failure says why a document has no text. It is the error of a document, not
// of the program: trying again with the same bytes gives the same Failure,
// except for the codes CodeTimeout, CodeMemory and CodeCrash on a busy machine.
type Failure struct {
	Code   string // one of the Code constants; stable, for programs
	Reason string // a sentence that says what is wrong and what to do
}

// The codes of failures.
const (
	CodeEncrypted   = "encrypted"
	CodeCorrupt     = "corrupt"
	CodeTooLarge    = "too_large"
	CodeEmpty       = "empty"
	CodeNoTextLayer = "no_text_layer"
	CodeUnsupported = "unsupported"
	CodeNotText     = "not_text"
	CodeTimeout     = "timeout"
	CodeMemory      = "memory"
	CodeCrash       = "crash"
)

// Error returns the reason.
func (f *Failure) Error() string { return f.Reason }

// Failf returns a Failure.
func Failf(code, format string, args ...any) error {
	return &Failure{Code: code, Reason: fmt.Sprintf(format, args...)}
}
