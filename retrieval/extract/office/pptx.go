package office

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// PPTX extracts a presentation: each slide is a section with its title, texts,
// tables and the speaker's notes.
func PPTX(a *Archive, limit int) (*canon.Text, error) {
	t := &canon.Text{Kind: cairn.KindPresentation}
	if err := a.core(t); err != nil {
		return nil, err
	}
	slides, err := slideParts(a)
	if err != nil {
		return nil, err
	}
	b := canon.NewBuilder(limit)
	first := ""
	for i, part := range slides {
		if b.Full() {
			break
		}
		s, err := readSlide(a, part)
		if err != nil {
			return nil, err
		}
		if first == "" {
			first = s.title
		}
		s.write(b, i+1)
	}
	b.Into(t)
	if t.Title == "" {
		t.Title = first
	}
	return t, nil
}

// slideParts returns the entries of the slides in their order.
func slideParts(a *Archive) ([]string, error) {
	const part = "ppt/presentation.xml"
	data, err := a.required(part)
	if err != nil {
		return nil, err
	}
	relations, err := a.relations(part)
	if err != nil {
		return nil, err
	}
	var parts []string
	err = each(data, func(_ *stream, e xml.StartElement) error {
		if e.Name.Local != "sldId" {
			return nil
		}
		for _, at := range e.Attr {
			if r, ok := relations[at.Value]; ok && at.Name.Local == "id" && r.kind == "slide" {
				parts = append(parts, r.target)
			}
		}
		return nil
	})
	return parts, err
}

// slide is what stands on a slide.
type slide struct {
	title  string
	blocks [][]string // texts and tables, as lines
	notes  []string
}

func readSlide(a *Archive, part string) (slide, error) {
	data, err := a.required(part)
	if err != nil {
		return slide{}, err
	}
	s, err := shapes(data)
	if err != nil {
		return slide{}, err
	}
	relations, err := a.relations(part)
	if err != nil {
		return slide{}, err
	}
	for _, r := range relations {
		if r.kind != "notesSlide" || !a.Has(r.target) {
			continue
		}
		data, err := a.Read(r.target)
		if err != nil {
			return slide{}, err
		}
		notes, err := shapes(data)
		if err != nil {
			return slide{}, err
		}
		s.notes = slices.Concat(notes.blocks...)
	}
	return s, nil
}

func (s slide) write(b *canon.Builder, number int) {
	name := "Slide " + strconv.Itoa(number)
	if s.title != "" {
		name += ": " + s.title
	}
	if len(s.blocks) == 0 && s.title == "" && len(s.notes) == 0 {
		return
	}
	b.Section([]string{name}, fmt.Sprintf("#slide=%d", number))
	b.Paragraph(name)
	for _, block := range s.blocks {
		for i, line := range block {
			if i == 0 {
				b.Paragraph(line)
			} else {
				b.Line(line)
			}
		}
	}
	if len(s.notes) > 0 {
		b.Paragraph("Notes: " + strings.Join(s.notes, "\n"))
	}
}

// shapes reads the texts of a slide or of a page of notes.
func shapes(data []byte) (slide, error) {
	var s slide
	err := each(data, func(in *stream, e xml.StartElement) error {
		switch e.Name.Local {
		case "sp":
			kind, lines, err := shape(in)
			switch kind {
			case "title", "ctrTitle":
				s.title = canon.Inline(s.title + " " + strings.Join(lines, " "))
			case "sldNum", "dt", "ftr", "hdr", "sldImg":
			default:
				if len(lines) > 0 {
					s.blocks = append(s.blocks, lines)
				}
			}
			return err
		case "tbl":
			rows, err := slideTable(in)
			if len(rows) > 0 {
				s.blocks = append(s.blocks, rows)
			}
			return err
		case "Fallback":
			return in.skip()
		}
		return nil
	})
	return s, err
}

// shape reads a shape: what it is a placeholder for, and its paragraphs.
func shape(in *stream) (kind string, lines []string, err error) {
	err = in.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "ph":
			kind = attr(e, "type")
		case "p":
			line, err := slideParagraph(in)
			if line != "" {
				lines = append(lines, line)
			}
			return err
		}
		return nil
	})
	return kind, lines, err
}

// slideParagraph reads a paragraph; one below the first level is indented.
func slideParagraph(in *stream) (string, error) {
	var text strings.Builder
	level := 0
	err := in.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "pPr":
			level, _ = strconv.Atoi(attr(e, "lvl"))
		case "t":
			s, err := in.text()
			text.WriteString(s)
			return err
		case "br":
			text.WriteByte(' ')
		}
		return nil
	})
	line := canon.Inline(text.String())
	if line != "" && level > 0 {
		line = strings.Repeat("  ", min(level, 8)) + "- " + line
	}
	return line, err
}

func slideTable(in *stream) ([]string, error) {
	var rows [][]string
	header := false
	err := in.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "tblPr":
			header = attr(e, "firstRow") == "1"
		case "tr":
			rows = append(rows, nil)
		case "tc":
			_, lines, err := shape(in)
			if n := len(rows); n > 0 {
				rows[n-1] = append(rows[n-1], strings.Join(lines, " "))
			}
			return err
		}
		return nil
	})
	var names []string
	if len(rows) > 1 && (header || len(rows[0]) > 2 && canon.LooksLikeHeader(rows)) {
		names, rows = canon.Header(rows[0]), rows[1:]
	}
	lines := make([]string, 0, len(rows))
	for _, row := range rows {
		if line := canon.Row(names, row); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, err
}
