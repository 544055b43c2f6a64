package markup

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// renderer writes a tree as text. Inline text gathers until a block ends it.
type renderer struct {
	b            *canon.Builder
	outline      canon.Outline
	inline       strings.Builder
	prefix       string // of the next block: "- " of a list item
	lists        []list // that are open, outermost first
	firstHeading string
	tight        bool   // the next block follows without a blank line
	permalink    string // of the article that is written
}

type list struct {
	ordered bool
	item    int // number of the last item
}

func (r *renderer) render(n *html.Node) {
	r.walk(n)
	r.flush()
}

func (r *renderer) walk(n *html.Node) {
	if invisible(n) {
		return
	}
	if n.Type == html.TextNode {
		r.text(n.Data)
		return
	}
	switch n.DataAtom {
	case atom.Br:
		r.inline.WriteByte('\n')
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		r.heading(n)
	case atom.Article:
		outer := r.permalink
		if inner := permalink(n); inner != "" {
			r.permalink = inner
		}
		r.children(n)
		r.permalink = outer
	case atom.Ul, atom.Ol:
		r.list(n)
	case atom.Li:
		r.item(n)
	case atom.Pre:
		r.code(n)
	case atom.Table:
		r.table(n)
	case atom.Dt:
		r.flush()
		r.children(n)
		r.prefix = strings.TrimSuffix(canon.Inline(r.take()), ":") + ": "
	case atom.Code, atom.Kbd, atom.Samp:
		r.children(n)
	case atom.Img:
		if alt := canon.Inline(attr(n, "alt")); alt != "" {
			r.text(" " + alt + " ")
		}
	default:
		r.children(n)
		return
	}
}

func (r *renderer) children(n *html.Node) {
	block := isBlock(n)
	if block {
		r.flush()
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if r.b.Full() {
			return
		}
		r.walk(c)
	}
	if block {
		r.flush()
	}
}

func isBlock(n *html.Node) bool {
	switch n.DataAtom {
	case atom.P, atom.Div, atom.Section, atom.Article, atom.Main, atom.Header, atom.Footer, atom.Aside, atom.Nav,
		atom.Blockquote, atom.Address, atom.Figure, atom.Figcaption, atom.Dl, atom.Dd, atom.Form, atom.Fieldset,
		atom.Legend, atom.Details, atom.Summary, atom.Hr, atom.Body, atom.Html, atom.Caption, atom.Tr, atom.Center:
		return true
	}
	return false
}

// text adds inline text with its white space collapsed.
func (r *renderer) text(s string) {
	words := strings.Fields(canon.NormaliseString(s))
	if len(words) == 0 {
		r.space()
		return
	}
	if strings.ContainsAny(s[:1], " \t\r\n\f\u00a0") {
		r.space()
	}
	r.inline.WriteString(strings.Join(words, " "))
	if strings.ContainsAny(s[len(s)-1:], " \t\r\n\f") || strings.HasSuffix(s, "\u00a0") {
		r.space()
	}
}

func (r *renderer) space() {
	if s := r.inline.String(); s != "" && !strings.HasSuffix(s, " ") && !strings.HasSuffix(s, "\n") {
		r.inline.WriteByte(' ')
	}
}

// take returns the gathered inline text and forgets it.
func (r *renderer) take() string {
	s := strings.TrimSpace(r.inline.String())
	r.inline.Reset()
	return s
}

// flush ends a block.
func (r *renderer) flush() {
	s := r.take()
	if s == "" {
		return
	}
	s = strings.ReplaceAll(s, " \n", "\n")
	s = r.prefix + strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", hanging(r.prefix)))
	r.prefix = ""
	if r.tight {
		r.b.Line(s)
	} else {
		r.b.Paragraph(s)
	}
	r.tight = len(r.lists) > 0
}

// hanging returns the indentation of the further lines of an item.
func hanging(prefix string) int {
	if strings.TrimLeft(prefix, " ") == "- " {
		return len(prefix)
	}
	return len(prefix) - len(strings.TrimLeft(prefix, " "))
}

func (r *renderer) heading(n *html.Node) {
	r.flush()
	title := canon.Inline(textOf(n))
	if title == "" {
		return
	}
	if r.firstHeading == "" {
		r.firstHeading = title
	}
	level := int(n.Data[1] - '0')
	anchor := permalink(n)
	if id := identifier(n); id != "" && anchor == "" {
		anchor = "#" + id
	}
	if anchor == "" {
		anchor = r.permalink
	}
	r.b.Section(r.outline.Enter(level, title), anchor)
	r.b.Paragraph(strings.Repeat("#", level) + " " + title)
	r.prefix, r.tight = "", false
}

// permalink returns where the first link with the relation "bookmark" below n leads to:
// the address of the article or section that it stands in (HTML, section 4.6.7.3).
func permalink(n *html.Node) string {
	to := ""
	walk(n, func(c *html.Node) bool {
		if c.DataAtom == atom.A && to == "" && slices.Contains(strings.Fields(strings.ToLower(attr(c, "rel"))), "bookmark") {
			to = strings.TrimSpace(attr(c, "href"))
		}
		return to == "" && !invisible(c)
	})
	if len(to) > maxPermalink {
		return ""
	}
	return to
}

// maxPermalink bounds, in bytes, what is kept of an address with each section.
const maxPermalink = 1000

// identifier returns the id by which a heading can be linked: its own, that of
// something inside it, or that of a section that it opens.
func identifier(n *html.Node) string {
	id := ""
	walk(n, func(c *html.Node) bool {
		if id == "" {
			id = attr(c, "id")
			if c.DataAtom == atom.A && id == "" {
				id = attr(c, "name")
			}
		}
		return id == ""
	})
	if p := n.Parent; id == "" && p != nil && (p.DataAtom == atom.Section || p.DataAtom == atom.Div) && firstElement(p) == n {
		id = attr(p, "id")
	}
	return id
}

func firstElement(n *html.Node) *html.Node {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			return c
		}
	}
	return nil
}

func (r *renderer) list(n *html.Node) {
	r.flush()
	if len(r.lists) == 0 {
		r.tight = false
	}
	start, err := strconv.Atoi(attr(n, "start"))
	if err != nil {
		start = 1
	}
	r.lists = append(r.lists, list{ordered: n.DataAtom == atom.Ol, item: start - 1})
	r.children(n)
	r.flush()
	r.lists = r.lists[:len(r.lists)-1]
	r.prefix = ""
	r.tight = len(r.lists) > 0
}

func (r *renderer) item(n *html.Node) {
	r.flush()
	r.prefix = "- "
	if depth := len(r.lists); depth > 0 {
		l := &r.lists[depth-1]
		l.item++
		if l.ordered {
			r.prefix = strconv.Itoa(l.item) + ". "
		}
		r.prefix = strings.Repeat("  ", min(depth-1, 8)) + r.prefix
	}
	r.children(n)
	r.flush()
}

func (r *renderer) code(n *html.Node) {
	r.flush()
	source := strings.Trim(textOf(n), "\n")
	if strings.TrimSpace(source) == "" {
		return
	}
	fence := "```"
	for strings.Contains(source, fence) {
		fence += "`"
	}
	r.b.Paragraph(fence + codeLanguage(n) + "\n" + source + "\n" + fence)
	r.tight = false
}

// codeLanguage returns the language that the class of a code block names.
func codeLanguage(n *html.Node) string {
	language := ""
	walk(n, func(c *html.Node) bool {
		for _, class := range strings.Fields(attr(c, "class")) {
			for _, prefix := range []string{"language-", "lang-", "highlight-source-"} {
				if l, ok := strings.CutPrefix(class, prefix); ok && language == "" {
					language = l
				}
			}
		}
		return language == ""
	})
	return language
}
