package mcp

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// maxTitle is how many bytes of a title are shown in lists.
const maxTitle = 300

// link returns the address at which people read a document: that at its source, else its
// page here.
func (u *use) link(url string, id cairn.DocumentID) string {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		return url
	}
	return u.base + "/d/" + string(id)
}

// sectionURL returns the address of the section of a document in which a byte lies.
func sectionURL(d Document, offset int) string {
	for _, section := range d.Sections {
		if section.Start <= offset && offset < section.End {
			return section.Link(d.URL)
		}
	}
	return d.URL
}

// short returns a text of at most so many bytes.
func short(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:runeStart(s, most)] + "…"
}

// runeStart returns the start of the character that a byte is of.
func runeStart[T ~string | ~[]byte](text T, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// lineEnd returns where a part of at most so many bytes ends that begins at start: after
// a line, if one ends in it, else between characters.
func lineEnd(body []byte, start, most int) int {
	if start+most >= len(body) {
		return len(body)
	}
	if i := bytes.LastIndexByte(body[start:start+most], '\n'); i >= 0 {
		return start + i + 1
	}
	return runeStart(body, start+most)
}

// lineOf returns the number of the line, from 1, that a byte is of.
func lineOf(body []byte, at int) int { return 1 + bytes.Count(body[:min(at, len(body))], []byte("\n")) }

// serverMade matches the ids that the server gives.
var serverMade = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// aboutDocument notes which document a call is about, as far as that can be the id of one.
func aboutDocument(ctx context.Context, id cairn.DocumentID) {
	if serverMade.MatchString(string(id)) {
		audit.FromContext(ctx).About(audit.KindDocument, string(id))
	}
}
