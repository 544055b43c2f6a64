package git_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git/gittest"
)

// The first sync takes the most requests; each may fail.
func TestFaultsOfTheFirstSync(t *testing.T) {
	for _, filters := range []bool{true, false} {
		for _, fault := range connectortest.Repeatable {
			t.Run(fmt.Sprintf("%s, filters %v", fault, filters), func(t *testing.T) {
				s := serve(t)
				s.Filters = filters
				s.Fill(t, 300, 600)
				for _, every := range []int{2, 3} {
					if fault == connectortest.Hang && (every == 2 || !filters) {
						continue // each takes a while
					}
					s.remote.Faults.Every(every, fault)
					changes, _ := read(t, s.afresh(t), "")
					if n := s.remote.Faults.Requests(); len(changes) != 300 || n > 20 {
						t.Errorf("every %d: %d documents in %d requests", every, len(changes), n)
					}
					if text, err := content(t, changes[gittest.PagePath(123)]); text == "" {
						t.Errorf("every %d: a document cannot be read: %v", every, err)
					}
				}
			})
		}
	}
}

// A host that always breaks off is given up, with what is wrong; the next run goes on.
func TestAHostThatBreaksOff(t *testing.T) {
	s := serve(t)
	s.Fill(t, 300, 300)
	s.remote.Faults.From(3, connectortest.Half) // after the branches are known
	err := failure(t, s.connect(t))
	var shown *connectors.Error
	if !errors.Is(err, connectors.ErrUnavailable) || !errors.As(err, &shown) {
		t.Errorf("it says %v", err)
	}
	if n := s.remote.Faults.Requests(); n > 15 {
		t.Errorf("it was asked %d times", n)
	}
	s.remote.Faults.Heal()
	if changes, _ := read(t, s.connect(t), ""); len(changes) != 300 {
		t.Errorf("afterwards there are %d documents", len(changes))
	}
}

// A branch that is not there, or a repository without commits, is no empty source:
// everything would be deleted.
func TestNothingThere(t *testing.T) {
	s := serve(t, "branch", "none")
	s.Put(t, "a", "A", "text")
	empty := serve(t)
	empty.Git(t, "", "update-ref", "-d", "refs/heads/main")
	for name, source := range map[string]*served{"no branch": s, "no commit": empty} {
		c := source.connect(t)
		if err := failure(t, c); !errors.Is(err, connectors.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		var listed error
		for _, err := range c.(connectors.Lister).Externals(t.Context()) {
			listed = err
		}
		if listed == nil {
			t.Errorf("%s: the list passes for complete", name)
		}
	}
}

// What was fetched once is packed now and then.
func TestManySyncs(t *testing.T) {
	s := serve(t)
	cursor := connectors.Cursor("")
	for i := range 24 {
		s.Commit(t, map[string]string{"a.md": fmt.Sprint("text ", i), fmt.Sprintf("b%d.md", i): "b"})
		var changes map[string]connectors.Change
		if changes, cursor = read(t, s.connect(t), cursor); len(changes) != 2 {
			t.Fatalf("sync %d tells %q", i, summary(t, changes))
		}
	}
	if n := packs(t, s.remote.Env.WorkDir); n > 21 {
		t.Errorf("there are %d packs", n)
	}
	if changes, _ := read(t, s.connect(t), ""); len(summary(t, changes)) != 25 {
		t.Errorf("in all, there are %d documents", len(changes))
	}
}
