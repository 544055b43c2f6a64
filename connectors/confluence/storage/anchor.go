package storage

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// CloudAnchor returns the anchor of a heading on a page of Confluence Cloud: its text
// with hyphens for spaces.
func CloudAnchor(heading string) string { return strings.ReplaceAll(heading, " ", "-") }

// DataCenterAnchor returns the function that makes anchors of headings on a page of
// Confluence Data Center: the title of the page and the text of the heading, both without
// spaces, with a hyphen between them.
func DataCenterAnchor(title string) func(heading string) string {
	return func(heading string) string { return unspaced(title) + "-" + unspaced(heading) }
}

func unspaced(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// anchors gives each heading of a page an anchor of its own.
type anchors struct {
	of   func(heading string) string
	seen map[string]int
}

// next returns the anchor of the next heading as it stands in an address. Both editions
// number repetitions: .1, .2, and so on.
func (a *anchors) next(heading string) string {
	if a.of == nil {
		return ""
	}
	anchor := a.of(heading)
	n := a.seen[anchor]
	a.seen[anchor]++
	if n > 0 {
		anchor += "." + strconv.Itoa(n)
	}
	return (&url.URL{Fragment: anchor}).EscapedFragment()
}
