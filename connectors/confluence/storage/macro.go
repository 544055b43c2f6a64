package storage

import (
	"html"
	"strings"
)

// silent are macros that show what stands elsewhere, or nothing.
var silent = map[string]bool{
	"toc": true, "anchor": true, "pagetree": true, "pagetreesearch": true, "children": true, "recently-updated": true, "contentbylabel": true,
	"content-report-table": true, "livesearch": true, "gallery": true, "attachments": true, "blog-posts": true, "create-from-template": true,
	"change-history": true, "contributors": true, "labels-list": true, "popular-labels": true, "related-labels": true, "space-attachments": true,
	"spaces-list": true, "tasks-report-macro": true, "detailssummary": true, "navmap": true, "favpages": true,
}

// boxes are macros that put a box around a text, with what it is called.
var boxes = map[string]string{"info": "Info", "note": "Note", "warning": "Warning", "tip": "Tip", "panel": ""}

// macro writes a macro. Of one that is not known its text is written, if it has any.
func (w *writer) macro(n *node) {
	name := strings.ToLower(n.attr["ac:name"])
	if silent[name] {
		return
	}
	if label, ok := boxes[name]; ok {
		w.box(n, label)
		return
	}
	switch name {
	case "code", "noformat":
		w.code(n)
	case "expand":
		w.expand(n)
	case "include", "excerpt-include":
		w.include(n)
	case "jira", "jiraissues":
		w.jira(n)
	case "status":
		w.text(n.value("title"))
	case "view-file", "viewpdf", "viewdoc", "viewxls", "viewppt":
		if p := n.parameter("name"); p != nil {
			w.text(firstOf(target(p), words(p.raw())))
		}
	case "profile":
		if p := n.find("ri:user"); p != nil {
			w.text(w.user(p))
		}
	default:
		w.bodies(n)
	}
}

// bodies writes the text in a macro.
func (w *writer) bodies(n *node) {
	if body := n.child("ac:rich-text-body"); body != nil {
		w.all(body.kids)
	}
	if body := n.child("ac:plain-text-body"); body != nil {
		w.b.WriteString("<pre>" + html.EscapeString(body.raw()) + "</pre>")
	}
}

func (w *writer) box(n *node, label string) {
	w.b.WriteString("<div>")
	if title := firstOf(n.value("title"), label); title != "" {
		w.b.WriteString("<p><strong>" + html.EscapeString(title) + "</strong></p>")
	}
	w.bodies(n)
	w.b.WriteString("</div>")
}

func (w *writer) code(n *node) {
	if title := n.value("title"); title != "" {
		w.b.WriteString("<p>" + html.EscapeString(title) + "</p>")
	}
	w.b.WriteString("<pre><code")
	if language := n.value("language"); language != "" && language != "none" {
		w.b.WriteString(` class="language-` + html.EscapeString(strings.ReplaceAll(language, " ", "-")) + `"`)
	}
	w.b.WriteString(">" + html.EscapeString(n.child("ac:plain-text-body").raw()) + "</code></pre>")
}

func (w *writer) expand(n *node) {
	w.b.WriteString("<div>")
	if title := n.value("title"); title != "" {
		w.b.WriteString("<p><strong>" + html.EscapeString(title) + "</strong></p>")
	}
	w.bodies(n)
	w.b.WriteString("</div>")
}

// include writes the title of the included page. Its text is left out: not everybody who
// may read this page may read that one.
func (w *writer) include(n *node) {
	title := n.value("default-parameter")
	for _, k := range n.kids {
		if link := k.find("ac:link"); k.name == "ac:parameter" && link != nil {
			title = target(link)
		}
		if title == "" && k.name == "ac:parameter" && (k.attr["ac:name"] == "" || k.attr["ac:name"] == "name") {
			title = firstOf(target(k), words(k.raw()))
		}
	}
	if title != "" {
		w.b.WriteString("<p>See " + html.EscapeString(title) + "</p>")
	}
}

// jira writes the key of an issue, or the query of a list.
func (w *writer) jira(n *node) {
	if key := n.value("key"); key != "" {
		w.text(key)
		return
	}
	if jql := firstOf(n.value("jqlQuery"), n.value("url")); jql != "" {
		w.text("Jira: " + jql)
	}
}
