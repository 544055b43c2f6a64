package hooks_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/keyring"
)

// What is asked of the database does not depend on whether there is a webhook: else how
// long it takes tells which sources have one.
func TestHookedSourceAsksOnce(t *testing.T) {
	w := newWorld(t)
	took := map[string][]time.Duration{}
	for range 100 {
		for name, want := range map[string]error{"code": nil, "nowhere": cairn.ErrNotFound, "silent": cairn.ErrNotFound} {
			before, begin := w.db.Worker().Stat().AcquireCount(), time.Now()
			if _, _, err := w.db.HookedSource(t.Context(), name); !errors.Is(err, want) {
				t.Fatalf("%s: %v", name, err)
			}
			took[name] = append(took[name], time.Since(begin))
			if n := w.db.Worker().Stat().AcquireCount() - before; n != 1 {
				t.Fatalf("the database is asked %d times for %s", n, name)
			}
		}
	}
	for name, all := range took {
		slices.Sort(all)
		t.Logf("%s: median %v", name, all[len(all)/2])
	}
}

// While the keys of secrets cannot be read, all names are answered as if there were none.
func TestKeysThatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.db.SetKeys(keyring.FromFile(filepath.Join(t.TempDir(), "gone")))
	known := w.send(0, "/hooks/code", strings.NewReader(edited), fromGitHub("d-1", edited))
	unknown := w.send(0, "/hooks/nowhere", strings.NewReader(edited), fromGitHub("d-1", edited))
	if d := cmp.Diff(unknown, known, cmp.AllowUnexported(reply{})); d != "" || known.status != 404 {
		t.Errorf("%d; a webhook that exists differs (-unknown +known):\n%s", known.status, d)
	}
	w.refusal("code", "no_secret", edited, fromGitHub("d-1", edited))
}
