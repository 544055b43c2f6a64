package ingest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/code"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// attachmentMark separates the external id of a document from the name of
// something that extraction found attached to it, as in "mail/offer.eml!/1/prices.xlsx".
const attachmentMark = "!/"

// Extractor turns bytes into canonical text. A document that cannot be read is
// a *extract.Failure.
type Extractor interface {
	Extract(ctx context.Context, in extract.Input, r io.Reader) (*extract.Text, error)
}

// indexVersion stands for all of the code that derives an index from a text.
// Raising it makes the next full sync derive everything anew.
const indexVersion = 2

// Preparer turns changes into documents with everything that the index keeps
// of them. It holds no transaction and may be used by several goroutines.
type Preparer struct {
	Extractor Extractor
	Embedder  llm.Embedder // nil: vectors follow later
}

// original is a document as its source gives it.
type original struct {
	External string
	Metadata connectors.Metadata
	ACL      cairn.ACL
	OwnACL   bool
	Text     string // the document itself, where it was given as text
}

// read extracts a document and what is attached to it, without chunks yet. The
// document itself comes first.
func (p *Preparer) read(ctx context.Context, o original, r io.Reader) ([]Put, error) {
	m := o.Metadata
	text, err := p.extract(ctx, o, r)
	if err != nil {
		return nil, err
	}
	puts := []Put{assemble(o, text)}
	for i, a := range text.Attachments {
		name := cmp.Or(path.Base(strings.ReplaceAll(a.Filename, `\`, "/")), "attachment")
		child := original{External: o.External + attachmentMark + strconv.Itoa(i+1) + "/" + name, ACL: o.ACL, OwnACL: o.OwnACL,
			Metadata: connectors.Metadata{Filename: name, MediaType: a.MediaType, URL: m.URL, Author: text.Author,
				Modified: m.Modified, Parent: o.External, Attributes: map[string]string{"attachment": name}}}
		attached, err := p.Extractor.Extract(ctx, extract.Input{Filename: name, MediaType: a.MediaType}, bytes.NewReader(a.Data))
		var failure *extract.Failure
		if errors.As(err, &failure) {
			continue // a logo in a mail is no loss; the mail's own text names its attachments
		}
		if err != nil {
			return nil, err
		}
		put := assemble(child, attached)
		put.Attached = true
		puts = append(puts, put)
	}
	return puts, nil
}

// extract extracts a document; a short text that was given as text without the
// way to a child process.
func (p *Preparer) extract(ctx context.Context, o original, r io.Reader) (*extract.Text, error) {
	m := o.Metadata
	in := extract.Input{Filename: cmp.Or(m.Filename, path.Base(o.External)), MediaType: m.MediaType, URL: m.URL, Size: m.Size}
	if o.Text != "" {
		if text, ok, err := extract.Inline(ctx, in, o.Text); ok {
			return text, err
		}
	}
	return p.Extractor.Extract(ctx, in, r)
}

// assemble joins what the source says of a document with what its bytes say.
// The source knows better, except about the title of a file.
func assemble(o original, t *extract.Text) Put {
	m := o.Metadata
	d := cairn.Document{
		ID: cairn.DocumentID(cairn.NewID()), External: o.External, Version: cairn.VersionOf(t.Body),
		Kind: cmp.Or(m.Kind, t.Kind), Title: named(m.Title, t.Title, titleOf(cmp.Or(m.Filename, o.External)), o.External),
		URL: m.URL, Author: named(m.Author, t.Author), Language: t.Language, Body: t.Body, Sections: withLines(t.Sections, m.Lines), ACL: o.ACL,
		Created: m.Created, Modified: m.Modified, Attributes: m.Attributes,
	}
	if d.Created.IsZero() {
		d.Created = t.Created
	}
	// A date inside the document says more than that of the file, which is
	// often the date of a checkout.
	if !t.Modified.IsZero() && (d.Modified.IsZero() || m.Filename != "" && t.Modified.Before(d.Modified)) {
		d.Modified = t.Modified
	}
	for k, v := range t.Attributes {
		if d.Attributes == nil {
			d.Attributes = make(map[string]string, len(t.Attributes))
		}
		if _, ok := d.Attributes[k]; !ok {
			d.Attributes[k] = v
		}
	}
	return Put{Document: d, OwnACL: o.OwnACL, Parent: m.Parent, Revision: m.Revision, Fingerprint: fingerprint(&d, m.Parent)}
}

// lineAnchor is the anchor that extraction gives lines: see canon.Lines.
var lineAnchor = regexp.MustCompile(`^#L([0-9]+)(?:-L([0-9]+))?$`)

// withLines returns sections whose anchors name lines in the way of their source; empty is
// the way of extraction.
func withLines(sections []cairn.Section, way string) []cairn.Section {
	if way == "" {
		return sections
	}
	sections = slices.Clone(sections)
	for i, s := range sections {
		if m := lineAnchor.FindStringSubmatch(s.Anchor); m != nil {
			last := cmp.Or(m[2], m[1])
			n, _ := strconv.Atoi(last) // of digits alone
			sections[i].Anchor = strings.NewReplacer("{first}", m[1], "{last}", last, "{next}", strconv.Itoa(n+1)).Replace(way)
		}
	}
	return sections
}

// named returns the first of some names that shows anything: as texts are, without what
// nobody sees, and on one line, so that it can pass for nothing else where it is shown.
func named(names ...string) string {
	for _, name := range names {
		if name = canon.Inline(name); name != "" {
			return name
		}
	}
	return ""
}

// titleOf makes a title of a file name: "claim-travel_costs.md" → "claim travel costs".
func titleOf(name string) string {
	base := path.Base(name)
	base = strings.TrimSuffix(base, path.Ext(base))
	words := strings.NewReplacer("-", " ", "_", " ").Replace(base)
	if strings.TrimSpace(words) == "" {
		return name
	}
	return words
}

// fingerprint covers everything that is stored of a document or derived from
// it, except its ACL and its times.
func fingerprint(d *cairn.Document, parent string) string {
	h := sha256.New()
	// Marshalling these types cannot fail: maps have string keys and are sorted.
	json.NewEncoder(h).Encode([]any{indexVersion, d.Version, d.Kind, d.Title, d.URL, d.Author, d.Language, d.Sections, d.Attributes, parent}) //nolint:errcheck,errchkjson // see above
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// index cuts the documents into chunks and gives each its terms and vector, in
// as many parts at once as there are processors.
func (p *Preparer) index(ctx context.Context, puts []Put) error {
	size := max(leastPart, (len(puts)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	g, ctx := errgroup.WithContext(ctx)
	for part := range slices.Chunk(puts, size) {
		g.Go(func() error { return p.indexPart(ctx, part) })
	}
	return g.Wait()
}

// leastPart is how many documents are at least indexed together.
const leastPart = 8

func (p *Preparer) indexPart(ctx context.Context, puts []Put) error {
	var texts []string
	for i := range puts {
		d := &puts[i].Document
		if file, ok := code.Describe(d); ok {
			puts[i].Code = &file
		}
		for _, piece := range Cut(d) {
			puts[i].Chunks = append(puts[i].Chunks, derive(d, piece))
			texts = append(texts, Context(d.Title, piece.Heading)+"\n"+string(d.Body[piece.Start:piece.End]))
		}
	}
	if p.Embedder == nil || len(texts) == 0 {
		return nil
	}
	vectors, err := p.Embedder.Embed(ctx, llm.RoleDocument, texts)
	if err != nil {
		return fmt.Errorf("embed %d chunks: %w", len(texts), err)
	}
	next := 0
	for i := range puts {
		for j := range puts[i].Chunks {
			puts[i].Chunks[j].Vector = vectors[next]
			next++
		}
	}
	return nil
}

// Context returns the header under which a chunk is embedded: the title and the
// path of headings, without repeating the title.
func Context(title string, heading []string) string {
	parts := make([]string, 0, len(heading)+1)
	parts = append(parts, title)
	for _, h := range heading {
		if h != title {
			parts = append(parts, h)
		}
	}
	return strings.Join(parts, " > ")
}

// documentError describes a failure for people.
func documentError(external, url string, err error) cairn.DocumentError {
	e := cairn.DocumentError{External: external, URL: url, Code: "unreadable", Reason: "The document could not be read."}
	var failure *extract.Failure
	var source *connectors.DocumentError
	switch {
	case errors.As(err, &failure):
		e.Code, e.Reason = failure.Code, failure.Reason
	case errors.As(err, &source):
		e.Code, e.Reason = source.Code, source.Reason
	}
	return e
}
