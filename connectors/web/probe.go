package web

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// missingPage is an address that no site has: what is answered there tells whether a
// page that is gone can be told.
const missingPage = "cairn-asks-for-a-page-that-does-not-exist"

// Test implements connectors.Tester: it reads robots.txt, sitemaps and the start pages.
func (s *Site) Test(ctx context.Context) (string, error) {
	c := &crawl{id: s.env.Now().UnixMilli()}
	if err := s.prepare(ctx, c); err != nil {
		return "", err
	}
	leads := map[string]bool{}
	for _, at := range s.starts {
		v, err := s.visit(ctx, c, target{at: at})
		if err != nil {
			return "", err
		}
		for _, link := range v.page.Links {
			if to := s.state.Names[link]; s.wants(c, to) {
				leads[to] = true
			}
		}
	}
	found := fmt.Sprintf("the start page was read; it leads to %d addresses that are read", len(leads))
	if len(s.starts) > 1 {
		found = fmt.Sprintf("%d start pages were read; they lead to %d addresses that are read", len(s.starts), len(leads))
	}
	if len(c.roots) > 0 {
		found += fmt.Sprintf(", sitemaps to %d", len(c.roots))
	}
	every := s.every
	if s.obeyRobots {
		every = max(every, min(c.robots.delay, longestGap))
	}
	found += fmt.Sprintf("; a crawl sends a request every %s", every.Round(time.Millisecond))
	at := s.starts[0]
	if i := strings.IndexByte(at, '?'); i >= 0 {
		at = at[:i]
	}
	at = at[:strings.LastIndexByte(at, '/')+1] + missingPage
	if !s.allowed(c, at) {
		return found, nil
	}
	if res, err := s.do(ctx, remote.Request{Path: at, What: "a page that does not exist", MaxBytes: s.maxSize}); err == nil && res.Status < 300 {
		found += ". But the site answers with a page where it has none: pages that are removed there stay, as long as something leads to them"
	}
	return found, nil
}
