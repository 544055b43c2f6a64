package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// maxPages is how many pages of a file are read.
const maxPages = 10_000

// Extract extracts the file of size bytes that r reads. Each page with text is
// a section with the anchor "#page=N"; its heading is the bookmark under which
// it stands. It fails with CodeEncrypted when a password is needed, CodeCorrupt
// when the file cannot be opened, and CodeNoTextLayer when it is only pictures.
func (e *Engine) Extract(ctx context.Context, r io.ReadSeeker, size int64, limit int) (text *canon.Text, err error) {
	instance, err := e.acquire()
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			// The state of PDFium is unknown now.
			_ = e.Close()
			text, err = nil, crashed()
		}
	}()
	opened, err := instance.OpenDocument(&requests.OpenDocument{FileReader: r, FileReaderSize: size})
	switch {
	case errors.Is(err, pdfiumerrors.ErrPassword), errors.Is(err, pdfiumerrors.ErrSecurity):
		return nil, canon.Failf(canon.CodeEncrypted, "The PDF is protected by a password. Save a copy without one.")
	case err != nil:
		return nil, crashed()
	}
	doc := document{pdfium: instance, ref: opened.Document}
	defer instance.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: doc.ref}) //nolint:errcheck // nothing is lost
	return doc.extract(ctx, limit)
}

func crashed() error {
	return canon.Failf(canon.CodeCorrupt,
		"The PDF is damaged or was not transferred completely. Open it in a PDF program and save it again.")
}

type document struct {
	pdfium pdfium.Pdfium
	ref    references.FPDF_DOCUMENT
}

func (d document) extract(ctx context.Context, limit int) (*canon.Text, error) {
	counted, err := d.pdfium.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: d.ref})
	if err != nil {
		return nil, crashed()
	}
	t := &canon.Text{Kind: cairn.KindPDF}
	d.metadata(t)
	if counted.PageCount > maxPages {
		t.Notice(canon.NoticeTruncated)
	}
	var pages []page
	size, blank := 0, 0
	for i := range min(counted.PageCount, maxPages) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("extract page %d: %w", i+1, err)
		}
		p, err := d.page(i)
		if err != nil {
			// A page that cannot be read is like one without text.
			p = page{}
		}
		if len(p.lines) == 0 {
			blank++
		}
		pages = append(pages, p)
		if size += p.size(); size > limit {
			break
		}
	}
	if blank == len(pages) {
		return nil, canon.Failf(canon.CodeNoTextLayer,
			"The PDF has no text layer: its pages are pictures, as of a scanner. Run it through text recognition (OCR) and add it again.")
	}
	if blank > 0 {
		t.Notice(canon.NoticeSomePages)
	}
	d.write(t, pages, limit)
	return t, nil
}

// write puts the pages together.
func (d document) write(t *canon.Text, pages []page, limit int) {
	removeRunning(pages)
	words := vocabulary(pages)
	headings := d.bookmarks(len(pages))
	b := canon.NewBuilder(limit)
	texts := make([][]string, len(pages))
	for i, p := range pages {
		texts[i] = p.paragraphs(words)
	}
	joinPages(texts)
	for i, paragraphs := range texts {
		if len(paragraphs) == 0 {
			continue
		}
		b.Section(headings[i], fmt.Sprintf("#page=%d", i+1))
		for _, text := range paragraphs {
			b.Paragraph(text)
		}
	}
	b.Into(t)
	if t.Title == "" {
		t.Title = largestLine(pages)
	}
}

// metadata reads the properties of a file that are worth keeping.
func (d document) metadata(t *canon.Text) {
	meta, err := d.pdfium.GetMetaData(&requests.GetMetaData{Document: d.ref})
	if err != nil {
		return
	}
	for _, tag := range meta.Tags {
		value := canon.Inline(tag.Value)
		switch tag.Tag {
		case "Title":
			if !fileLike(value) {
				t.Title = value
			}
		case "Author":
			t.Author = value
		case "CreationDate":
			t.Created = date(value)
		case "ModDate":
			t.Modified = date(value)
		case "Subject", "Keywords":
			if value == "(unspecified)" { // so says a library for lack of anything else
				continue
			}
			t.Set(strings.ToLower(tag.Tag), value)
		}
	}
}

// fileLike reports whether a title is the name of a file that a program put
// there, and nothing that a person wrote.
func fileLike(title string) bool {
	lower := strings.ToLower(title)
	for _, end := range []string{".doc", ".docx", ".pdf", ".tex", ".dvi", ".indd", ".odt", ".ppt", ".pptx", ".xls", ".xlsx", ".qxd", ".rtf", ".html"} {
		if strings.HasSuffix(lower, end) {
			return true
		}
	}
	return strings.HasPrefix(lower, "microsoft ") || strings.HasPrefix(lower, "untitled") || lower == "(anonymous)" ||
		lower == "anonymous" || !strings.ContainsFunc(title, unicode.IsLetter)
}

// date reads a date as PDF writes it: D:YYYYMMDDHHmmSS+HH'mm'.
func date(s string) time.Time {
	s = strings.ReplaceAll(strings.TrimPrefix(s, "D:"), "'", "")
	for _, layout := range []string{"20060102150405-0700", "20060102150405Z0000", "20060102150405Z", "20060102150405", "20060102"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
