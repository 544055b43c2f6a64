package github_test

import (
	"fmt"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
)

// BenchmarkSync reads and opens 300 documents of 3 repositories, from a site that answers
// at once.
func BenchmarkSync(b *testing.B) {
	s := githubtest.New(b)
	s.SetPages(100)
	const documents = 300
	s.Change(func(w *githubtest.World) {
		for n := range documents {
			i := &githubtest.Item{Kind: []githubtest.Kind{githubtest.Issue, githubtest.Pull, githubtest.Discussion}[n%3], Title: fmt.Sprint("Document ", n), HTML: "<p>Some text.</p>"}
			for range 5 {
				i.Comments = append(i.Comments, &githubtest.Comment{Author: "ann", HTML: "<p>A comment of one line.</p>"})
			}
			w.Add(w.Repository(fmt.Sprint("r", n/100)), i)
		}
	})
	connectortest.BenchmarkSync(b, documents, func() connectors.Connector { return connect(b, s) })
}
