package ingest_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// club is a shelf whose site has groups.
type club struct {
	shelf
	members []connectors.Member
	failed  error // the members end with this
}

func (c *club) Members(context.Context) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		for _, m := range c.members {
			if !yield(m, nil) {
				return
			}
		}
		if c.failed != nil {
			yield(connectors.Member{}, c.failed)
		}
	}
}

// A source that knows its groups brings them with its documents, which name them
// without knowing what the source is called here.
func TestSyncBringsGroups(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ann := cairn.Viewer{Keys: []cairn.PrincipalKey{"group:shelf:readers"}}
	stranger := cairn.Viewer{Keys: []cairn.PrincipalKey{"group:other:readers", "group::readers", "group:cairn:readers"}}
	c := &club{
		shelf:   shelf{files: map[string]string{"a.md": "The herons nest."}, acls: map[string]cairn.ACL{"a.md": cairn.Allow(connectors.SiteGroup("readers"))}},
		members: []connectors.Member{{Group: "readers", Email: "ann@acme.test"}},
	}
	groups := func() int {
		t.Helper()
		var n int
		check(t, b.db.Worker().QueryRow(t.Context(), `
			SELECT count(*) FROM groups g JOIN group_members m ON m.group_id = g.id
			WHERE g.directory = 'shelf' AND g.name = 'readers' AND m.email = 'ann@acme.test'`).Scan(&n))
		return n
	}
	run, err := b.sync(c, cairn.SyncOptions{DryRun: true})
	check(t, err)
	if groups() != 0 || run.Added != 1 {
		t.Errorf("a dry run: %+v, %d members", run, groups())
	}
	_, err = b.sync(c, cairn.SyncOptions{})
	check(t, err)
	if groups() != 1 || len(b.finds(ann, "herons")) != 1 || len(b.finds(stranger, "herons")) != 0 {
		t.Errorf("%d members; ann finds %v, others %v", groups(), b.finds(ann, "herons"), b.finds(stranger, "herons"))
	}
	// The groups cannot be read: what was known stays, and the documents are read.
	c.members, c.failed = nil, errors.New("the site's directory is away")
	c.files["b.md"] = "The flamingos nest."
	c.acls["b.md"] = cairn.Allow(connectors.SiteGroup("readers"))
	run, err = b.sync(c, cairn.SyncOptions{})
	if !errors.Is(err, cairn.ErrUnavailable) {
		t.Errorf("the run ends with %v", err)
	}
	if groups() != 1 || len(b.finds(ann, "flamingos")) != 1 {
		t.Errorf("after a failure: %d members, %v", groups(), b.finds(ann, "flamingos"))
	}
}

// A source of before that has the name of a directory: nothing of it is read, because what its
// site calls a group would be a group of that directory.
func TestSourcesWithTheNameOfADirectoryAreNotRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, directory := range []string{cairn.OwnDirectory, cairn.SCIMDirectory, cairn.OIDCDirectory} {
		_, err := b.db.Worker().Exec(t.Context(), `UPDATE sources SET name = $1`, directory)
		check(t, err)
		b.source.Name = directory
		engineer := cairn.Viewer{Keys: []cairn.PrincipalKey{cairn.GroupKey(directory, "engineers")}}
		w := newWall(map[string]string{"a.md": "The herons nest."})
		w.acls["a.md"] = cairn.Allow(connectors.SiteGroup("engineers"))
		w.members = []connectors.Member{{Group: "engineers", Email: "ann@acme.test"}}
		_, err = b.sync(w, cairn.SyncOptions{})
		if !errors.Is(err, cairn.ErrInvalid) || len(b.finds(engineer, "herons")) != 0 || len(b.externals()) != 0 {
			t.Errorf("%s: the sync ends with %v; an engineer finds %v", directory, err, b.finds(engineer, "herons"))
		}
		_, err = b.db.Worker().Exec(t.Context(), `UPDATE sources SET name = 'shelf'`)
		check(t, err)
		b.source.Name = "shelf"
		b.mustSync(&w.shelf)
		_, err = b.db.Worker().Exec(t.Context(), `UPDATE sources SET name = $1`, directory)
		check(t, err)
		b.source.Name = directory
		_, _, err = b.permit(w, cairn.SyncOptions{})
		if !errors.Is(err, cairn.ErrInvalid) || len(b.finds(engineer, "herons")) != 0 {
			t.Errorf("%s: the run of permissions ends with %v; an engineer finds %v", directory, err, b.finds(engineer, "herons"))
		}
		delete(w.files, "a.md")
		b.source.Name = "shelf"
		b.mustSync(&w.shelf)
	}
}
