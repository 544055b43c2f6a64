// Package extract turns files into canonical text: bytes of any format that
// people keep documents in become a title, a body of clean UTF-8 and sections
// with their headings. Files are not trusted: a Pool extracts in processes
// apart, which have limits of memory and time, no network and no environment.
package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/pdf"
)

// Text is a document in canonical form.
type Text = canon.Text

// Attachment is a file inside a mail.
type Attachment = canon.Attachment

// Failure is why a document has no text: a code for programs and a sentence
// for people. Other errors are of the program or of the source.
type Failure = canon.Failure

// Input is what is known of a document besides its bytes. All of it is a hint:
// the content decides what the document is.
type Input struct {
	Filename  string
	MediaType string
	URL       string
	Size      int64 // bytes; 0 when unknown
}

// Limits bound what one document may cost.
type Limits struct {
	InputBytes      int64         // of the file; a larger one is CodeTooLarge
	TextBytes       int           // of the body; a longer one is cut
	AttachmentBytes int           // of the attachments of a mail together; further ones are left out
	Memory          int64         // bytes, of a worker
	CPU             time.Duration // for a document, of a worker's processor time
	Wall            time.Duration // for a document, from when all of it was read
}

// DefaultLimits returns limits that hold what offices write, and that leave
// room for two workers on a server of 2 GB.
func DefaultLimits() Limits {
	return Limits{
		InputBytes: 200 << 20, TextBytes: 20 << 20, AttachmentBytes: 50 << 20,
		Memory: 768 << 20, CPU: 45 * time.Second, Wall: 60 * time.Second,
	}
}

// orDefaults returns l with the default for each limit that is zero.
func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	if l.InputBytes <= 0 {
		l.InputBytes = d.InputBytes
	}
	if l.TextBytes <= 0 {
		l.TextBytes = d.TextBytes
	}
	if l.AttachmentBytes <= 0 {
		l.AttachmentBytes = d.AttachmentBytes
	}
	if l.Memory <= 0 {
		l.Memory = d.Memory
	}
	if l.CPU <= 0 {
		l.CPU = d.CPU
	}
	if l.Wall <= 0 {
		l.Wall = d.Wall
	}
	return l
}

// Extract reads a document and returns its text, in this process: it is for
// documents that are trusted, for tests, and for the worker itself. Limits of
// memory and time do not hold here. The error is a *Failure when it is the
// document's.
func Extract(ctx context.Context, in Input, r io.Reader, limits Limits) (*Text, error) {
	e := extractor{limits: limits.orDefaults()}
	defer e.close()
	return e.extract(ctx, in, r)
}

// extractor extracts one document after the other.
type extractor struct {
	limits Limits
	pdf    pdf.Engine
}

func (e *extractor) close() { _ = e.pdf.Close() }

// extract never panics: what a parser trips over is a Failure.
func (e *extractor) extract(ctx context.Context, in Input, r io.Reader) (text *Text, err error) {
	defer e.survive(&text, &err)
	if in.Size > e.limits.InputBytes {
		return nil, tooLarge(e.limits)
	}
	f, err := readFile(in, r, e.limits)
	if err != nil {
		return nil, err
	}
	return e.read(ctx, f)
}

// survive turns a panic into the error of a document; it is deferred.
func (e *extractor) survive(text **Text, err *error) {
	if p := recover(); p != nil {
		e.close()
		*text, *err = nil, crash(fmt.Sprint(p))
	}
}

// read parses a file and completes its text.
func (e *extractor) read(ctx context.Context, f *file) (*Text, error) {
	text, err := e.parse(ctx, f)
	var failure *Failure
	switch {
	case err == nil:
	case errors.As(err, &failure), ctx.Err() != nil:
		return nil, err
	default:
		return nil, fmt.Errorf("extract %s: %w", f.format.name, err)
	}
	return finish(text, f)
}

var errCrashed = errors.New("parser crashed")

// crash is the error of a document that a parser cannot cope with: a *Failure
// for people, with the cause for the log.
func crash(cause string) error {
	return fmt.Errorf("%w: %s: %w", errCrashed, cause, canon.Failf(canon.CodeCrash,
		"The program that reads this format failed on the file. Save the file again in its own program, or in another format."))
}

func tooLarge(l Limits) error {
	return canon.Failf(canon.CodeTooLarge,
		"The file is larger than %d MB, the most that is read. Split it up, or raise the limit (CAIRN_EXTRACT_INPUT_MB).", l.InputBytes>>20)
}
