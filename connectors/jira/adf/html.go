package adf

import (
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"
)

// HTML returns a document as HTML; null is an empty one. All text in it is escaped. Of
// nodes that are not known it has what they hold. The error is ErrNone.
func HTML(raw json.RawMessage) (string, error) {
	doc, err := parse(raw)
	if err != nil {
		return "", err
	}
	w := &writer{}
	w.all(doc.kids())
	return w.b.String(), nil
}

// writer writes nodes as HTML.
type writer struct {
	b     strings.Builder
	depth int
}

func (w *writer) all(list []node) {
	if w.depth == deepest {
		return
	}
	w.depth++
	for _, n := range list {
		w.node(n)
	}
	w.depth--
}

// plain are the nodes that are one element of HTML.
var plain = map[string]string{
	"paragraph": "p", "bulletList": "ul", "listItem": "li", "blockquote": "blockquote", "tableRow": "tr",
	"taskList": "ul", "decisionList": "ul", "caption": "p", "mediaSingle": "div", "mediaGroup": "div",
}

func (w *writer) node(n node) {
	if name, ok := plain[n.kind()]; ok {
		w.element(name, n.kids())
		return
	}
	switch n.kind() {
	case "text":
		w.marked(n)
	case "hardBreak":
		w.b.WriteString("<br>")
	case "rule":
		w.b.WriteString("<hr>")
	case "placeholder": // shows only while somebody writes
	case "heading":
		w.element("h"+strconv.Itoa(min(max(n.number("level"), 1), 6)), n.kids())
	case "orderedList":
		w.ordered(n)
	case "taskItem", "blockTaskItem":
		w.task(n)
	case "decisionItem":
		w.element("li", n.kids())
	case "codeBlock":
		w.code(n)
	case "panel":
		w.panel(n)
	case "expand", "nestedExpand":
		w.titled(n.attr("title"), n.kids())
	case "table":
		w.element("table", n.kids())
	case "tableHeader":
		w.cell("th", n)
	case "tableCell":
		w.cell("td", n)
	default:
		w.inline(n)
	}
}

// inline writes nodes that stand within text, and those that are not known.
func (w *writer) inline(n node) {
	switch n.kind() {
	case "mention":
		name := n.attr("text")
		if name != "" && !strings.HasPrefix(name, "@") {
			name = "@" + name
		}
		w.text(name)
	case "emoji":
		if shown := n.attr("text"); shown != "" {
			w.text(shown)
		} else {
			w.text(n.attr("shortName"))
		}
	case "date":
		w.text(day(n.attrs()["timestamp"]))
	case "status":
		w.text(n.attr("text"))
	case "inlineCard", "blockCard", "embedCard":
		w.card(n)
	case "media", "mediaInline":
		if alt := n.attr("alt"); alt != "" {
			fmt.Fprintf(&w.b, `<img alt="%s">`, html.EscapeString(alt))
		}
	case "inlineExtension", "extension":
		w.text(n.attr("text"))
		w.all(n.kids())
	default:
		w.all(n.kids())
	}
}

func (w *writer) text(s string) { w.b.WriteString(html.EscapeString(s)) }

func (w *writer) element(name string, kids []node) {
	w.b.WriteString("<" + name + ">")
	w.all(kids)
	w.b.WriteString("</" + name + ">")
}

func (w *writer) ordered(n node) {
	if start := n.number("order"); start > 1 {
		fmt.Fprintf(&w.b, `<ol start="%d">`, start)
	} else {
		w.b.WriteString("<ol>")
	}
	w.all(n.kids())
	w.b.WriteString("</ol>")
}

func (w *writer) task(n node) {
	mark := "[ ] "
	if n.attr("state") == "DONE" {
		mark = "[x] "
	}
	w.b.WriteString("<li>" + mark)
	w.all(n.kids())
	w.b.WriteString("</li>")
}

func (w *writer) code(n node) {
	class := ""
	if language := n.attr("language"); language != "" {
		class = ` class="language-` + html.EscapeString(language) + `"`
	}
	w.b.WriteString("<pre><code" + class + ">")
	for _, kid := range n.kids() {
		w.text(text(kid["text"]))
	}
	w.b.WriteString("</code></pre>")
}

// panels are the titles of panels whose colour says something.
var panels = map[string]string{"info": "Info", "note": "Note", "warning": "Warning", "error": "Error", "success": "Success", "tip": "Tip"}

func (w *writer) panel(n node) { w.titled(panels[n.attr("panelType")], n.kids()) }

// titled writes nodes that have a title, which is no heading.
func (w *writer) titled(title string, kids []node) {
	w.b.WriteString("<div>")
	if title != "" {
		w.b.WriteString("<p><strong>")
		w.text(title)
		w.b.WriteString("</strong></p>")
	}
	w.all(kids)
	w.b.WriteString("</div>")
}

func (w *writer) cell(name string, n node) {
	w.b.WriteString("<" + name)
	for _, span := range []string{"colspan", "rowspan"} {
		if v := n.number(span); v > 1 && v <= 1000 {
			fmt.Fprintf(&w.b, ` %s="%d"`, span, v)
		}
	}
	w.b.WriteString(">")
	w.all(n.kids())
	w.b.WriteString("</" + name + ">")
}

// card writes a link that Jira shows as a card, whose content others may not see.
func (w *writer) card(n node) {
	to := n.attr("url")
	if data, ok := n.attrs()["data"].(map[string]any); ok && to == "" {
		to = text(data["url"])
	}
	if to == "" {
		return
	}
	block := n.kind() != "inlineCard"
	if block {
		w.b.WriteString("<p>")
	}
	w.link(to, func() { w.text(to) })
	if block {
		w.b.WriteString("</p>")
	}
}

func (w *writer) link(to string, inner func()) {
	if !strings.HasPrefix(to, "https://") && !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "mailto:") {
		inner()
		return
	}
	w.b.WriteString(`<a href="` + html.EscapeString(to) + `">`)
	inner()
	w.b.WriteString("</a>")
}

// marks are those that are one element of HTML.
var marks = map[string]string{"strong": "strong", "em": "em", "code": "code", "strike": "s", "underline": "u"}

// marked writes a text with its marks.
func (w *writer) marked(n node) {
	to, open := "", []string(nil)
	for _, m := range nodes(n["marks"]) {
		name := marks[m.kind()]
		switch m.kind() {
		case "link":
			to = m.attr("href")
		case "subsup":
			name = map[string]string{"sub": "sub", "sup": "sup"}[m.attr("type")]
		}
		if name != "" && len(open) < len(marks)+2 {
			open = append(open, name)
		}
	}
	w.link(to, func() {
		for _, name := range open {
			w.b.WriteString("<" + name + ">")
		}
		w.text(text(n["text"]))
		for i := len(open) - 1; i >= 0; i-- {
			w.b.WriteString("</" + open[i] + ">")
		}
	})
}

// day returns a time in milliseconds, which is a text or a number, as a date.
func day(timestamp any) string {
	var ms float64
	switch v := timestamp.(type) {
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return ""
		}
		ms = float64(n)
	case float64:
		ms = v
	default:
		return ""
	}
	if ms < -1e14 || ms > 1e14 {
		return ""
	}
	return time.UnixMilli(int64(ms)).UTC().Format(time.DateOnly)
}
