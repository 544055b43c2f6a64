// Package storage makes HTML of Confluence's storage format: XHTML with elements of the
// namespaces ac and ri for what HTML does not have, which are macros, links, images,
// mentions, tasks and layouts (Confluence Storage Format, Confluence Data Center
// documentation). It reads any text, however broken, and shows no markup as text.
package storage

import (
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"strings"
)

// maxDepth is how deep elements may lie in each other; what is deeper is taken as if it
// were not.
const maxDepth = 200

// mostPlaces is in how many places a text may be other than is understood; what follows
// the last of them is taken without markup.
const mostPlaces = 1000

// node is an element, such as ac:link, or a text when it has no name.
type node struct {
	name string
	attr map[string]string // by name with prefix
	text string
	kids []*node
}

// parse reads a text. What is not understood is taken as text without markup.
func parse(text string) *node {
	b := &builder{}
	root := &node{name: "root"}
	b.stack = []*node{root}
	for places := 0; len(text) > 0; places++ {
		if places == mostPlaces {
			b.add(&node{text: plain(text)})
			break
		}
		good, bad := b.read(text)
		if good < bad {
			b.add(&node{text: plain(text[good:bad])})
		}
		text = text[bad:]
	}
	return root
}

// builder puts nodes together.
type builder struct{ stack []*node } // that are open, outermost first

func (b *builder) add(n *node) {
	top := b.stack[len(b.stack)-1]
	top.kids = append(top.kids, n)
}

// read reads a text up to where it is not understood: that begins at good and ends before
// bad, which is more than 0.
func (b *builder) read(text string) (good, bad int) {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.Entity = false, xml.HTMLEntity
	for {
		good = int(d.InputOffset())
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return len(text), len(text)
		}
		if err != nil {
			return good, min(max(int(d.InputOffset()), good+1), len(text))
		}
		switch t := token.(type) {
		case xml.StartElement:
			b.start(t)
		case xml.EndElement:
			b.stack = closed(b.stack, full(t.Name))
		case xml.CharData:
			b.add(&node{text: string(t)})
		}
	}
}

func (b *builder) start(t xml.StartElement) {
	if len(b.stack) > maxDepth {
		return
	}
	n := &node{name: full(t.Name), attr: map[string]string{}}
	for _, a := range t.Attr {
		n.attr[full(a.Name)] = a.Value
	}
	b.add(n)
	if !void[n.name] {
		b.stack = append(b.stack, n)
	}
}

// closed ends an element, and those in it that were left open. An end without a
// beginning is none.
func closed(stack []*node, name string) []*node {
	for i := len(stack) - 1; i > 0; i-- {
		if stack[i].name == name {
			return stack[:i]
		}
	}
	return stack
}

// void are elements that hold nothing.
var void = map[string]bool{"br": true, "hr": true, "img": true, "col": true, "wbr": true}

func full(n xml.Name) string {
	if n.Space == "" {
		return strings.ToLower(n.Local)
	}
	return strings.ToLower(n.Space + ":" + n.Local)
}

var (
	markup = regexp.MustCompile(`<!\[CDATA\[|\]\]>|<[^<>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// plain returns a text without its markup.
func plain(text string) string {
	return html.UnescapeString(markup.ReplaceAllString(text, " "))
}

// words returns a text on one line.
func words(text string) string { return strings.TrimSpace(spaces.ReplaceAllString(text, " ")) }

// find returns the first element called name below n, or nil.
func (n *node) find(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
		if found := k.find(name); found != nil {
			return found
		}
	}
	return nil
}

// child returns the first element called name directly in n, or nil.
func (n *node) child(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// parameter returns a parameter of a macro; that without a name is "".
func (n *node) parameter(name string) *node {
	for _, k := range n.kids {
		if k.name == "ac:parameter" && k.attr["ac:name"] == name {
			return k
		}
	}
	return nil
}

// value returns the text of a parameter of a macro.
func (n *node) value(name string) string {
	if p := n.parameter(name); p != nil {
		return words(p.raw())
	}
	return ""
}

// raw returns all text below n as it stands.
func (n *node) raw() string {
	if n == nil {
		return ""
	}
	if n.name == "" {
		return n.text
	}
	var b strings.Builder
	for _, k := range n.kids {
		b.WriteString(k.raw())
	}
	return b.String()
}

var mention = regexp.MustCompile(`ri:(?:account-id|userkey)\s*=\s*["']([^"'<>]{1,200})["']`)

// Mentions returns the ids of the accounts that a text names.
func Mentions(text string) []string {
	var ids []string
	for _, m := range mention.FindAllStringSubmatch(text, -1) {
		ids = append(ids, html.UnescapeString(m[1]))
	}
	return ids
}
