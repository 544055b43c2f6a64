package confluence_test

import (
	"fmt"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/confluence"
	"github.com/cairnhq/cairn/connectors/confluence/confluencetest"
	"github.com/cairnhq/cairn/connectors/connectortest"
)

// BenchmarkSync reads a site of 200 pages, all of their texts included, without the pace
// that is kept to with real sites.
func BenchmarkSync(b *testing.B) {
	const pages = 200
	for _, edition := range []string{"cloud", "datacenter"} {
		b.Run(edition, func(b *testing.B) {
			site := confluencetest.New(b)
			if edition == "datacenter" {
				site = confluencetest.NewDataCenter(b)
			}
			site.PageSize(100)
			for i := range pages {
				site.Put(b, fmt.Sprintf("page%03d", i), fmt.Sprintf("Page %d", i), "Some text of a page.")
			}
			r := serve(b, site)
			connectortest.BenchmarkSync(b, pages, func() connectors.Connector {
				return connectortest.Open(b, confluence.Kind(), r.Env, site.SettingsAt(r.URL))
			})
		})
	}
}
