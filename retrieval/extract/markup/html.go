// Package markup extracts HTML and Markdown. HTML becomes Markdown-like text:
// headings behind "#", list items behind "-", code between fences, and rows of
// tables that repeat the names of their columns.
package markup

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/plain"
)

// HTML extracts the main part of a page: what its main element holds, else
// what readability finds if that is most of the page, else all but navigation,
// header and footer. Hidden elements, scripts and styles are left out.
func HTML(src []byte, limit int) (*canon.Text, error) {
	text, replaced, err := plain.Decode(src, declaredCharset(src))
	if err != nil {
		return nil, err
	}
	t := &canon.Text{Kind: cairn.KindPage}
	if replaced {
		t.Notice(canon.NoticeBadBytes)
	}
	// A page whose source is longer than any text we keep is cut before it is
	// parsed: its tree takes about ten times its size.
	if len(text) > limit {
		text = canon.Cut(text, limit)
		t.Notice(canon.NoticeTruncated)
	}
	if content := frontMatter(t, text); len(content) < len(text) {
		text = withoutTags(content) // a page of a site generator
	}
	title := t.Title
	b := canon.NewBuilder(limit)
	doc, err := parse(text)
	if err != nil {
		// Elements nested beyond what the parser allows: keep the words.
		b.Paragraph(Words(text))
		b.Into(t)
		return t, nil //nolint:nilerr // see above
	}
	r := &renderer{b: b}
	head(t, doc)
	r.render(mainPart(doc))
	if b.Len() == 0 {
		r.render(doc)
	}
	b.Into(t)
	if title == "" {
		title = pageTitle(t.Title, r.firstHeading)
	}
	t.Title = title
	return t, nil
}

// parse parses a page. Package html panics or fails where elements are nested
// too deeply; both are errors here.
func parse(text []byte) (doc *html.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("parse HTML: %v", p)
		}
	}()
	doc, err = html.ParseWithOptions(bytes.NewReader(text), html.ParseOptionEnableScripting(true))
	if err != nil {
		return nil, fmt.Errorf("parse HTML: %w", err)
	}
	return doc, nil
}

// Words returns the text between the tags of HTML, without the contents of
// scripts and styles. It builds no tree, so no nesting is too deep for it.
func Words(text []byte) string {
	var out strings.Builder
	z := html.NewTokenizer(bytes.NewReader(text))
	skip := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out.String()
		case html.StartTagToken:
			name, _ := z.TagName()
			if a := atom.Lookup(name); a == atom.Script || a == atom.Style {
				skip = string(name)
			}
			out.WriteByte(' ')
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == skip {
				skip = ""
			}
			out.WriteByte(' ')
		case html.TextToken:
			if skip == "" {
				out.Write(z.Text())
			}
		}
	}
}

var metaCharset = regexp.MustCompile(`(?i)<meta[^>]*charset\s*=\s*["']?([a-z0-9_:-]+)`)

// declaredCharset returns the encoding that a page names in its first 4 KB.
func declaredCharset(src []byte) string {
	if m := metaCharset.FindSubmatch(src[:min(len(src), 4<<10)]); m != nil {
		return string(m[1])
	}
	return ""
}

// head reads title, author, language and dates from the head of a page.
func head(t *canon.Text, doc *html.Node) {
	walk(doc, func(n *html.Node) bool {
		switch n.DataAtom {
		case atom.Html:
			lang, _, _ := strings.Cut(strings.ToLower(attr(n, "lang")), "-")
			if len(lang) == 2 {
				t.Language = lang
			}
		case atom.Title:
			if t.Title == "" {
				t.Title = canon.Inline(textOf(n))
			}
		case atom.Meta:
			meta(t, strings.ToLower(attr(n, "name")+attr(n, "property")), attr(n, "content"))
		case atom.Body, atom.Svg:
			return false
		}
		return true
	})
}

func meta(t *canon.Text, name, content string) {
	switch name {
	case "author", "dc.creator", "dcterms.creator":
		t.Author = canon.Inline(content)
	case "description":
		t.Set("description", content)
	case "article:published_time", "dcterms.created", "date":
		t.Created = Date(content)
	case "article:modified_time", "dcterms.modified", "last-modified":
		t.Modified = Date(content)
	}
}

// Date reads the usual forms of a date; the zero time when s has none of them.
func Date(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05 -0700",
		"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", time.RFC1123Z, time.RFC1123, "2 January 2006", "January 2, 2006"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// pageTitle chooses between the title of the head, which often ends in the
// name of the site, and the first heading.
func pageTitle(title, heading string) string {
	if title == "" || heading != "" && len(heading) < len(title) && strings.HasPrefix(title, heading) {
		return heading
	}
	return title
}

// Fragment renders a piece of HTML as the text that HTML makes of a page.
// It is for HTML inside of other formats.
func Fragment(src []byte, limit int) string {
	doc, err := parse(src)
	if err != nil {
		return Words(src)
	}
	b := canon.NewBuilder(limit)
	(&renderer{b: b}).render(doc)
	var t canon.Text
	b.Into(&t)
	return string(t.Body)
}
