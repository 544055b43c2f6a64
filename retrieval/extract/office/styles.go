package office

import (
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"
)

// noHeading is the level of what is no heading; a title has level 0.
const noHeading = -1

// style is what the paragraphs of a style are.
type style struct {
	name    string
	parent  string
	outline int // level of heading, from 1; 0 when the style says nothing
	list    string
	level   int
}

type styles map[string]style

// readStyles reads the styles of a document by their ids.
func readStyles(a *Archive) (styles, error) {
	all := styles{}
	data, err := a.optional("word/styles.xml")
	if err != nil || data == nil {
		return all, err
	}
	id := ""
	err = each(data, func(_ *stream, e xml.StartElement) error {
		if e.Name.Local == "style" {
			id = attr(e, "styleId")
			all[id] = style{}
			return nil
		}
		s, ok := all[id]
		if !ok {
			return nil
		}
		value := attr(e, "val")
		switch e.Name.Local {
		case "name":
			s.name = strings.ToLower(value)
		case "basedOn":
			s.parent = value
		case "outlineLvl":
			if n, err := strconv.Atoi(value); err == nil && n < 9 {
				s.outline = n + 1
			}
		case "numId":
			s.list = value
		case "ilvl":
			s.level, _ = strconv.Atoi(value)
		}
		all[id] = s
		return nil
	})
	return all, err
}

// headingName recognises headings by the names of their styles in the languages
// that office programs are sold in; Word itself always stores the English one.
var headingName = regexp.MustCompile(`^(?:heading|überschrift|titre|título|titulo|titolo|kop|rubrik|overskrift|otsikko|nagłówek|заголовок|nadpis|berschrift)[ _]?([1-9])$`)

// heading returns the level of heading that paragraphs of a style have: 0 for
// a title, noHeading for text.
func (all styles) heading(id string) int {
	for range 10 { // styles may be based on each other in a circle
		s, ok := all[id]
		if !ok {
			s.name = strings.ToLower(id)
		}
		if s.name == "title" {
			return 0
		}
		if m := headingName.FindStringSubmatch(s.name); m != nil {
			return int(m[1][0] - '0')
		}
		if s.outline > 0 {
			return s.outline
		}
		if id = s.parent; id == "" {
			break
		}
	}
	return noHeading
}

// list returns the list that paragraphs of a style belong to; empty for none.
func (all styles) list(id string) (list string, level int) {
	for range 10 {
		s := all[id]
		if s.list != "" {
			return s.list, s.level
		}
		if id = s.parent; id == "" {
			break
		}
	}
	return "", 0
}
