package postgres

import (
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// The worker of a run whose source was changed writes nothing more, in whatever way;
// the run is taken up by whoever knows the new settings, from the beginning.
func TestWorkerOfFormerSettingsWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	store := NewIngest(f.DB, Space{})
	s := f.source("s", cairn.Allow(cairn.Everyone))
	f.document(s, "x", "X", "Text.", s.ACL)
	member := sequence([]connectors.Member{{Group: "eng", Email: "ann@acme.test"}}, nil)
	taken := f.begin(s, cairn.SyncOptions{})
	_, err := store.Commit(ctx, ingest.Batch{Source: s.ID, Run: taken.Lease, Cursor: "c7"})
	f.check(err)
	f.check(store.SetMembers(ctx, s, taken.Lease, member))

	_, err = f.UpdateSource(ctx, s.ID, func(s *cairn.Source) error { s.Settings = map[string]string{"acl_rules": "x"}; return nil })
	f.check(err)
	open := cairn.Allow(cairn.Everyone)
	_, err = store.Commit(ctx, ingest.Batch{Source: s.ID, Run: taken.Lease, ACLs: map[string]*cairn.ACL{"x": &open}})
	wantError(t, "an ACL", err, cairn.ErrConflict)
	wantError(t, "groups", store.SetMembers(ctx, s, taken.Lease, sequence(nil, nil)), cairn.ErrConflict)
	wantError(t, "a sign of life", f.KeepRun(ctx, taken.Lease, jobs.Progress{}), cairn.ErrConflict)
	f.check(f.FinishRun(ctx, taken.Lease, jobs.Ending{State: cairn.RunSucceeded, Pruned: true, Permissions: jobs.PermissionsSynced}))
	f.check(f.PermissionsRead(ctx, taken.Lease, 0))
	if n := f.count(`SELECT count(*) FROM sources WHERE pruned_at IS NOT NULL OR permissions_synced_at IS NOT NULL OR cursor <> ''`); n != 0 {
		t.Error("the source has what the worker of before found out, or its cursor")
	}
	if n := f.count(`SELECT count(*) FROM group_members`); n != 1 {
		t.Errorf("%d members are left of 1", n)
	}
	again, ok, err := f.TakeRun(ctx, taken.Run.ID)
	f.check(err)
	if !ok || again.Source.Settings["acl_rules"] != "x" || again.Cursor != "" || again.Lease.Attempt != 2 {
		t.Errorf("taken up: %v, %+v", ok, again)
	}
	f.check(f.FinishRun(ctx, taken.Lease, jobs.Ending{State: cairn.RunFailed, Reason: "by the worker of before"}))
	f.check(f.FinishRun(ctx, again.Lease, jobs.Ending{State: cairn.RunSucceeded, Pruned: true}))
	if run, err := f.RunByID(ctx, taken.Run.ID); err != nil || run.State != cairn.RunSucceeded || run.Reason != "" {
		t.Errorf("%+v, %v", run, err)
	}
}
