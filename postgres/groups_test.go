package postgres

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	bob, ann := f.account("bob@acme.test", cairn.RoleMember), f.account("ann@acme.test", cairn.RoleMember)
	f.check(f.CreateGroup(ctx, "engineering"))
	wantError(t, "same name", f.CreateGroup(ctx, "engineering"), cairn.ErrConflict)
	for _, name := range []string{"", "two\nlines", "nul\x00"} {
		wantError(t, "bad name", f.CreateGroup(ctx, name), cairn.ErrInvalid)
	}

	members := func() []cairn.Account {
		t.Helper()
		groups, _, err := f.ListGroups(ctx, "cairn", api.Page{Limit: 10})
		f.check(err)
		return groups[0].Members
	}
	f.check(f.SetGroup(ctx, "engineering", []cairn.AccountID{bob.ID, ann.ID, bob.ID}, nil))
	if d := cmp.Diff([]cairn.Account{ann, bob}, members()); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	f.check(f.SetGroup(ctx, "engineering", []cairn.AccountID{bob.ID}, nil))
	if d := cmp.Diff([]cairn.Account{bob}, members()); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	wantError(t, "unknown member", f.SetGroup(ctx, "engineering", []cairn.AccountID{ann.ID, "nobody"}, nil), cairn.ErrInvalid)
	if d := cmp.Diff([]cairn.Account{bob}, members()); d != "" {
		t.Errorf("members after a refused change (-want +got):\n%s", d)
	}
	f.check(f.SetGroup(ctx, "engineering", nil, nil))
	if got := members(); len(got) != 0 {
		t.Errorf("members of the empty group: %v", got)
	}

	f.check(f.DeleteGroup(ctx, "engineering"))
	for _, name := range []string{"engineering", "nul\x00"} {
		wantError(t, "set", f.SetGroup(ctx, name, nil, nil), cairn.ErrNotFound)
		wantError(t, "delete", f.DeleteGroup(ctx, name), cairn.ErrNotFound)
	}
}

func TestListGroups(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want := numbered("g", 5)
	for _, name := range want {
		f.check(f.CreateGroup(t.Context(), name))
	}
	var got []string
	for _, g := range allPages(t, 2, 3, func(p api.Page) ([]api.Group, string, error) { return f.ListGroups(t.Context(), "cairn", p) }) {
		got = append(got, g.Name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
}
