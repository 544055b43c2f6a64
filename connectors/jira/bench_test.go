package jira_test

import (
	"fmt"
	"testing"

	"github.com/cairnhq/cairn/connectors"
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
	connectortest.BenchmarkSync(b, issues, func() connectors.Connector {
		return connectortest.Open(b, jira.Kind(), r.Env, site.SettingsAt(r.URL))
	})
}
