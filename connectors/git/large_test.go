package git_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git/gittest"
)

// TestOneChangedFileOfTenThousand: after the first sync of a repository of 10,000 files
// and 20,000 commits, a sync reads the one file that has changed. The time is that of
// BenchmarkSecondSync.
func TestOneChangedFileOfTenThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	const files, commits = 10_000, 20_000
	s := serve(t)
	s.remote.Env.Timeout = time.Minute // the host may be slow here
	s.Fill(t, files, commits)
	begin := time.Now()
	changes, cursor := read(t, s.connect(t), "")
	if len(changes) != files {
		t.Fatalf("there are %d files, not %d", len(changes), files)
	}
	t.Logf("first sync, without reading contents: %v; the copy has %d kB", time.Since(begin), sizeOf(t, s.remote.Env.WorkDir)>>10)
	for _, n := range []int{0, 17, 9_999} {
		path := gittest.PagePath(n)
		text, err := content(t, changes[path])
		if err != nil || !strings.Contains(text, "# Page ") || changes[path].Metadata.Author == "" {
			t.Errorf("%s is %.40q by %q, %v", path, text, changes[path].Metadata.Author, err)
		}
	}
	for range 3 {
		s.Commit(t, map[string]string{gittest.PagePath(4711): gittest.Page(4711, len(cursor)+int(time.Now().UnixNano()))})
		s.remote.Faults.Heal()
		begin, used, c := time.Now(), processor(), s.connect(t)
		if listed := connectortest.List(t, c); len(listed) != files {
			t.Errorf("%d files are listed", len(listed))
		}
		read, next := map[string]bool{}, cursor
		for change, err := range c.Changes(t.Context(), cursor) {
			if err != nil {
				t.Fatal(err)
			}
			next = change.Cursor
			if change.Op != connectors.Checkpoint {
				_, err := content(t, change)
				read[change.External] = err == nil
			}
		}
		if cursor = next; len(read) != 1 || !read[gittest.PagePath(4711)] {
			t.Errorf("%d files are read", len(read))
		}
		if n := s.remote.Faults.Requests(); n > 5 {
			t.Errorf("%d requests are sent", n)
		}
		t.Logf("with one changed file: %v (%v of processors, those of the host included), %d requests", time.Since(begin), processor()-used, s.remote.Faults.Requests())
	}
}

// processor is how long this process and those that it ran have used a processor.
func processor() (used time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err == nil {
			used += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return used
}
