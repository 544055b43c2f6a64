package confluence_test

import (
	"fmt"
	"testing"
	"time"

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
			connector := connectortest.Open(b, confluence.Kind(), r.Env, site.SettingsAt(r.URL))
			begin := time.Now()
			for b.Loop() {
				for c, err := range connector.Changes(b.Context(), "") {
					if err != nil {
						b.Fatal(err)
					}
					body, err := c.Open(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					_ = body.Close()
				}
			}
			b.ReportMetric(float64(pages*b.N)/time.Since(begin).Seconds(), "documents/s")
		})
	}
}
