package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func read(t testing.TB, header http.Header, body string) content {
	t.Helper()
	at, err := url.Parse("https://example.com/docs/a.html")
	if err != nil {
		t.Fatal(err)
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "text/html")
	}
	return newNormaliser(nil).readPage(at, header, []byte(body))
}

func TestReadPage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header http.Header
		body   string
		want   content
	}{
		{
			"links", http.Header{}, `<a href=b.html>b</a><a href="b.html#x">again</a><A HREF='/c?utm_source=1'>c</A><area href="d"><iframe src="e"></iframe>
<a href="f" rel="external nofollow">f</a><a href="#top">top</a><a>none</a><a href="">empty</a><a href="mailto:x@example.com">x</a>
<!-- <a href="comment"> --><script>"<a href='script'>"</script><link rel="stylesheet" href="s.css"><link rel=next href="?page=2">`,
			content{links: []string{
				"https://example.com/docs/b.html", "https://example.com/c", "https://example.com/docs/d", "https://example.com/docs/e", "https://example.com/docs/a.html?page=2",
			}},
		},
		{"base", http.Header{}, `<base href="/other/"><base href="/third/"><a href="b">`, content{links: []string{"https://example.com/other/b"}}},
		{"base elsewhere", http.Header{}, `<base href="http://10.0.0.1/"><a href="b">`, content{links: []string{"http://10.0.0.1/b"}}},
		{"canonical", http.Header{}, `<link rel="shortlink Canonical" href="/docs/a.html?utm_campaign=1#x"><link rel=canonical href=second>`, content{canonical: "https://example.com/docs/a.html"}},
		{"canonical of a header", http.Header{"Link": {`<https://example.com/x>; rel="canonical", </y>; rel=next`}}, `<link rel=canonical href=second>`,
			content{canonical: "https://example.com/x", links: []string{"https://example.com/y"}}},
		{"meta robots", http.Header{}, `<meta name=ROBOTS content="NoIndex, follow"><a href=b>`, content{noindex: true, links: []string{"https://example.com/docs/b"}}},
		{"meta of Cairn", http.Header{}, `<meta name="cairn" content="none">`, content{noindex: true, nofollow: true}},
		{"meta of others", http.Header{}, `<meta name="googlebot" content="noindex">`, content{}},
		{"header", http.Header{"X-Robots-Tag": {"noindex, nofollow"}}, ``, content{noindex: true, nofollow: true}},
		{"header of others", http.Header{"X-Robots-Tag": {"otherbot: noindex", "Cairn: nofollow", "unavailable_after: 25 Jun 2010 15:00:00 PST"}}, ``, content{nofollow: true}},
		{"refresh", http.Header{}, `<meta http-equiv="Refresh" content="0; URL='/new'">`, content{links: []string{"https://example.com/new"}}},
		{"encoding", http.Header{"Content-Type": {"text/html; charset=windows-1252"}}, "<a href=\"/caf\xe9\">", content{links: []string{"https://example.com/caf%C3%A9"}}},
		{"encoding in the page", http.Header{}, "<meta charset=iso-8859-1><a href=\"/caf\xe9\">", content{links: []string{"https://example.com/caf%C3%A9"}}},
		{"UTF-16", http.Header{}, "\xff\xfe<\x00a\x00 \x00h\x00r\x00e\x00f\x00=\x00x\x00>\x00", content{links: []string{"https://example.com/docs/x"}}},
	} {
		if d := cmp.Diff(tt.want, read(t, tt.header, tt.body), cmp.AllowUnexported(content{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	if n := len(read(t, http.Header{}, strings.Repeat("<a href=x>", 3)+numbered(maxLinks+10)).links); n != maxLinks {
		t.Errorf("%d links are followed", n)
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("<a href=")
		b.WriteString(strings.Repeat("x", 1+i%7))
		b.WriteByte(byte('a' + i%26))
		b.WriteString(time.Duration(i).String())
		b.WriteString(">")
	}
	return b.String()
}

// FuzzReadPage checks that every page is read, and leads to addresses alone.
func FuzzReadPage(f *testing.F) {
	f.Add("noindex", `</x>; rel=canonical`, "text/html; charset=x", "<base href=//[><a href='%'><meta http-equiv=refresh content='0;url='><link rel=canonical href=:>")
	f.Fuzz(func(t *testing.T, tag, link, kind, body string) {
		c := read(t, http.Header{"X-Robots-Tag": {tag}, "Link": {link}, "Content-Type": {kind}}, body)
		if len(c.links) > maxLinks {
			t.Errorf("%d links", len(c.links))
		}
		for _, at := range c.links {
			if _, err := url.Parse(at); err != nil {
				t.Errorf("a link to %q: %v", at, err)
			}
		}
	})
}

func TestParseSitemap(t *testing.T) {
	const urls = `<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="x"><url><loc> https://example.com/a?b=1&amp;c=2 </loc>
<lastmod>2026-01-02</lastmod><priority>1</priority><image:image><image:loc>https://example.com/i.png</image:loc></image:image></url><url/></urlset>`
	packed := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return b.String()
	}
	page := location{Loc: "https://example.com/a?b=1&c=2", Lastmod: "2026-01-02"}
	for _, tt := range []struct {
		name, body string
		want       sitemapFile
		fails      bool
	}{
		{name: "urls", body: urls, want: sitemapFile{pages: []location{page, {}}}},
		{name: "packed", body: packed(urls), want: sitemapFile{pages: []location{page, {}}}},
		{name: "index", body: `<sitemapindex><sitemap><loc>/a.xml.gz</loc></sitemap></sitemapindex>`, want: sitemapFile{files: []location{{Loc: "/a.xml.gz"}}}},
		{name: "list", body: "\xef\xbb\xbfhttps://example.com/a\r\n\nhttp://example.com/b\n", want: sitemapFile{pages: []location{{Loc: "https://example.com/a"}, {Loc: "http://example.com/b"}}}},
		{name: "a page", body: `<!DOCTYPE html><html></html>`, fails: true},
		{name: "another page", body: `<html></html>`, fails: true},
		{name: "a feed", body: `<rss><channel/></rss>`, fails: true},
		{name: "broken off", body: urls[:len(urls)-20], fails: true},
		{name: "entities", body: `<!DOCTYPE x [<!ENTITY a "aaaa">]><urlset><url><loc>&a;</loc></url></urlset>`, fails: true},
		{name: "packed and broken off", body: packed(urls)[:60], fails: true},
		{name: "bomb", body: packed(strings.Repeat(" ", maxSitemap+1)), fails: true},
		{name: "text", body: "Nothing here", fails: true},
	} {
		got, err := parseSitemap([]byte(tt.body))
		if (err != nil) != tt.fails {
			t.Errorf("%s: %v", tt.name, err)
		}
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(sitemapFile{})); d != "" && !tt.fails {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// FuzzParseSitemap checks that every sitemap is read or refused.
func FuzzParseSitemap(f *testing.F) {
	f.Add([]byte("<urlset><url><loc>x</loc></url></urlset>"))
	f.Add([]byte{0x1f, 0x8b, 8})
	f.Fuzz(func(_ *testing.T, body []byte) { _, _ = parseSitemap(body) })
}

func TestFilename(t *testing.T) {
	for _, tt := range []struct{ at, mediaType, want string }{
		{"https://example.md/", "text/html; charset=utf-8", "index.html"},
		{"https://example.com/docs/", "text/html", "docs.html"},
		{"https://example.com/README.md", "text/html", "README.md.html"},
		{"https://example.com/README.md", "text/markdown", "README.md"},
		{"https://example.com/a.HTM", "text/html", "a.HTM"},
		{"https://example.com/show.php?id=1", "text/html", "show.php.html"},
		{"https://example.com/download?id=1", "application/pdf", "download.pdf"},
		{"https://example.com/%C3%BC%20x.pdf", "application/pdf", "ü x.pdf"},
		{"https://example.com/a%2Fb", "text/html", "a%2Fb.html"},
		{"https://example.com/robots.py", "text/plain", "robots.py"},
	} {
		if got := filename(tt.at, tt.mediaType); got != tt.want {
			t.Errorf("%s as %s: %q, want %q", tt.at, tt.mediaType, got, tt.want)
		}
	}
}
