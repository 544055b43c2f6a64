// Package web reads the pages of a web site.
//
// It follows links and sitemaps from start addresses, within one origin (scheme, host
// and port) and, unless told otherwise, within the folders of the start addresses. It
// never asks another host for anything, wherever links, redirects, sitemaps and
// canonical addresses lead. JavaScript is not run.
//
// The external id of a document is the address of its page, normalised by RFC 3986
// (section 6.2.2) without fragment and tracking parameters: of several addresses of one
// page, the one that the site calls canonical (RFC 6596) or redirects to.
//
// Each crawl asks for every page, with If-None-Match and If-Modified-Since where the page
// had something to compare (RFC 9110, section 13). What is known of pages lies in a file
// in the source's work folder; without it a crawl costs more bytes, and nothing else: the
// revision of a document is a hash of its bytes. A crawl that was broken off goes on
// where it was; one that is complete is the complete listing of the site.
package web

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// Kind returns the kind of source "web".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "web",
		SyncEvery: 24 * time.Hour,
		ListLast:  true,
		Settings: []connectors.Setting{
			{Name: "url", Required: true, Help: "where to begin: one or more addresses of one site, separated by commas or lines"},
			{Name: "include", Help: "only addresses whose path matches one of these globs, such as /docs/**,/blog/**; unset: what lies below the start addresses"},
			{Name: "exclude", Help: "no addresses whose path, or path with query, matches one of these globs, such as /docs/old/**,/**/*\\?*"},
			{Name: "follow_links", Help: "false: read only the pages of sitemaps and the start pages; unset: true"},
			{Name: "sitemap", Help: "addresses of sitemaps on the same site; unset: those that robots.txt names, else /sitemap.xml if there is one; none: no sitemap"},
			{Name: "max_pages", Help: "how many addresses a crawl asks at most; unset: 10000"},
			{Name: "max_depth", Help: "how many links away from a start page or sitemap; unset: as many as lead on"},
			{Name: "max_size", Help: "larger documents are reported and not read, such as 20MB; unset: 50MB"},
			{Name: "rate", Help: "requests a second, one after the other, such as 0.5; unset: 5"},
			{Name: "robots", Help: "ignore: read a site of your own although its robots.txt forbids it; unset: obey"},
			{Name: "trust_lastmod", Help: "true: do not ask for pages whose date in the sitemap is that of the last time; unset: false"},
			{Name: "drop_parameters", Help: "parameters in addresses that make no other page, beside the usual ones of tracking, such as sort,view"},
			{Name: "user", Help: "user for HTTP basic authentication, together with the secret password"},
			{Name: "header", Help: "header that the secret token is sent in, such as X-Api-Key; unset: Authorization, as a bearer token"},
			{Name: "password", Secret: true, Help: "password of user"},
			{Name: "token", Secret: true, Help: "token that the site lets Cairn in with"},
		},
		Check: func(_ connectors.Environment, values map[string]string) error {
			_, err := parse(values)
			return err
		},
		Open: func(env connectors.Environment, values map[string]string) (connectors.Connector, error) {
			return open(env, values)
		},
	}
}

var (
	_ connectors.Lister = (*Site)(nil)
	_ connectors.Tester = (*Site)(nil)
)

// Site is the connector, for one run. It implements connectors.Lister; a listing and
// the changes after it, or before it, are one crawl.
type Site struct {
	settings
	env    connectors.Environment
	client *remote.Client
	turn   chan struct{} // one request at a time
	state  *state
	crawl  *crawl // that of this run; nil: not begun
	listed bool   // completely, in this run
}

func open(env connectors.Environment, values map[string]string) (*Site, error) {
	set, err := parse(values)
	if err != nil {
		return nil, err
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	s := &Site{settings: set, env: env, turn: make(chan struct{}, 1), state: openState(env.WorkDir, set.digest)}
	s.client, err = s.newClient(set.every)
	return s, err
}

// newClient returns a client that sends one request at a time, at a pace.
func (s *Site) newClient(every time.Duration) (*remote.Client, error) {
	return remote.New(s.env, remote.Config{
		URL: s.origin, Token: s.token, Sign: s.sign(), Rate: connectors.Rate{Every: every, Burst: 1},
		Account: "web", // all sources that read this host share one pace
		Advice:  "The site's administrator gives out users and tokens.",
		Follow:  isNowhere, // redirects are looked at like links
	})
}

// Changes implements connectors.Connector. It yields every document of the site, each
// when it was asked for; the cursor says which crawl this was, and how far it came.
func (s *Site) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		at := parseCursor(since)
		c := s.begin(at)
		for v, err := range s.walk(ctx, c) {
			if err != nil {
				yield(connectors.Change{}, err)
				return
			}
			change, ok := s.change(v)
			if !ok || v.page.Seq > 0 {
				continue
			}
			at.seq++
			v.page.Seq, v.page.Deleted = at.seq, change.Op == connectors.Delete
			change.Cursor = at.text()
			if !yield(change, nil) {
				return
			}
		}
		s.finish(c)
		if c.shortfall != nil { // what was read stands
			yield(connectors.Change{}, c.shortfall)
			return
		}
		yield(connectors.Change{Op: connectors.Checkpoint, Cursor: position{c.id, ended}.text()}, nil)
	}
}

// begin returns the crawl that is to be read from a position, which it moves to the
// crawl's own.
func (s *Site) begin(at *position) *crawl {
	s.state.settle(*at)
	c := s.crawl
	switch {
	case c != nil && !c.told: // that of the listing
		c.everything = at.crawl == 0
	case at.crawl == s.state.Crawl && s.state.resumable(s.env.Now()):
		c = s.resume()
	default:
		c = s.start()
		c.everything = at.crawl == 0
	}
	if at.crawl != c.id {
		*at = position{crawl: c.id}
	}
	for _, p := range s.state.Pages {
		if p.Seq > at.seq || p.Crawl != c.id {
			p.Seq = 0
		}
	}
	s.crawl = c
	return c
}

// finish notes that all of a crawl was yielded.
func (s *Site) finish(c *crawl) {
	s.state.Finished = true
	if c.incomplete == nil {
		s.state.forget(c.id)
	}
	s.state.save(s.env.Now())
	c.told = true
}

// Externals implements connectors.Lister: it crawls the site. Pages that could not be
// read now are listed; when they may lead to others that nobody knows of, or the limits
// of the settings end the crawl, the list is incomplete.
func (s *Site) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if s.crawl == nil {
			if s.state.resumable(s.env.Now()) {
				s.crawl = s.resume()
			} else {
				s.crawl = s.start()
			}
		}
		c := s.crawl
		var there []string
		for v, err := range s.walk(ctx, c) {
			if err != nil {
				yield("", err)
				return
			}
			if v.there() {
				there = append(there, v.at)
			}
		}
		for _, external := range there {
			if ctx.Err() != nil {
				yield("", fmt.Errorf("list %s: %w", s.client.Host(), context.Cause(ctx)))
				return
			}
			if !yield(external, nil) {
				return
			}
		}
		if c.incomplete != nil {
			yield("", c.incomplete)
			return
		}
		s.listed = true
	}
}

// position is a cursor: a crawl, and how much of it was yielded.
type position struct {
	crawl int64
	seq   int
}

// ended is the position after all of a crawl.
const ended = 99_999_999

func (p position) text() connectors.Cursor {
	return connectors.Cursor(fmt.Sprintf("%013d-%08d", p.crawl, p.seq))
}

// parseCursor reads a cursor; the zero position when it is none.
func parseCursor(c connectors.Cursor) *position {
	id, seq, _ := strings.Cut(string(c), "-")
	var p position
	var err error
	if p.crawl, err = strconv.ParseInt(id, 10, 64); err != nil {
		return &position{}
	}
	if p.seq, err = strconv.Atoi(seq); err != nil {
		return &position{}
	}
	return &p
}
