package git_test

import (
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git/gittest"
)

// BenchmarkSync reads a repository from a host without latency: fetching, finding the
// last change of each file, reading the contents.
func BenchmarkSync(b *testing.B) {
	const files = 500
	s := serve(b)
	s.remote.Env.Timeout = time.Minute
	s.Fill(b, files, 1000)
	connectortest.BenchmarkSync(b, files, func() connectors.Connector { return s.afresh(b) })
}

// BenchmarkSecondSync changes one of 10,000 files with a history of 20,000 commits and
// reads on; with -short, one of 500.
func BenchmarkSecondSync(b *testing.B) {
	files, commits := 10_000, 20_000
	if testing.Short() {
		files, commits = 500, 1000
	}
	s := serve(b)
	s.remote.Env.Timeout = time.Minute
	s.Fill(b, files, commits)
	_, cursor := read(b, s.connect(b), "")
	b.ResetTimer()
	for i := range b.N {
		b.StopTimer()
		s.Commit(b, map[string]string{gittest.PagePath(42): gittest.Page(42, i+1_000_000)})
		b.StartTimer()
		c := s.connect(b)
		listed := connectortest.List(b, c)
		changes, next := read(b, c, cursor)
		if cursor = next; len(changes) != 1 || len(listed) != files {
			b.Fatalf("%d changes, %d files", len(changes), len(listed))
		}
	}
}
