package jobs_test

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
)

// lister is a tap that lists what it has, and tells in which order it is asked.
type lister struct {
	tap
	asked *[]string
}

func (l lister) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	*l.asked = append(*l.asked, "changes")
	return l.tap.Changes(ctx, since)
}

func (l lister) Externals(ctx context.Context) iter.Seq2[string, error] {
	*l.asked = append(*l.asked, "list")
	return func(yield func(string, error) bool) {
		for c := range l.tap.Changes(ctx, "") {
			if !yield(c.External, nil) {
				return
			}
		}
	}
}

// listing is a site whose source lists; sync returns what a run has asked it for.
func (s *site) listing(kind connectors.Kind) (sync func(o cairn.SyncOptions) []string) {
	s.t.Helper()
	var asked []string
	kind.Name = "tap"
	kind.Open = func(connectors.Environment, map[string]string) (connectors.Connector, error) {
		return lister{*s.tap, &asked}, nil
	}
	r := s.runner(func(c *jobs.Config) { c.Kinds["tap"] = kind })
	return func(o cairn.SyncOptions) []string {
		s.t.Helper()
		asked = nil
		run, err := r.Sync(s.t.Context(), s.source.ID, o)
		check(s.t, err)
		if run = s.wait(run.ID, "finished", final); run.State != cairn.RunSucceeded {
			s.t.Fatalf("%+v", run)
		}
		return asked
	}
}

// The first sync of a kind whose listing takes as long as reading reads before it lists,
// until a listing was compared.
func TestFirstSyncReadsFirst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		last  bool
		first []string
	}{{true, []string{"changes", "list"}}, {false, []string{"list", "changes"}}} {
		s := newSite(t, tap{documents: 3})
		sync := s.listing(connectors.Kind{ListLast: tt.last})
		if got := sync(cairn.SyncOptions{}); !slices.Equal(got, tt.first) {
			t.Errorf("%t: the first sync asks for %q", tt.last, got)
		}
		if got := sync(cairn.SyncOptions{}); !slices.Equal(got, []string{"list", "changes"}) {
			t.Errorf("%t: the second sync asks for %q", tt.last, got)
		}
	}
}
