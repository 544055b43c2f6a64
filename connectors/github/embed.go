package github

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// kept are the elements of a post that mean something to extraction.
var kept = []atom.Atom{
	atom.P, atom.Br, atom.Hr, atom.Blockquote, atom.Pre, atom.Code, atom.Kbd, atom.Samp, atom.Var, atom.Sub, atom.Sup,
	atom.Ul, atom.Ol, atom.Li, atom.Dl, atom.Dt, atom.Dd, atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Th, atom.Td, atom.Caption,
	atom.Em, atom.Strong, atom.B, atom.I, atom.Del, atom.Ins, atom.S, atom.Div, atom.Span, atom.Details, atom.Summary, atom.Q,
}

// dropped are the elements whose content is no text. Media are shown by addresses that
// are valid for minutes.
var dropped = []atom.Atom{atom.Script, atom.Style, atom.Template, atom.Svg, atom.Math, atom.Iframe, atom.Noscript, atom.Textarea, atom.Title, atom.Noembed, atom.Noframes, atom.Xmp}

// headings are the elements of headings by level.
var headings = []atom.Atom{atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6}

// embed writes the HTML of a post into a page: its headings below one of a level and with
// an anchor, no attributes but the language of code, no elements that have a meaning for
// the page, and every element closed, so that no post reaches into another. It reads
// tokens, not a tree, and takes time in proportion to the length.
func embed(w *strings.Builder, body string, below int, anchor string) {
	e := embedding{w: w, below: below, anchor: anchor}
	z := html.NewTokenizer(strings.NewReader(body))
	z.SetMaxBuf(0)
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			for len(e.open) > 0 {
				e.end(e.open[len(e.open)-1])
			}
			w.WriteByte('\n')
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			e.start(z.Token())
		case html.EndTagToken:
			e.end(z.Token().Data)
		case html.TextToken:
			if e.skipping == "" {
				w.WriteString(html.EscapeString(string(z.Text())))
			}
		}
	}
}

// embedding is a post that is being written.
type embedding struct {
	w        *strings.Builder
	below    int
	anchor   string
	open     []string // elements, from the outermost
	skipping string   // an element whose content is dropped
}

// maxOpen is how deeply elements may lie in each other; deeper ones are left out, their
// text is not.
const maxOpen = 100

func (e *embedding) start(t html.Token) {
	void := t.Type == html.SelfClosingTagToken
	switch {
	case e.skipping != "":
	case slices.Contains(dropped, t.DataAtom):
		if !void {
			e.skipping = t.Data
		}
	case t.DataAtom == atom.Img:
		if alt := attribute(t, "alt"); alt != "" {
			e.w.WriteString(html.EscapeString(" " + alt + " "))
		}
	case t.DataAtom == atom.Br || t.DataAtom == atom.Hr:
		e.w.WriteString("<" + t.Data + ">")
	case void || len(e.open) >= maxOpen:
	case slices.Contains(headings, t.DataAtom):
		e.w.WriteString("<" + e.heading(t.DataAtom))
		if e.anchor != "" {
			e.w.WriteString(` id="` + html.EscapeString(e.anchor) + `"`)
		}
		e.w.WriteByte('>')
		e.open = append(e.open, t.Data)
	case slices.Contains(kept, t.DataAtom):
		e.w.WriteString("<" + t.Data)
		if class := language(attribute(t, "class")); class != "" {
			e.w.WriteString(` class="` + html.EscapeString(class) + `"`)
		}
		e.w.WriteByte('>')
		e.open = append(e.open, t.Data)
	}
}

// end closes an element, with those that were left open in it.
func (e *embedding) end(name string) {
	if e.skipping != "" {
		if name == e.skipping {
			e.skipping = ""
		}
		return
	}
	at := len(e.open) - 1
	for at >= 0 && e.open[at] != name {
		at--
	}
	if at < 0 {
		return
	}
	for i := len(e.open) - 1; i >= at; i-- {
		element := e.open[i]
		if a := atom.Lookup([]byte(element)); slices.Contains(headings, a) {
			element = e.heading(a)
		}
		e.w.WriteString("</" + element + ">")
	}
	e.open = e.open[:at]
}

// heading returns the element of a heading that is a level of its own below that of the
// post.
func (e *embedding) heading(a atom.Atom) string {
	return headings[min(e.below+slices.Index(headings, a), len(headings)-1)].String()
}

// language returns the class that names the language of a piece of code.
func language(class string) string {
	for _, c := range strings.Fields(class) {
		if strings.HasPrefix(c, "highlight-source-") || strings.HasPrefix(c, "language-") {
			return c
		}
	}
	return ""
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
