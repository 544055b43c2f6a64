package extracttest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Zip returns an archive with entries in the order of their names.
func Zip(entries map[string]string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		w, err := z.Create(name)
		if err != nil {
			panic(err) // bytes.Buffer takes everything
		}
		if _, err := w.Write([]byte(entries[name])); err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
	wordSpace = ` xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`
	relations = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
)

// DOCX returns a document with a body of WordprocessingML, whose elements have
// the prefix w, and further entries, which win over the usual ones.
func DOCX(body string, extra map[string]string) []byte {
	entries := map[string]string{
		"[Content_Types].xml": xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`,
		"_rels/.rels": xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` +
			relations + `/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml": xmlHead + `<w:document` + wordSpace + `><w:body>` + body + `</w:body></w:document>`,
		"word/styles.xml":   xmlHead + `<w:styles` + wordSpace + `>` + wordStyles + `</w:styles>`,
		"docProps/core.xml": CoreProperties("Rules of the house", "Ann Writer"),
	}
	maps.Copy(entries, extra)
	return Zip(entries)
}

const wordStyles = `<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift2"><w:name w:val="heading 2"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:type="paragraph" w:styleId="Clause"><w:name w:val="Clause"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>`

// CoreProperties returns the entry docProps/core.xml.
func CoreProperties(title, author string) string {
	return xmlHead + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" ` +
		`xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"><dc:title>` + title + `</dc:title><dc:creator>` +
		author + `</dc:creator><dcterms:created>2026-03-01T08:00:00Z</dcterms:created><dcterms:modified>2026-04-01T09:30:00Z</dcterms:modified></cp:coreProperties>`
}

// P returns a paragraph of a style, or of none.
func P(style, text string) string {
	properties := ""
	if style != "" {
		properties = `<w:pPr><w:pStyle w:val="` + style + `"/></w:pPr>`
	}
	return `<w:p>` + properties + `<w:r><w:t xml:space="preserve">` + text + `</w:t></w:r></w:p>`
}

// Slide is a slide of a PPTX.
type Slide struct {
	Title string
	Texts []string
	Notes string
}

// PPTX returns a presentation.
func PPTX(slides ...Slide) []byte {
	const spaces = ` xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="` + relations + `"`
	entries := map[string]string{"[Content_Types].xml": xmlHead + `<Types/>`, "docProps/core.xml": CoreProperties("PowerPoint Presentation", "Ann Writer")}
	var ids, targets strings.Builder
	for i, s := range slides {
		// The order of the slides is not that of their files.
		file := fmt.Sprintf("slide%d.xml", len(slides)-i)
		fmt.Fprintf(&ids, `<p:sldId id="%d" r:id="rId%d"/>`, 256+i, i+1)
		fmt.Fprintf(&targets, `<Relationship Id="rId%d" Type="%s/slide" Target="slides/%s"/>`, i+1, relations, file)
		entries["ppt/slides/"+file] = xmlHead + `<p:sld` + spaces + `><p:cSld><p:spTree>` + shape("title", s.Title) + shape("body", s.Texts...) +
			shape("sldNum", "99") + `</p:spTree></p:cSld></p:sld>`
		if s.Notes != "" {
			entries["ppt/slides/_rels/"+file+".rels"] = xmlHead + `<Relationships><Relationship Id="rId1" Type="` + relations + `/notesSlide" Target="../notesSlides/` + file + `"/></Relationships>`
			entries["ppt/notesSlides/"+file] = xmlHead + `<p:notes` + spaces + `><p:cSld><p:spTree>` + shape("body", s.Notes) + `</p:spTree></p:cSld></p:notes>`
		}
	}
	entries["ppt/presentation.xml"] = xmlHead + `<p:presentation` + spaces + `><p:sldIdLst>` + ids.String() + `</p:sldIdLst></p:presentation>`
	entries["ppt/_rels/presentation.xml.rels"] = xmlHead + `<Relationships>` + targets.String() + `</Relationships>`
	return Zip(entries)
}

func shape(kind string, paragraphs ...string) string {
	var b strings.Builder
	b.WriteString(`<p:sp><p:nvSpPr><p:nvPr><p:ph type="` + kind + `"/></p:nvPr></p:nvSpPr><p:txBody>`)
	for _, p := range paragraphs {
		b.WriteString(`<a:p><a:r><a:t>` + p + `</a:t></a:r></a:p>`)
	}
	b.WriteString(`</p:txBody></p:sp>`)
	return b.String()
}
