package web

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// crawl is one reading of a site. It may be walked more than once: pages that were
// asked for are not asked for again.
type crawl struct {
	id         int64
	everything bool // ask without conditions
	told       bool // all of it was yielded as changes
	prepared   bool
	robots     robots
	roots      []string          // of sitemaps
	lastmod    map[string]string // of roots
	shortfall  error             // why the sitemaps are not complete
	incomplete error             // why the last walk was not
	streak     int               // pages in a row that the site did not answer for
}

// fall notes why a crawl is not complete.
func (c *crawl) fall(reason string) {
	if c.incomplete == nil {
		c.incomplete = &connectors.Error{Kind: connectors.ErrUnavailable, Message: "the list of pages is not complete: " + reason}
	}
}

const (
	maxStreak  = 5  // pages that fail, one after the other, when the site as a whole is away
	maxHops    = 10 // redirects and canonical addresses, one after the other
	longestGap = 30 * time.Second
	saveEvery  = 30 * time.Second
	// leafAfter is how long a page that could never be read counts as one behind which
	// others may lie.
	leafAfter = 24 * time.Hour
	// movedAfter is how long a page may lead elsewhere "for a time".
	movedAfter = 7 * 24 * time.Hour
)

// start begins a new crawl.
func (s *Site) start() *crawl {
	s.state.Crawl = max(s.env.Now().UnixMilli(), s.state.Crawl+1)
	s.state.Finished = false
	s.state.bodies.clear()
	return &crawl{id: s.state.Crawl}
}

// resume goes on with the crawl that was broken off. What failed is asked for again.
func (s *Site) resume() *crawl {
	for _, p := range s.state.Pages {
		if p.failed() && p.Crawl == s.state.Crawl {
			p.Crawl, p.Seq = 0, 0
		}
	}
	return &crawl{id: s.state.Crawl}
}

// prepare reads robots.txt and sitemaps, once.
func (s *Site) prepare(ctx context.Context, c *crawl) error {
	if c.prepared {
		c.incomplete = c.shortfall
		return nil
	}
	c.lastmod, c.incomplete = map[string]string{}, nil
	if err := s.readRobots(ctx, c); err != nil {
		return err
	}
	for _, at := range s.starts {
		if !s.allowed(c, at) {
			return &connectors.Error{Kind: connectors.ErrForbidden, Message: "the robots.txt of " + s.client.Host() +
				" does not let Cairn read the start address: ask the site to allow the robot Cairn, or, if it is your own, set robots=ignore"}
		}
	}
	if err := s.readSitemaps(ctx, c); err != nil {
		return err
	}
	c.shortfall, c.prepared = c.incomplete, true
	return nil
}

// readRobots reads robots.txt: one that is missing allows all, one that the site cannot
// give now allows nothing (RFC 9309, 2.3.1).
func (s *Site) readRobots(ctx context.Context, c *crawl) error {
	res, err := s.get(ctx, s.origin+"/robots.txt", "robots.txt", maxSitemap)
	var told *connectors.Error
	switch {
	case err == nil:
		c.robots = parseRobots(res.Body)
	case ctx.Err() != nil, errors.Is(err, connectors.ErrRateLimited):
		return err
	case !s.obeyRobots:
	case errors.As(err, &told) && told.Status >= 400 && !errors.Is(err, connectors.ErrUnavailable): // 4xx
	case told != nil:
		told.Message += ". While a site cannot give it, nothing is read there (RFC 9309)"
		return told
	default:
		return err
	}
	if !s.obeyRobots || c.robots.delay <= s.every {
		return nil
	}
	s.client, err = s.newClient(min(c.robots.delay, longestGap))
	return err
}

func (s *Site) allowed(c *crawl, at string) bool {
	return !s.obeyRobots || c.robots.allows(targetOf(at))
}

// wants reports whether an address is to be asked for.
func (s *Site) wants(c *crawl, at string) bool {
	return s.scope.holds(at) && mayBeDocument(at) && !isTrap(at) && s.allowed(c, at)
}

// visited is an address that was come by.
type visited struct {
	at   string
	page *page
	// itself says that a page is a document although it names another canonical
	// address: there is none.
	itself bool
}

// there reports whether the site has, or may have, a document at the address.
func (v visited) there() bool { return v.itself || v.page.failed() || v.page.Is == document }

// walk comes by every page of the site that can be reached, breadth first. Those that
// are the same page as another come last.
func (s *Site) walk(ctx context.Context, c *crawl) iter.Seq2[visited, error] {
	return func(yield func(visited, error) bool) {
		saved := s.env.Now()
		defer func() { s.state.save(s.env.Now()) }()
		if err := s.prepare(ctx, c); err != nil {
			yield(visited{}, err)
			return
		}
		q := s.newQueue(c)
		for t := range q.targets() {
			v, err := s.visit(ctx, c, t)
			if err != nil {
				yield(visited{}, err)
				return
			}
			q.follow(t, v)
			if v.page.Is != alias && !yield(v, nil) {
				return
			}
			if now := s.env.Now(); now.Sub(saved) > saveEvery {
				s.state.save(now)
				saved = now
			}
		}
		for v := range q.rest() {
			if ctx.Err() != nil {
				yield(visited{}, fmt.Errorf("read %s: %w", s.client.Host(), context.Cause(ctx)))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// target is an address that is to be visited.
type target struct {
	at    string
	depth int // links from a start
	hops  int // redirects since the last link
}

// queue is what a walk has before it.
type queue struct {
	site    *Site
	crawl   *crawl
	front   []target // to be visited before those in line
	line    []target
	seen    map[string]bool
	asked   int
	aliases []string
	beyond  string // the first address that the limits leave out
}

func (s *Site) newQueue(c *crawl) *queue {
	q := &queue{site: s, crawl: c, seen: map[string]bool{}}
	for _, at := range s.starts {
		q.add(target{at: at})
	}
	for _, at := range c.roots {
		q.add(target{at: at})
	}
	return q
}

func (q *queue) add(t target) {
	// What is beyond the limit by more than one is left out all the same.
	if q.seen[t.at] || len(q.seen) > q.site.maxPages || t.hops > maxHops || !q.site.wants(q.crawl, t.at) {
		return
	}
	q.seen[t.at] = true
	if t.hops > 0 {
		q.front = append(q.front, t)
	} else {
		q.line = append(q.line, t)
	}
}

// targets yields what is to be visited, while it grows.
func (q *queue) targets() iter.Seq[target] {
	return func(yield func(target) bool) {
		for len(q.front)+len(q.line) > 0 {
			from := &q.line
			if len(q.front) > 0 {
				from = &q.front
			}
			t := (*from)[0]
			*from = (*from)[1:]
			if q.asked == q.site.maxPages {
				q.beyond = t.at
				q.crawl.fall(fmt.Sprintf("the site has more addresses than max_pages = %d", q.site.maxPages))
				return
			}
			q.asked++
			if !yield(t) {
				return
			}
		}
	}
}

// follow adds what a page leads to.
func (q *queue) follow(t target, v visited) {
	p := v.page
	if p.Is == alias {
		q.aliases = append(q.aliases, v.at)
	}
	if p.To != "" {
		q.add(target{p.To, t.depth, t.hops + 1})
	}
	if q.site.followLinks && t.depth < q.site.maxDepth {
		for _, link := range p.Links {
			q.add(target{at: q.site.state.Names[link], depth: t.depth + 1})
		}
	}
	if p.failed() && p.Is == unknown && p.Code != tooLarge && !q.site.scope.holds(p.To) && q.site.env.Now().Sub(p.Since) < leafAfter {
		q.crawl.fall("a page cannot be read, and what it leads to is not known")
	}
}

// rest yields the pages that name another canonical address, and, where the limits of
// the settings end the walk, what is left out.
func (q *queue) rest() iter.Seq[visited] {
	return func(yield func(visited) bool) {
		for _, at := range q.aliases {
			if !yield(visited{at, q.site.state.Pages[at], q.isItself(at)}) {
				return
			}
		}
		if q.beyond != "" {
			yield(visited{at: q.beyond, page: &page{Code: "limit", Reason: fmt.Sprintf("A crawl ends after max_pages = %d addresses: "+
				"this one, and those that come after it, are not read. Raise max_pages, or narrow include and exclude.", q.site.maxPages)}})
		}
	}
}

// isItself reports whether the canonical address that a page names leads to no page. Of
// pages that name each other the first by name is the one.
func (q *queue) isItself(at string) bool {
	first, passed := at, map[string]bool{}
	for to := at; ; {
		p := q.site.state.Pages[to]
		if p == nil || !q.seen[to] || p.Crawl != q.crawl.id {
			return true
		}
		if p.Is != alias && p.Is != moved {
			return !(visited{at: to, page: p}).there()
		}
		if passed[to] {
			return first == at
		}
		if passed[to] = true; p.Is == alias {
			first = min(first, to)
		}
		to = p.To
	}
}
