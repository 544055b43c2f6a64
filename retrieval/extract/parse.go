package extract

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf16"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/code"
	"github.com/cairnhq/cairn/retrieval/extract/mail"
	"github.com/cairnhq/cairn/retrieval/extract/markup"
	"github.com/cairnhq/cairn/retrieval/extract/office"
	"github.com/cairnhq/cairn/retrieval/extract/plain"
)

// parse hands a document to the parser of its format.
func (e *extractor) parse(ctx context.Context, f *file) (*Text, error) {
	limit := e.limits.TextBytes
	switch f.format.parser {
	case parseMarkdown:
		return markup.Markdown(f.text(), limit)
	case parseHTML:
		return markup.HTML(f.text(), limit)
	case parseCSV:
		return plain.CSV(f.text(), limit)
	case parseJSON:
		return plain.JSON(f.text(), limit)
	case parseData:
		return plain.Data(f.text(), limit)
	case parseCode:
		return code.Extract(f.text(), f.format.language, limit)
	case parseMail:
		return mail.Extract(f.spool.bytes(), limit, e.limits.AttachmentBytes)
	case parsePDF:
		return e.pdf.Extract(ctx, io.NewSectionReader(f.spool, 0, f.size), f.size, limit)
	case parseZip:
		return parseArchive(f, limit)
	case parseOLE:
		return nil, compound(f.spool)
	}
	return plain.Text(f.text(), limit)
}

// parseArchive tells the formats apart that are zip archives.
func parseArchive(f *file, limit int) (*Text, error) {
	a, err := office.Open(f.spool, f.size)
	if err != nil {
		return nil, err
	}
	ext := extension(f.in)
	renamed := func(family string) bool { return ext != "" && !strings.HasPrefix(ext, family) }
	switch {
	case a.Has("word/document.xml"), a.Main("word/") != "":
		f.format.name, f.format.renamed = "Word document", renamed(".do")
		return office.DOCX(a, limit)
	case a.Has("ppt/presentation.xml"):
		f.format.name, f.format.renamed = "presentation", renamed(".p")
		return office.PPTX(a, limit)
	case a.Has("xl/workbook.xml"):
		f.format.name, f.format.renamed = "workbook", renamed(".xl")
		return office.XLSX(a, f.spool, f.size, limit)
	case a.Has("xl/workbook.bin"):
		return nil, unsupported("a binary workbook (.xlsb)")
	case a.Has("content.xml") && a.Has("mimetype"):
		return nil, unsupported("an OpenDocument file")
	case a.Has("META-INF/container.xml"):
		return nil, unsupported("an EPUB book")
	}
	return nil, unsupported("a ZIP archive (application/zip)")
}

// compound says what a file is that has Microsoft's container of before 2007:
// an old format, or a new one that is encrypted.
func compound(s *spool) error {
	if s.contains(wide("EncryptedPackage")) {
		return canon.Failf(canon.CodeEncrypted, "The file is protected by a password. Save a copy without one.")
	}
	for _, old := range []struct{ stream, name string }{
		{"WordDocument", "a Word file of the old format (.doc)"},
		{"Workbook", "an Excel file of the old format (.xls)"},
		{"PowerPoint Document", "a PowerPoint file of the old format (.ppt)"},
		{"__properties_version1.0", "an Outlook message (.msg)"},
	} {
		if s.contains(wide(old.stream)) {
			return unsupported(old.name)
		}
	}
	return unsupported("a compound file (application/x-ole-storage)")
}

// wide returns s in UTF-16 with the low byte first.
func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// finish completes what a parser made and checks it.
func finish(t *Text, f *file) (*Text, error) {
	if len(t.Body) == 0 {
		return nil, empty()
	}
	name := filename(f.in)
	switch {
	case t.Kind == cairn.KindCode:
		t.Title = path.Base(strings.ReplaceAll(name, "\\", "/"))
	case t.Title == "":
		t.Title = canon.FileTitle(name)
	}
	if t.Title = canon.Inline(t.Title); len(t.Title) > maxTitle {
		t.Title = string(canon.Cut([]byte(t.Title), maxTitle)) + "…"
	}
	if f.format.renamed {
		t.Notice(canon.NoticeWrongName)
	}
	if found := language(t); found != "" {
		t.Language = found
	}
	if err := check(t); err != nil {
		return nil, fmt.Errorf("extract %s: %w", f.format.name, err)
	}
	return t, nil
}

const maxTitle = 300 // bytes
