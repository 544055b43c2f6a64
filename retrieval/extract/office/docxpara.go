package office

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// paragraph is a paragraph of a document.
type paragraph struct {
	text      string
	level     int // of heading; noHeading for text
	list      string
	listLevel int
	notes     []string // "footnote 2": those that the text refers to
	bold      bool     // all of the text
}

// paragraph reads the paragraph whose start was read last.
func (d *docx) paragraph() (paragraph, error) {
	p := paragraph{level: noHeading}
	style := ""
	var text, boxes strings.Builder
	plain := false // there is text that is not bold
	err := d.s.children(func(e xml.StartElement) error {
		var err error
		switch e.Name.Local {
		case "pPr":
			style, err = d.properties(&p)
		case "r":
			bold := false
			if bold, err = d.run(&p, &text, &boxes); !bold {
				plain = true
			}
		case "del", "moveFrom", "Fallback":
			err = d.s.skip()
		case "t": // of a formula
			err = d.append(&text)
		}
		return err
	})
	if p.level == noHeading {
		p.level = d.styles.heading(style)
	}
	if p.list == "" {
		p.list, p.listLevel = d.styles.list(style)
	}
	p.text = text.String() + boxes.String()
	p.bold = !plain && strings.TrimSpace(p.text) != ""
	return p, err
}

func (d *docx) append(text *strings.Builder) error {
	s, err := d.s.text()
	text.WriteString(s)
	return err
}

// properties reads the properties of a paragraph and returns its style.
func (d *docx) properties(p *paragraph) (style string, err error) {
	err = d.s.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "pStyle":
			style = attr(e, "val")
		case "outlineLvl":
			if n, err := strconv.Atoi(attr(e, "val")); err == nil && n >= 0 && n < 9 {
				p.level = n + 1
			}
		case "numId":
			p.list = attr(e, "val")
		case "ilvl":
			if n, err := strconv.Atoi(attr(e, "val")); err == nil && n >= 0 && n < 9 {
				p.listLevel = n
			}
		case "pPrChange", "rPr":
			return d.s.skip()
		}
		return nil
	})
	return style, err
}

// run reads a run of text of one look, and reports whether it is bold or empty.
// The text of boxes goes into boxes, behind that of the paragraph.
func (d *docx) run(p *paragraph, text, boxes *strings.Builder) (bold bool, err error) {
	before := text.Len()
	err = d.s.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "rPr":
			return d.s.children(func(e xml.StartElement) error {
				if e.Name.Local == "b" {
					bold = on(e)
				}
				return nil
			})
		case "t":
			return d.append(text)
		case "tab", "ptab":
			text.WriteByte('\t')
		case "br", "cr":
			text.WriteByte('\n')
		case "noBreakHyphen":
			text.WriteByte('-')
		case "footnoteReference", "endnoteReference":
			id := attr(e, "id")
			text.WriteString("[^" + id + "]")
			p.notes = append(p.notes, strings.TrimSuffix(e.Name.Local, "Reference")+" "+id)
		case "txbxContent":
			inner, _, err := d.cell()
			boxes.WriteString("\n" + inner)
			return err
		case "instrText", "delText", "Fallback", "rPrChange":
			return d.s.skip()
		}
		return nil
	})
	return bold || text.Len() == before, err
}
