package web_test

import (
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
)

// BenchmarkSync crawls a site of 500 pages that answers at once, without the pace that is
// kept to with real sites.
func BenchmarkSync(b *testing.B) {
	const pages = 500
	s := newBench(b)
	s.site.PerPage = 100
	fill(b, s.site, pages)
	connectortest.BenchmarkSync(b, pages, func() connectors.Connector {
		s.remote.Env.WorkDir = b.TempDir() // what was known of pages is forgotten
		return s.connect(b)
	})
}

// BenchmarkUnchanged crawls a site of 2,000 pages again that have not changed: each is
// asked for once, on a condition, and none is opened.
func BenchmarkUnchanged(b *testing.B) {
	const pages = 2000
	s := newBench(b)
	s.site.PerPage = 100
	fill(b, s.site, pages)
	s.mustSync(b)
	s.site.Counts()
	for b.Loop() {
		s.mustSync(b)
		if c := s.site.Counts(); c.Requests != pages || c.NotModified != pages || s.opened != 0 {
			b.Fatalf("%+v, %d opened", c, s.opened)
		}
	}
}
