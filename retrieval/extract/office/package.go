package office

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/markup"
)

// optional returns an entry, or nothing when the archive has none of this name.
func (a *Archive) optional(name string) ([]byte, error) {
	data, err := a.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// required returns an entry without which the file is damaged.
func (a *Archive) required(name string) ([]byte, error) {
	data, err := a.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, corrupt()
	}
	return data, err
}

// core reads the properties of a file into t.
func (a *Archive) core(t *canon.Text) error {
	data, err := a.optional("docProps/core.xml")
	if err != nil || data == nil {
		return err
	}
	return each(data, func(s *stream, e xml.StartElement) error {
		switch e.Name.Local {
		case "title", "creator", "created", "modified", "language", "subject", "keywords":
		default:
			return nil
		}
		value, err := s.text()
		if err != nil {
			return err
		}
		switch e.Name.Local {
		case "title":
			if title := canon.Inline(value); !generic(title) {
				t.Title = title
			}
		case "creator":
			t.Author = canon.Inline(value)
		case "created":
			t.Created = markup.Date(value)
		case "modified":
			t.Modified = markup.Date(value)
		case "language":
			if len(value) >= 2 {
				t.Language = strings.ToLower(value[:2])
			}
		default:
			t.Set(e.Name.Local, value)
		}
		return nil
	})
}

// generic reports whether a title is one that a program gave by itself.
func generic(title string) bool {
	lower := strings.ToLower(title)
	return strings.HasPrefix(lower, "microsoft ") || lower == "powerpoint presentation" ||
		lower == "powerpoint-präsentation" || lower == "untitled" || lower == "slide 1"
}

// relation is where a part of a file points to.
type relation struct {
	target string // name of an entry
	kind   string // last part of the type: "slide", "notesSlide", …
}

// relations returns what a part points to, by id.
func (a *Archive) relations(part string) (map[string]relation, error) {
	dir, base := path.Split(part)
	data, err := a.optional(dir + "_rels/" + base + ".rels")
	if err != nil || data == nil {
		return nil, err
	}
	found := map[string]relation{}
	err = each(data, func(_ *stream, e xml.StartElement) error {
		if e.Name.Local != "Relationship" || attr(e, "TargetMode") == "External" {
			return nil
		}
		target := attr(e, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(dir, target)
		}
		found[attr(e, "Id")] = relation{target: strings.TrimPrefix(target, "/"), kind: path.Base(attr(e, "Type"))}
		return nil
	})
	return found, err
}

// Main returns the name of the entry that the archive names as its document,
// if that is in a folder; empty when it is not.
func (a *Archive) Main(folder string) string {
	relations, err := a.relations("")
	if err != nil {
		return ""
	}
	for _, r := range relations {
		if r.kind == "officeDocument" && strings.HasPrefix(strings.ToLower(r.target), folder) && a.Has(r.target) {
			return r.target
		}
	}
	return ""
}
