package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html/charset"

	"github.com/cairnhq/cairn/connectors"
)

// Limits of sitemaps: those of the protocol (sitemaps.org, 0.9), and of how many there are.
const (
	maxSitemap      = 50 << 20 // bytes, unpacked
	maxSitemaps     = 500
	maxSitemapDepth = 3 // an index of indexes is not allowed, but seen
)

var errNoSitemap = errors.New("it is no sitemap")

// sitemapFile is one sitemap or index of sitemaps.
type sitemapFile struct {
	pages []location
	files []location // other sitemaps
}

// location is an entry of a sitemap.
type location struct {
	Loc     string `xml:"loc"`
	Lastmod string `xml:"lastmod"`
}

// parseSitemap reads a sitemap of the protocol 0.9, an index of them or a list of
// addresses, also packed by gzip.
func parseSitemap(body []byte) (sitemapFile, error) {
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return sitemapFile{}, errNoSitemap
		}
		if body, err = io.ReadAll(io.LimitReader(z, maxSitemap+1)); err != nil || len(body) > maxSitemap {
			return sitemapFile{}, errNoSitemap
		}
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if !bytes.HasPrefix(body, []byte("<")) {
		return parseList(body)
	}
	return parseXML(body)
}

// parseList reads a sitemap of one address a line.
func parseList(body []byte) (sitemapFile, error) {
	var f sitemapFile
	for line := range bytes.Lines(body) {
		text := strings.TrimSpace(string(line))
		if text == "" {
			continue
		}
		if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
			return f, errNoSitemap
		}
		f.pages = append(f.pages, location{Loc: text})
	}
	return f, nil
}

func parseXML(body []byte) (sitemapFile, error) {
	var f sitemapFile
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = charset.NewReaderLabel
	root := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != "" {
			return f, nil
		}
		if err != nil {
			return f, errNoSitemap
		}
		start, ok := token.(xml.StartElement)
		if _, directive := token.(xml.Directive); directive {
			return f, errNoSitemap // a DOCTYPE, which sitemaps have none of: a page
		}
		if !ok {
			continue
		}
		switch name := start.Name.Local; {
		case root == "":
			if root = name; name != "urlset" && name != "sitemapindex" {
				return f, errNoSitemap
			}
		case name == "url" && root == "urlset", name == "sitemap" && root == "sitemapindex":
			var l location
			if err := d.DecodeElement(&l, &start); err != nil {
				return f, errNoSitemap
			}
			if l.Loc, l.Lastmod = strings.TrimSpace(l.Loc), strings.TrimSpace(l.Lastmod); root == "urlset" {
				f.pages = append(f.pages, l)
			} else {
				f.files = append(f.files, l)
			}
		default:
			if err := d.Skip(); err != nil {
				return f, errNoSitemap
			}
		}
	}
}

// parseDate reads a date of a sitemap (W3C Datetime); the zero time when it is none.
func parseDate(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// found is a sitemap that is to be read.
type found struct {
	at     string
	depth  int
	needed bool // by the settings
	named  bool // by robots.txt or an index, so that it ought to be there
}

// readSitemaps adds the pages of the site's sitemaps to a crawl. Only those of the site
// itself are read.
func (s *Site) readSitemaps(ctx context.Context, c *crawl) error {
	queue, seen := s.firstSitemaps(c), map[string]bool{}
	for len(queue) > 0 {
		f := queue[0]
		queue = queue[1:]
		if seen[f.at] {
			continue
		}
		if seen[f.at] = true; len(seen) > maxSitemaps || f.depth > maxSitemapDepth {
			c.fall("there are more sitemaps than are read of one site")
			return nil
		}
		file, err := s.readSitemap(ctx, f.at)
		if err := s.missed(ctx, c, f, err); err != nil {
			return err
		}
		s.state.Sitemaps[f.at] = s.state.Sitemaps[f.at] || err == nil
		base, _ := url.Parse(f.at)
		for _, l := range file.files {
			if at, ok := s.normal.link(base, l.Loc); ok && originOf(at) == s.origin {
				queue = append(queue, found{at: at, depth: f.depth + 1, named: true})
			}
		}
		for _, l := range file.pages {
			if at, ok := s.normal.link(base, l.Loc); ok {
				s.addRoot(c, at, l.Lastmod)
			}
		}
	}
	return nil
}

// firstSitemaps returns where to look for sitemaps.
func (s *Site) firstSitemaps(c *crawl) []found {
	var out []found
	for _, at := range s.sitemaps {
		out = append(out, found{at: at, needed: true})
	}
	if s.sitemaps != nil {
		return out
	}
	base, _ := url.Parse(s.origin + "/robots.txt")
	for _, reference := range c.robots.sitemaps {
		if at, ok := s.normal.link(base, reference); ok && originOf(at) == s.origin {
			out = append(out, found{at: at, named: true})
		}
	}
	if len(out) == 0 {
		out = append(out, found{at: s.origin + "/sitemap.xml"})
	}
	return out
}

// addRoot adds a page of a sitemap.
func (s *Site) addRoot(c *crawl, at, lastmod string) {
	if _, twice := c.lastmod[at]; twice || !s.wants(c, at) || len(c.roots) > s.maxPages {
		return
	}
	c.lastmod[at] = lastmod
	c.roots = append(c.roots, at)
}

func (s *Site) readSitemap(ctx context.Context, at string) (sitemapFile, error) {
	res, err := s.get(ctx, at, "a sitemap", maxSitemap)
	if err != nil {
		return sitemapFile{}, err
	}
	return parseSitemap(res.Body)
}

// missed says what follows from a sitemap that could not be read: an error where the
// settings name it, an incomplete crawl where it ought to be there, else nothing.
func (s *Site) missed(ctx context.Context, c *crawl, f found, err error) error {
	gone := errors.Is(err, connectors.ErrNotFound)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, errors.Is(err, connectors.ErrRateLimited):
		return err
	case f.needed && errors.Is(err, errNoSitemap):
		return &connectors.Error{Kind: connectors.ErrUnexpected, Message: s.client.Host() +
			" has something else than a sitemap at the address in the setting sitemap: correct it, or leave it out"}
	case f.needed:
		return err
	case !gone && (f.named || s.state.Sitemaps[f.at]):
		c.fall("a sitemap of the site could not be read")
	}
	return nil
}
