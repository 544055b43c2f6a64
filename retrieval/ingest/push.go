package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/extract"
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

// Sources finds the source that documents are pushed to.
type Sources interface {
	// SourceByID returns a source, or ErrNotFound.
	SourceByID(ctx context.Context, id cairn.SourceID) (cairn.Source, error)
}

// Pusher stores documents that programs bring, at once. It may be used by
// several goroutines.
type Pusher struct {
	Store   Store
	Sources Sources
	Prepare *Preparer
}

// Put stores a document: it can be found when Put returns. One that is stored just so
// is left as it is; one that cannot be read is ErrInvalid with the reason.
func (p *Pusher) Put(ctx context.Context, source cairn.SourceID, in Push) (Pushed, error) {
	for o, err := range p.Batch(ctx, source, []Edit{{Push: in}}) {
		if err == nil {
			err = o.Err
		}
		return o.Pushed, err
	}
	return Pushed{}, errors.New("a batch of one edit had no outcome")
}

// read extracts a document; one that cannot be read is ErrInvalid.
func (p *Pusher) read(ctx context.Context, s cairn.Source, in Push) ([]Put, error) {
	puts, err := p.Prepare.read(ctx, in.original(s), in.reader())
	var failure *extract.Failure
	if errors.As(err, &failure) {
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s", failure.Reason)
	}
	return puts, err
}

// Delete erases a document at once, with the answers that were made from it;
// ErrNotFound when the source does not have it.
func (p *Pusher) Delete(ctx context.Context, source cairn.SourceID, external string) error {
	erased, err := p.Store.Erase(ctx, source, []string{external})
	if err == nil && len(erased) == 0 {
		return cairn.ErrNotFound
	}
	return err
}

func (in Push) original(s cairn.Source) original {
	o := original{External: in.External, ACL: s.ACL, Text: in.Text, Metadata: connectors.Metadata{
		Title: in.Title, URL: in.URL, Author: in.Author, MediaType: in.MediaType, Modified: in.Modified, Attributes: in.Attributes,
	}}
	if in.Text != "" && in.MediaType == "" {
		o.Metadata.MediaType = "text/markdown"
	}
	if in.ACL != nil {
		o.ACL, o.OwnACL = *in.ACL, true
	}
	if o.Metadata.Modified.IsZero() {
		o.Metadata.Modified = time.Now().UTC()
	}
	return o
}

func (in Push) reader() io.Reader {
	if in.Text != "" {
		return strings.NewReader(in.Text)
	}
	return bytes.NewReader(in.Content)
}
