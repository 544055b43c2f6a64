package files_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors"
)

// asNobody makes the file system treat the current goroutine as an ordinary
// user: root may read everything, and tests may run as root. The thread ends
// with the goroutine, so that nothing has to be undone.
func asNobody(t *testing.T, test func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		test()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
			t.Errorf("setfsuid: %v", errno)
			return
		}
		test()
	}()
	<-done
}

// readableTemp returns a folder that other users can reach.
func readableTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "files-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestUnreadable(t *testing.T) {
	dir := readableTemp(t)
	write(t, dir, map[string]string{
		"a.md": "a", "closed.md": "secret", "locked/b.md": "b", "z.md": "z", "sub/.cairnignore": "x", "sub/c.md": "c",
	})
	for name, mode := range map[string]os.FileMode{"closed.md": 0, "locked": 0, "sub/.cairnignore": 0} {
		p := filepath.Join(dir, name)
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(p, 0o755) })
	}
	asNobody(t, func() {
		c := open(t, connectors.Environment{}, map[string]string{"path": dir})
		changes := found(t, c)
		want := []string{"a.md", "closed.md", "locked/ unreadable", "sub/.cairnignore unreadable", "z.md"}
		if diff := cmp.Diff(want, summary(changes)); diff != "" {
			t.Errorf("other files (-want +got):\n%s", diff)
		}
		if text, err := read(t, changes["closed.md"]); err == nil || code(err) != "unreadable" || !strings.Contains(err.Error(), "permission") {
			t.Errorf("read %q, %v", text, err)
		}
		var listed []string
		var failed error
		for external, err := range c.(connectors.Lister).Externals(t.Context()) {
			listed, failed = append(listed, external), err
		}
		if diff := cmp.Diff([]string{"a.md", "closed.md", "z.md", ""}, listed); diff != "" || code(failed) != "incomplete" {
			t.Errorf("the list ends with %v, other files (-want +got):\n%s", failed, diff)
		}
	})
}

// One folder that cannot be read keeps no rule from the others, and its name is in no
// error: those get into places that nobody erases.
func TestUnreadableFolderKeepsNoRuleBack(t *testing.T) {
	dir := readableTemp(t)
	write(t, dir, map[string]string{"a.md": "a", "dismissals/b.md": "b", "hr/c.md": "c", "lost/.cairnignore/": "", "lost/d.md": "d"})
	locked := filepath.Join(dir, "dismissals")
	if err := os.Chmod(locked, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(locked, 0o755) })
	asNobody(t, func() {
		c := open(t, connectors.Environment{}, map[string]string{"path": dir, "acl_rules": "hr/**=group:cairn:hr"})
		told := map[string]bool{}
		var failed error
		for p, err := range c.(connectors.Permissions).Permissions(t.Context()) {
			if failed = err; err == nil {
				told[p.External] = p.ACL != nil
			}
		}
		if diff := cmp.Diff(map[string]bool{"a.md": false, "hr/c.md": true}, told); diff != "" {
			t.Errorf("own permissions (-want +got):\n%s", diff)
		}
		if code(failed) != "incomplete" || !strings.Contains(failed.Error(), "2 places") || strings.Contains(failed.Error(), "dismissals") || strings.Contains(failed.Error(), "lost") {
			t.Errorf("the list ends with %v", failed)
		}
	})
}

func TestUnreadableRoot(t *testing.T) {
	dir := readableTemp(t)
	write(t, dir, map[string]string{"docs/a.md": "a"})
	c := open(t, connectors.Environment{}, map[string]string{"path": filepath.Join(dir, "docs")})
	if err := os.Chmod(filepath.Join(dir, "docs"), 0); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		n := 0
		for _, err := range c.Changes(t.Context(), "") {
			if n++; err == nil || !strings.Contains(err.Error(), "permission") {
				t.Errorf("got %v", err)
			}
		}
		if n != 1 {
			t.Errorf("%d results", n)
		}
	})
}
