package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// change says what became of a page; false when there is nothing to say. Where the whole
// site was listed before, documents that are gone are left to the listing, which can
// tell those that have another address now.
func (s *Site) change(v visited) (connectors.Change, bool) {
	p := v.page
	switch {
	case p.failed() && p.Away && !p.Document:
		return connectors.Change{}, false
	case p.failed():
		return connectors.Change{External: v.at, Err: &connectors.DocumentError{Code: p.Code, Reason: p.Reason}}, true
	case p.Is == document || v.itself:
		p.Document = true
		return connectors.Change{External: v.at, Metadata: s.metadata(v.at, p), Open: s.opener(v.at, p.Revision)}, true
	case p.Document && !s.listed:
		return connectors.Change{Op: connectors.Delete, External: v.at}, true
	}
	return connectors.Change{}, false
}

func (s *Site) metadata(at string, p *page) connectors.Metadata {
	m := connectors.Metadata{URL: at, MediaType: p.MediaType, Filename: filename(at, p.MediaType), Size: p.Size, Revision: p.Revision}
	if modified, err := http.ParseTime(p.LastModified); err == nil {
		m.Modified = modified.UTC()
	} else {
		m.Modified = parseDate(p.Lastmod)
	}
	if m.Modified.After(s.env.Now()) {
		m.Modified = time.Time{}
	}
	return m
}

// opener opens a document: what the crawl has kept of it, else what the site has now.
func (s *Site) opener(at, revision string) func(context.Context) (io.ReadCloser, error) {
	client := s.client // a crawl that comes later may have another
	return func(ctx context.Context) (io.ReadCloser, error) {
		if body, ok := s.state.bodies.take(ctx, at, revision); ok {
			return body, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case s.turn <- struct{}{}:
		}
		defer func() { <-s.turn }()
		body, err := client.Open(ctx, remote.Request{Path: at, What: "a page", MaxBytes: s.maxSize, Header: http.Header{"Accept": {accepted}}})
		if errors.Is(err, connectors.ErrUnexpected) {
			return nil, &connectors.DocumentError{Code: unreadable, Reason: "The site has another answer for this page by now.", Err: err}
		}
		return body, err
	}
}

// endings are those of the media types that become documents; the first is for names
// that have none of them.
var endings = map[string][]string{
	"text/html": {".html", ".htm", ".xhtml"}, "application/xhtml+xml": {".html", ".htm", ".xhtml"}, "application/pdf": {".pdf"},
	"text/plain": {""}, "text/markdown": {".md", ".markdown"}, "text/x-markdown": {".md", ".markdown"}, "text/csv": {".csv"},
	"text/tab-separated-values": {".tsv"}, "message/rfc822": {".eml"},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   {".docx"},
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": {".pptx"},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         {".xlsx"},
}

// unnamed are the endings of documents that servers do not know the media type of.
var unnamed = set("pdf docx pptx xlsx md markdown txt csv tsv eml html htm")

func isPage(kind string) bool { return kind == "text/html" || kind == "application/xhtml+xml" }

// isReadable reports whether something of a media type, at an address, is a document.
func isReadable(kind, at string) bool {
	if _, ok := endings[kind]; ok {
		return true
	}
	return kind == "application/octet-stream" && unnamed[ending(pathOf(at))]
}

// filename returns a name for a document that says what it is: an address may end in
// anything.
func filename(at, mediaType string) string {
	name := path.Base(pathOf(at))
	if plain, err := url.PathUnescape(name); err == nil && utf8.ValidString(plain) && !strings.ContainsAny(plain, "/\\") && !hasControls(plain) {
		name = plain
	}
	if name == "/" || name == "." {
		name = "index"
	}
	kind, _, _ := mime.ParseMediaType(mediaType)
	known := endings[kind]
	for _, ending := range known {
		if strings.HasSuffix(strings.ToLower(name), ending) {
			return name
		}
	}
	if len(known) > 0 {
		return name + known[0]
	}
	return name
}

func hasControls(text string) bool {
	return strings.ContainsFunc(text, unicode.IsControl)
}
