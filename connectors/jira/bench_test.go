package jira_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/jira"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
)

// BenchmarkSync reads all issues of a fake site that answers at once, and opens each.
func BenchmarkSync(b *testing.B) {
	const issues = 200
	site := jiratest.New(b)
	for n := range issues {
		name := fmt.Sprint(n)
		site.Put(b, name, "Issue "+name, "The text of issue "+name+".")
		site.Comment(name, "Bob", jiratest.Plain("", "Seen."))
	}
	r := serve(b, site)
	b.ResetTimer()
	for b.Loop() {
		c := connectortest.Open(b, jira.Kind(), r.Env, site.SettingsAt(r.URL))
		for change, err := range c.Changes(b.Context(), "") {
			if err != nil {
				b.Fatal(err)
			}
			if change.Open == nil {
				continue
			}
			body, err := change.Open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, body)
			_ = body.Close()
		}
	}
	b.ReportMetric(float64(issues)*float64(b.N)/b.Elapsed().Seconds(), "documents/s")
}
