package web

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// maxLinks is how many links of one page are followed.
const maxLinks = 10_000

// content is what a page says to those who crawl it.
type content struct {
	canonical string   // reference; empty: none
	links     []string // whole addresses, normalised, each once
	noindex   bool
	nofollow  bool
}

// reader collects the content of a page.
type reader struct {
	content
	normal normaliser
	base   *url.URL
	based  bool // by the page itself
	seen   map[string]bool
}

// readPage reads an HTML page that was served at an address.
func (n normaliser) readPage(at *url.URL, header http.Header, body []byte) content {
	r := &reader{normal: n, base: at, seen: map[string]bool{}}
	for _, value := range header.Values("X-Robots-Tag") {
		r.directives(headerDirectives(value))
	}
	for _, value := range header.Values("Link") {
		r.linkHeader(value)
	}
	var text io.Reader = bytes.NewReader(body)
	if decoded, err := charset.NewReader(text, header.Get("Content-Type")); err == nil {
		text = decoded
	}
	z := html.NewTokenizer(text)
	z.SetMaxBuf(1 << 20)
	for {
		switch z.Next() {
		case html.ErrorToken: // the end, or a token that is too long
			return r.content
		case html.StartTagToken, html.SelfClosingTagToken:
			r.element(z)
		}
	}
}

// element reads a tag.
func (r *reader) element(z *html.Tokenizer) {
	name, more := z.TagName()
	kind := atom.Lookup(name)
	switch kind {
	case atom.A, atom.Area, atom.Base, atom.Link, atom.Meta, atom.Frame, atom.Iframe:
	default:
		return
	}
	attr := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if _, twice := attr[string(key)]; !twice {
			attr[string(key)] = string(value)
		}
	}
	rel := strings.Fields(strings.ToLower(attr["rel"]))
	switch kind {
	case atom.Base:
		if to, err := r.base.Parse(attr["href"]); err == nil && !r.based && attr["href"] != "" {
			r.base, r.based = to, true
		}
	case atom.Meta:
		r.meta(attr)
	case atom.Link:
		r.relation(rel, attr["href"])
	case atom.Frame, atom.Iframe:
		r.follow(attr["src"])
	case atom.A, atom.Area:
		if !has(rel, "nofollow") {
			r.follow(attr["href"])
		}
	}
}

func has(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// refresh is what a page says that sends its reader on.
var refresh = regexp.MustCompile(`(?i)^\s*[0-9.]+\s*[;,]\s*url\s*=\s*["']?([^"']+)`)

func (r *reader) meta(attr map[string]string) {
	if strings.EqualFold(attr["http-equiv"], "refresh") {
		if m := refresh.FindStringSubmatch(attr["content"]); m != nil {
			r.follow(m[1])
		}
	}
	if name := strings.ToLower(strings.TrimSpace(attr["name"])); name == "robots" || name == agent {
		r.directives(attr["content"])
	}
}

// relation reads a link element, or one of a Link header.
func (r *reader) relation(rel []string, href string) {
	switch {
	case href == "":
	case has(rel, "canonical"):
		if at, ok := r.normal.link(r.base, href); ok && r.canonical == "" {
			r.canonical = at
		}
	case has(rel, "next"), has(rel, "prev"):
		r.follow(href)
	}
}

// linkElement matches one link of a Link header (RFC 8288).
var linkElement = regexp.MustCompile(`<([^>]*)>([^<]*)`)
var relParam = regexp.MustCompile(`(?i);\s*rel\s*=\s*("[^"]*"|[^\s;,"]+)`)

func (r *reader) linkHeader(value string) {
	for _, m := range linkElement.FindAllStringSubmatch(value, 50) {
		if rel := relParam.FindStringSubmatch(m[2]); rel != nil {
			r.relation(strings.Fields(strings.ToLower(strings.Trim(rel[1], `"`))), m[1])
		}
	}
}

// follow notes a link.
func (r *reader) follow(href string) {
	if href = strings.TrimSpace(href); href == "" || href[0] == '#' || len(r.links) >= maxLinks {
		return
	}
	if at, ok := r.normal.link(r.base, href); ok && !r.seen[at] {
		r.seen[at] = true
		r.links = append(r.links, at)
	}
}

// directives reads what a page asks of robots.
func (r *reader) directives(text string) {
	for word := range strings.SplitSeq(strings.ToLower(text), ",") {
		switch strings.TrimSpace(word) {
		case "noindex":
			r.noindex = true
		case "nofollow":
			r.nofollow = true
		case "none":
			r.noindex, r.nofollow = true, true
		}
	}
}

// headerDirectives returns the part of an X-Robots-Tag that concerns Cairn: all of it,
// unless it begins with the name of another robot.
func headerDirectives(value string) string {
	name, rest, named := strings.Cut(value, ":")
	switch name = strings.ToLower(strings.TrimSpace(name)); {
	case !named || strings.ContainsAny(name, ", "), name == "unavailable_after", strings.HasPrefix(name, "max-"):
		return value
	case name == agent:
		return rest
	}
	return ""
}
