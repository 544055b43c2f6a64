package storage

import (
	"html"
	"regexp"
	"strings"
)

// Options is what a text does not tell by itself.
type Options struct {
	// Anchor returns the anchor of a heading on its page, before repetitions are told
	// apart; nil: headings get none.
	Anchor func(heading string) string
	// Name returns what an account is called; empty when that is not known. May be nil.
	Name func(account string) string
}

// HTML returns a text in storage format as HTML. Everything in it that is no element is
// escaped.
func HTML(text string, o Options) string {
	w := &writer{o: o, anchors: anchors{of: o.Anchor, seen: map[string]int{}}}
	w.all(parse(text).kids)
	return w.b.String()
}

// writer writes nodes as HTML.
type writer struct {
	o       Options
	anchors anchors
	b       strings.Builder
}

func (w *writer) all(nodes []*node) {
	for _, n := range nodes {
		w.node(n)
	}
}

// kept are the elements of HTML that are written as they are, with the attributes that
// count.
var kept = map[string][]string{
	"p": nil, "br": nil, "hr": nil, "strong": nil, "b": nil, "em": nil, "i": nil, "u": nil, "s": nil, "del": nil, "sub": nil, "sup": nil,
	"code": nil, "pre": nil, "blockquote": nil, "ul": nil, "ol": {"start"}, "li": nil, "dl": nil, "dt": nil, "dd": nil, "div": nil, "span": nil,
	"table": nil, "thead": nil, "tbody": nil, "tfoot": nil, "tr": nil, "caption": nil,
	"th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"},
}

// dropped are elements that show nothing.
var dropped = map[string]bool{
	"ac:parameter": true, "ac:placeholder": true, "ac:task-id": true, "ac:task-uuid": true, "ac:task-status": true, "ac:plain-text-body": true,
	"script": true, "style": true, "colgroup": true, "col": true, "ac:adf-attribute": true,
}

func (w *writer) node(n *node) {
	switch {
	case n.name == "":
		w.text(n.text)
	case dropped[n.name]:
	case len(n.name) == 2 && n.name[0] == 'h' && n.name[1] >= '1' && n.name[1] <= '6':
		w.heading(n)
	case n.name == "a":
		w.anchor(n)
	case n.name == "img":
		w.image(n.attr["alt"])
	case n.name == "time":
		w.text(n.attr["datetime"])
	case strings.HasPrefix(n.name, "ac:"):
		w.special(n)
	default:
		w.element(n)
	}
}

func (w *writer) text(s string) { w.b.WriteString(html.EscapeString(s)) }

// element writes an element of HTML; of one that is not kept, what is in it.
func (w *writer) element(n *node) {
	attributes, ok := kept[n.name]
	if !ok {
		w.all(n.kids)
		return
	}
	w.b.WriteString("<" + n.name)
	for _, name := range attributes {
		if value := n.attr[name]; value != "" {
			w.b.WriteString(" " + name + `="` + html.EscapeString(value) + `"`)
		}
	}
	w.b.WriteString(">")
	w.all(n.kids)
	if !void[n.name] {
		w.b.WriteString("</" + n.name + ">")
	}
}

// heading writes a heading with the anchor that the site gives it.
func (w *writer) heading(n *node) {
	inner := w.apart(n.kids)
	title := words(html.UnescapeString(tags.ReplaceAllString(inner, "")))
	w.b.WriteString("<" + n.name)
	if title != "" {
		if anchor := w.anchors.next(title); anchor != "" {
			w.b.WriteString(` id="` + html.EscapeString(anchor) + `"`)
		}
	}
	w.b.WriteString(">" + inner + "</" + n.name + ">")
}

// tags are those that HTML writes.
var tags = regexp.MustCompile(`<[^<>]*>`)

// apart returns nodes as HTML.
func (w *writer) apart(nodes []*node) string {
	inner := &writer{o: w.o}
	inner.all(nodes)
	return inner.b.String()
}

// anchor writes a link of HTML.
func (w *writer) anchor(n *node) {
	href := n.attr["href"]
	if !strings.HasPrefix(href, "https://") && !strings.HasPrefix(href, "http://") {
		w.all(n.kids)
		return
	}
	w.b.WriteString(`<a href="` + html.EscapeString(href) + `">`)
	w.all(n.kids)
	w.b.WriteString("</a>")
}

func (w *writer) image(alt string) {
	if alt != "" {
		w.b.WriteString(`<img alt="` + html.EscapeString(alt) + `">`)
	}
}

// special writes an element of the namespace ac.
func (w *writer) special(n *node) {
	switch n.name {
	case "ac:structured-macro", "ac:macro":
		w.macro(n)
	case "ac:link":
		w.link(n)
	case "ac:image":
		w.image(firstOf(n.attr["ac:alt"], n.attr["ac:title"], target(n)))
		if caption := n.child("ac:caption"); caption != nil {
			w.all(caption.kids)
		}
	case "ac:emoticon":
		w.emoticon(n)
	case "ac:task-list":
		w.wrap("ul", n.kids)
	case "ac:task":
		w.task(n)
	case "ac:layout", "ac:layout-section", "ac:layout-cell":
		w.wrap("div", n.kids)
	case "ac:adf-extension":
		w.extension(n)
	default: // ac:inline-comment-marker, ac:rich-text-body and others
		w.all(n.kids)
	}
}

func (w *writer) wrap(name string, nodes []*node) {
	w.b.WriteString("<" + name + ">")
	w.all(nodes)
	w.b.WriteString("</" + name + ">")
}

func (w *writer) task(n *node) {
	mark := "[ ] "
	if words(n.child("ac:task-status").raw()) == "complete" {
		mark = "[x] "
	}
	w.b.WriteString("<li>" + mark)
	if body := n.child("ac:task-body"); body != nil {
		w.all(body.kids)
	}
	w.b.WriteString("</li>")
}

// extension writes what stands in for a part of the new editor, else its content.
func (w *writer) extension(n *node) {
	if fallback := n.child("ac:adf-fallback"); fallback != nil {
		w.all(fallback.kids)
		return
	}
	w.all(n.kids)
}

// link writes a link inside of the site: its text, else what it leads to.
func (w *writer) link(n *node) {
	if body := n.child("ac:link-body"); body != nil {
		w.all(body.kids)
		return
	}
	if body := n.child("ac:plain-text-link-body"); body != nil {
		w.text(body.raw())
		return
	}
	if user := n.child("ri:user"); user != nil {
		w.text(w.user(user))
		return
	}
	w.text(target(n))
}

// user returns a mention.
func (w *writer) user(n *node) string {
	name := ""
	if w.o.Name != nil {
		name = w.o.Name(firstOf(n.attr["ri:account-id"], n.attr["ri:userkey"]))
	}
	return "@" + firstOf(name, n.attr["ri:username"], "somebody")
}

// target returns the name of what a link, an image or a parameter leads to.
func target(n *node) string {
	for _, k := range n.kids {
		switch k.name {
		case "ri:page", "ri:blog-post":
			return k.attr["ri:content-title"]
		case "ri:attachment":
			return k.attr["ri:filename"]
		case "ri:url":
			return k.attr["ri:value"]
		case "ri:space":
			return k.attr["ri:space-key"]
		}
	}
	return firstOf(n.attr["ac:anchor"])
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// emoticons are those that carry a meaning.
var emoticons = map[string]string{
	"smile": "🙂", "sad": "🙁", "laugh": "😀", "wink": "😉", "cheeky": "😛", "thumbs-up": "👍", "thumbs-down": "👎", "information": "ℹ",
	"tick": "✔", "cross": "✖", "warning": "⚠", "plus": "➕", "minus": "➖", "question": "❓", "light-on": "💡", "yellow-star": "⭐", "heart": "❤",
}

func (w *writer) emoticon(n *node) {
	w.text(firstOf(n.attr["ac:emoji-fallback"], emoticons[n.attr["ac:name"]], n.attr["ac:emoji-shortname"]))
}
