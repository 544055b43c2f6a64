package office

import (
	"encoding/xml"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// DOCX extracts a word processor document. Headings, known by their styles or
// outline levels, begin sections; lists keep their numbers; rows of tables
// repeat the names of the columns; footnotes stand below their paragraph.
// Deleted text of tracked changes is left out.
func DOCX(a *Archive, limit int) (*canon.Text, error) {
	t := &canon.Text{Kind: cairn.KindDocument}
	if err := a.core(t); err != nil {
		return nil, err
	}
	d := &docx{b: canon.NewBuilder(limit)}
	var err error
	if d.styles, err = readStyles(a); err != nil {
		return nil, err
	}
	if d.numbering, err = readNumbering(a); err != nil {
		return nil, err
	}
	if err := d.readNotes(a); err != nil {
		return nil, err
	}
	part := a.Main("word/")
	if part == "" {
		part = "word/document.xml"
	}
	main, err := a.required(part)
	if err != nil {
		return nil, err
	}
	d.s = newStream(main)
	if err := d.s.children(d.block); err != nil {
		return nil, err
	}
	d.b.Into(t)
	if t.Title == "" {
		t.Title = d.title
	}
	return t, nil
}

// docx is the state of reading a document or a part of it.
type docx struct {
	s         *stream
	b         *canon.Builder
	styles    styles
	numbering *numbering
	notes     map[string]string // by kind and id: "footnote 2"
	outline   canon.Outline
	anchors   canon.Anchors
	title     string // the title paragraph, or the first heading
	titled    bool   // there was a title paragraph
	inList    bool
}

// readNotes reads footnotes and endnotes.
func (d *docx) readNotes(a *Archive) error {
	d.notes = map[string]string{}
	for _, kind := range []string{"footnote", "endnote"} {
		data, err := a.optional("word/" + kind + "s.xml")
		if err != nil {
			return err
		}
		if data == nil {
			continue
		}
		err = each(data, func(s *stream, e xml.StartElement) error {
			if e.Name.Local != kind || attr(e, "type") != "" {
				return nil
			}
			inner := &docx{s: s, styles: d.styles, numbering: d.numbering}
			text, _, err := inner.cell()
			d.notes[kind+" "+attr(e, "id")] = text
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// block reads one element of the body.
func (d *docx) block(e xml.StartElement) error {
	switch e.Name.Local {
	case "p":
		p, err := d.paragraph()
		if err != nil {
			return err
		}
		d.write(p)
	case "tbl":
		rows, err := d.table()
		if err != nil {
			return err
		}
		d.inList = false
		for i, row := range rows {
			if i == 0 {
				d.b.Paragraph(row)
			} else {
				d.b.Line(row)
			}
		}
	case "Fallback", "sectPr", "del", "moveFrom", "sdtPr":
		return d.s.skip()
	}
	return nil
}

// write writes a paragraph of the body.
func (d *docx) write(p paragraph) {
	text := strings.TrimSpace(p.text)
	if text == "" {
		return
	}
	label := ""
	if p.list != "" && p.list != "0" {
		label = d.numbering.label(p.list, p.listLevel)
	}
	switch {
	case p.level != noHeading && len(text) <= 300:
		d.inList = false
		d.heading(p.level, label, text)
	case label != "":
		line := strings.Repeat("  ", p.listLevel) + label + text
		if d.inList {
			d.b.Line(line)
		} else {
			d.b.Paragraph(line)
		}
		d.inList = true
	default:
		d.inList = false
		d.b.Paragraph(text)
	}
	for _, note := range p.notes {
		if text := d.notes[note]; text != "" {
			_, id, _ := strings.Cut(note, " ")
			d.b.Line("[^" + id + "]: " + text)
		}
	}
}

func (d *docx) heading(level int, label, text string) {
	if label == "- " {
		label = ""
	}
	text = canon.Inline(label + text)
	if d.title == "" || level == 0 && !d.titled {
		d.title = text
		d.titled = level == 0
	}
	path := d.outline.Enter(level, text)
	d.b.Section(path, d.anchors.Of(text))
	d.b.Paragraph(strings.Repeat("#", min(len(path), 6)) + " " + text)
}
