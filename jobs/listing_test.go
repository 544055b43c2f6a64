package jobs_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/server/api"
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
		for c, err := range l.tap.Changes(ctx, "") {
			if !yield(c.External, err) {
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

// What a connector warns of stands in its run: of one code the larger count.
func TestRunKeepsWarnings(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 2})
	kind := connectors.Kind{Name: "tap", Open: func(env connectors.Environment, _ map[string]string) (connectors.Connector, error) {
		for _, n := range []int{3, 7, 5, 0} {
			env.Warn(connectors.Warning{Code: "channels_not_joined", Message: "Channels.", Count: n})
		}
		return *s.tap, nil
	}}
	r := s.runner(func(c *jobs.Config) { c.Kinds["tap"] = kind })
	run, err := r.Sync(s.t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	run = s.wait(run.ID, "finished", final)
	if want := (cairn.RunWarning{Code: "channels_not_joined", Message: "Channels.", Count: 7}); run.State != cairn.RunSucceeded || len(run.Warnings) != 1 || run.Warnings[0] != want {
		t.Errorf("%+v", run)
	}
	runs, _, err := s.db.ListRuns(t.Context(), s.source.ID, api.Page{Limit: 5})
	if err != nil || len(runs) != 1 || len(runs[0].Warnings) != 1 {
		t.Errorf("%+v, %v", runs, err)
	}
}

// The setting list_every says when the listing is compared again; else the kind does.
func TestListingIsDue(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 2})
	sync := s.listing(connectors.Kind{PruneEvery: time.Hour})
	lists := func(every string, age time.Duration) bool {
		t.Helper()
		_, err := s.db.UpdateSource(t.Context(), s.source.ID, func(s *cairn.Source) error {
			s.Settings = map[string]string{}
			if every != "" {
				s.Settings[connectors.ListEvery] = every
			}
			return nil
		})
		check(t, err)
		_, err = s.db.Worker().Exec(t.Context(), `UPDATE sources SET pruned_at = now() - $1::interval`, age)
		check(t, err)
		return slices.Contains(sync(cairn.SyncOptions{}), "list")
	}
	for _, tt := range []struct {
		every string
		age   time.Duration
		want  bool
	}{{"", 20 * time.Minute, false}, {"15m", 20 * time.Minute, true}, {"", 2 * time.Hour, true}, {"6h", 2 * time.Hour, false}} {
		if got := lists(tt.every, tt.age); got != tt.want {
			t.Errorf("list_every %q, compared %s ago: it lists is %t", tt.every, tt.age, got)
		}
	}
}
