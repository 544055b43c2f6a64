package cairn

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

// DocumentID names a document for as long as it exists: random, made by the
// server, kept over edits, renames and moves. It is opaque and URL-safe.
type DocumentID string

// SourceID names a configured source. It is opaque and URL-safe; people and
// the API use the source's name instead.
type SourceID string

// Version names one state of a document's body: see VersionOf.
type Version string

// VersionOf returns the version of a canonical body: the first 128 bits of its
// SHA-256 in lower-case hexadecimal. Equal bodies have equal versions.
func VersionOf(body []byte) Version {
	sum := sha256.Sum256(body)
	return Version(hex.EncodeToString(sum[:16]))
}

// Kind says what sort of thing a document is. It decides how the document is
// cut into chunks and which icon a person sees; filters compare it literally.
type Kind string

// The kinds that extraction gives. Connectors may give others (ticket, message, …).
const (
	KindPage         Kind = "page"         // Markdown, HTML
	KindText         Kind = "text"         // plain text
	KindPDF          Kind = "pdf"          // PDF; a section is a page
	KindDocument     Kind = "document"     // DOCX
	KindPresentation Kind = "presentation" // PPTX; a section is a slide
	KindSpreadsheet  Kind = "spreadsheet"  // XLSX, CSV; a section is a sheet
	KindMail         Kind = "mail"         // EML
	KindData         Kind = "data"         // JSON, YAML
	KindCode         Kind = "code"         // source code
)

// Document is one thing of a source in canonical form.
type Document struct {
	ID         DocumentID
	Source     SourceID
	External   string // the source's own name of it: a path, a page id
	Version    Version
	Kind       Kind
	Title      string
	URL        string // where a person opens it at the source; may be empty
	Author     string
	Language   string // ISO 639-1 code such as "en"; empty when unknown
	Body       []byte // canonical text: UTF-8, NFC, "\n" line ends
	Sections   []Section
	ACL        ACL
	Created    time.Time
	Modified   time.Time
	Attributes map[string]string
	Parent     DocumentID // the document that this one is attached to; usually empty
}

// Section is a part of a body under one heading. Sections are in order of
// Start, do not overlap and together cover the body.
type Section struct {
	Heading []string // path of headings, outermost first; empty before the first
	Start   int      // bytes of Document.Body, half-open
	End     int
	// Anchor is a reference to the section, relative to the document's URL (RFC 3986,
	// section 4.2): "#heading", "#page=3", "#L10-L20", "?focusedCommentId=4711",
	// "p1700000000000200?thread_ts=1700000000.000100"; may be empty.
	Anchor string
}

// Link returns the address of the section, given that of its document; the latter where
// the anchor leads to another site, or is none.
func (s Section) Link(document string) string {
	switch {
	case document == "" || s.Anchor == "":
		return document
	case s.Anchor[0] == '#' && strings.Contains(document, "#"):
		return document
	case s.Anchor[0] == '#':
		return document + s.Anchor
	}
	base, err := url.Parse(document)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" {
		return document
	}
	to, err := base.Parse(s.Anchor)
	if err != nil || to.Scheme != base.Scheme || to.Host != base.Host || to.User != nil || to.Opaque != "" {
		return document
	}
	return to.String()
}

// Chunk is the unit that is indexed: a byte range of a body.
type Chunk struct {
	Document DocumentID
	Ordinal  int // position within the document, from 0
	Start    int
	End      int
}
