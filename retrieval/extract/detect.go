package extract

import (
	"bytes"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/code"
)

// format is what a document is.
type format struct {
	name     string // for people
	parser   parser
	language string // of source code
	text     bool   // its beginning is of use without its end
	renamed  bool   // the name says something else
}

// parser is the part of the program that reads a format.
type parser int

const (
	parseText parser = iota
	parseMarkdown
	parseHTML
	parseCSV
	parseJSON
	parseData
	parseCode
	parseMail
	parsePDF
	parseZip
	parseOLE
)

var (
	plainText = format{name: "plain text", parser: parseText, text: true}
	pageHTML  = format{name: "HTML", parser: parseHTML, text: true}
	dataJSON  = format{name: "JSON", parser: parseJSON, text: true}
	message   = format{name: "mail", parser: parseMail}
)

// byExtension are the formats of text that a name tells apart; the content
// cannot. Source code is in package code.
var byExtension = map[string]format{
	".html": pageHTML, ".htm": pageHTML, ".xhtml": pageHTML, ".json": dataJSON, ".jsonl": dataJSON, ".ndjson": dataJSON,
	".geojson": dataJSON, ".ipynb": dataJSON, ".eml": message, ".txt": plainText, ".text": plainText, ".log": plainText,
	".md": markdownText, ".markdown": markdownText, ".mdown": markdownText, ".mkd": markdownText, ".mdx": markdownText,
	".csv": tableCSV, ".tsv": tableCSV, ".tab": tableCSV, ".yaml": dataText, ".yml": dataText, ".toml": dataText, ".ini": dataText,
	".cfg": dataText, ".conf": dataText, ".properties": dataText, ".env": dataText, ".xml": dataText, ".plist": dataText,
}

var (
	markdownText = format{name: "Markdown", parser: parseMarkdown, text: true}
	tableCSV     = format{name: "CSV", parser: parseCSV, text: true}
	dataText     = format{name: "configuration", parser: parseData, text: true}
)

// byMediaType gives the extension that a media type stands for.
var byMediaType = map[string]string{
	"text/markdown": ".md", "text/x-markdown": ".md", "text/html": ".html", "application/xhtml+xml": ".html", "text/csv": ".csv",
	"text/tab-separated-values": ".tsv", "application/json": ".json", "application/yaml": ".yaml", "application/x-yaml": ".yaml",
	"text/yaml": ".yaml", "application/xml": ".xml", "text/xml": ".xml", "message/rfc822": ".eml", "text/plain": ".txt",
	"application/pdf": ".pdf",
}

// binaryExtensions are the names of formats whose content is never text.
var binaryExtensions = map[string]bool{
	".pdf": true, ".docx": true, ".pptx": true, ".xlsx": true, ".doc": true, ".ppt": true, ".xls": true, ".odt": true, ".zip": true,
	".png": true, ".jpg": true, ".jpeg": true, ".gif": true, ".webp": true, ".mp3": true, ".mp4": true, ".exe": true,
}

// detect finds out from the beginning of a document what it is. Its name
// decides only between formats of text.
func detect(head []byte, in Input) (format, error) {
	ext := extension(in)
	switch {
	case isPDF(head):
		return format{name: "PDF", parser: parsePDF, renamed: ext != ".pdf" && ext != ""}, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return format{name: "archive", parser: parseZip}, nil
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return format{name: "compound file", parser: parseOLE}, nil
	}
	kind := mimetype.Detect(head)
	if name := binaryName(kind); name != "" {
		return format{}, unsupported(name)
	}
	return textFormat(head, kind, in, ext), nil
}

// isPDF looks for the mark of a PDF where readers accept it: within the first
// kilobyte, but behind text only if it begins a line.
func isPDF(head []byte) bool {
	start := head[:min(len(head), 1024)]
	return bytes.HasPrefix(bytes.TrimLeft(start, "\xef\xbb\xbf \t\r\n\x00"), []byte("%PDF-")) ||
		bytes.Contains(start, []byte("\n%PDF-1."))
}

// binaryName returns the name of a format that has no text to extract; empty
// for text and for what is not recognised.
func binaryName(kind *mimetype.MIME) string {
	switch {
	case kind.Is("image/svg+xml"):
		return "a picture (image/svg+xml)"
	case kind.Is("text/rtf"):
		return "Rich Text (text/rtf)"
	case kind.Is("application/octet-stream"):
		return ""
	}
	for m := kind; m != nil; m = m.Parent() {
		if m.Is("text/plain") {
			return ""
		}
	}
	name := kind.String()
	switch family, _, _ := strings.Cut(name, "/"); family {
	case "image":
		return "a picture (" + name + ")"
	case "audio":
		return "a sound recording (" + name + ")"
	case "video":
		return "a film (" + name + ")"
	case "font":
		return "a font (" + name + ")"
	}
	return name
}

func unsupported(name string) error {
	return canon.Failf(canon.CodeUnsupported,
		"The file is %s, which has no text that can be read. Leave it out, or save it as PDF, DOCX, XLSX, PPTX, HTML or plain text.", name)
}

// textFormat tells formats of text apart: by the name where it fits, else by
// the content.
func textFormat(head []byte, kind *mimetype.MIME, in Input, ext string) format {
	isHTML := kind.Is("text/html")
	if f, ok := byExtension[ext]; ok {
		if f.parser == parseText && isHTML {
			f = pageHTML
			f.renamed = true
		}
		return f
	}
	if language := code.Language(filename(in)); language != "" {
		return format{name: language, parser: parseCode, language: language, text: true}
	}
	f := plainText
	switch {
	case isHTML:
		f = pageHTML
	case kind.Is("application/json"):
		f = dataJSON
	case looksLikeMail(head):
		f = message
	}
	f.renamed = binaryExtensions[ext]
	return f
}

var mailHeader = regexp.MustCompile(`(?mi)^(?:from|to|date|subject|message-id|received|return-path|mime-version):`)

var headerField = regexp.MustCompile(`^[A-Za-z-]+: ?\S`)

// looksLikeMail reports whether text begins with the header of a message.
func looksLikeMail(head []byte) bool {
	header, _, _ := bytes.Cut(bytes.ReplaceAll(head[:min(len(head), 16<<10)], []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	first, _, _ := bytes.Cut(header, []byte("\n"))
	return headerField.Match(first) && len(mailHeader.FindAll(header, 4)) >= 3
}

// filename returns the name of a document as far as it is known.
func filename(in Input) string {
	if in.Filename != "" {
		return in.Filename
	}
	if u, err := url.Parse(in.URL); err == nil {
		return path.Base(u.Path)
	}
	return ""
}

// extension returns the extension that name or media type give, in lower case.
func extension(in Input) string {
	ext := strings.ToLower(path.Ext(strings.ReplaceAll(filename(in), "\\", "/")))
	kind, _, _ := strings.Cut(strings.ToLower(in.MediaType), ";")
	byType := byMediaType[strings.TrimSpace(kind)]
	if byType != "" && byType != ".txt" {
		if _, known := byExtension[ext]; !known {
			return byType
		}
	}
	if ext == "" {
		return byType
	}
	return ext
}
