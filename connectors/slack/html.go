package slack

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// renderer writes messages as HTML.
type renderer struct {
	people   people
	channels map[string]string // names of public channels: those of others are nobody's business
	b        strings.Builder
}

// render makes the page of messages. Each is an article with its permalink.
func (w *writer) render(title string, messages []message) string {
	r := &renderer{people: w.site.people, channels: w.site.names}
	r.b.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>" + esc(title) + "</title></head>\n<body><main>\n")
	r.b.WriteString("<h1>" + esc(title) + "</h1>\n<p>In " + esc(w.channel.label()) + "</p>\n")
	for _, m := range messages {
		r.message(m, w.reference(m))
	}
	r.b.WriteString("</main></body></html>\n")
	return r.b.String()
}

func (r *renderer) message(m message, permalink string) {
	r.b.WriteString(`<article><h2><a rel="bookmark" href="` + esc(permalink) + `">` + esc(r.people.author(m)) + ", " + at(m.TS).Format("2006-01-02 15:04") + "</a></h2>\n")
	r.said(m)
	for _, f := range m.Files {
		if f.Mode != "tombstone" && f.Mode != "hidden_by_limit" && (f.Title != "" || f.Name != "") {
			r.b.WriteString("<p>File: " + esc(line(first(f.Title, f.Name))) + "</p>\n")
		}
	}
	r.b.WriteString("</article>\n")
}

// said writes what a message says: its blocks, else its text, and its attachments that
// are no previews of pages.
func (r *renderer) said(m message) {
	if !r.blocks(m.Blocks) {
		r.mrkdwn(m.Text)
	}
	for _, a := range m.Attachments {
		if a.FromURL != "" {
			continue
		}
		before := r.b.Len()
		r.mrkdwn(a.Pretext)
		r.mrkdwn(a.Title)
		if !r.blocks(a.Blocks) {
			r.mrkdwn(a.Text)
		}
		for _, f := range a.Fields {
			r.mrkdwn(f.Title)
			r.mrkdwn(f.Value)
		}
		if r.b.Len() == before {
			r.mrkdwn(a.Fallback)
		}
	}
}

var tag = regexp.MustCompile(`<[^>]*>`)

const maxTitle = 100 // characters

// title is what a thread is called: the beginning of its first message.
func (w *writer) title(root message) string {
	r := &renderer{people: w.site.people, channels: w.site.names}
	if root.opens() {
		r.said(root)
	}
	text := strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(strings.ReplaceAll(r.b.String(), "<br>", "\n"), "")))
	text, _, _ = strings.Cut(text, "\n")
	if text = line(text); text == "" {
		return "Thread in " + w.channel.label() + ", " + at(root.TS).Format("2 January 2006")
	}
	if utf8.RuneCountInString(text) > maxTitle {
		text = string([]rune(text)[:maxTitle])
		if i := strings.LastIndexByte(text, ' '); i > maxTitle/2 {
			text = text[:i]
		}
		text += "…"
	}
	return text
}

// esc makes text of HTML that is not markup. Control characters are left out.
func esc(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd")))
}

// safeURL returns an address that a browser may open; "" for another.
func safeURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
