package gittest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Repository is a bare repository on disk that a test changes. It may be used by several
// goroutines at once.
type Repository struct {
	Dir string

	program string // git

	mu      sync.Mutex
	commits int
}

// NewRepository makes a repository whose branch main has one commit, without files.
func NewRepository(t testing.TB) *Repository {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git")
	}
	r := &Repository{Dir: filepath.Join(t.TempDir(), "handbook.git"), program: program}
	r.Git(t, "", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", r.Dir)
	r.Commit(t, nil)
	return r
}

// Git runs git in the repository and returns what it wrote, without white space around.
func (r *Repository) Git(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), r.program, args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	if args[0] != "init" {
		cmd.Env = append(cmd.Env, "GIT_DIR="+r.Dir)
	}
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// Import reads a stream of git-fast-import(1).
func (r *Repository) Import(t testing.TB, stream string) {
	t.Helper()
	r.Git(t, stream, "fast-import", "--quiet", "--force")
}

// Author is whose commits Commit makes.
const Author = "Ann Author"

// start is when the first commit is made; each later one comes a minute after.
var start = time.Date(2024, 1, 2, 3, 4, 0, 0, time.UTC)

// Commit is Write, and returns the id of the commit.
func (r *Repository) Commit(t testing.TB, files map[string]string) string {
	t.Helper()
	r.Write(t, files)
	return r.Git(t, "", "rev-parse", "refs/heads/main")
}

// Write writes files, and removes those whose text is empty, in one commit on main. A text
// that begins with "→" is a symbolic link, one with "@" a submodule at that commit.
func (r *Repository) Write(t testing.TB, files map[string]string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	at := start.Add(time.Duration(r.commits) * time.Minute).Unix()
	message := fmt.Sprintf("Commit %d", r.commits)
	fmt.Fprintf(&b, "commit refs/heads/main\nauthor %s <ann@example.com> %d +0000\ncommitter Carl <carl@example.com> %d +0000\ndata %d\n%s\n", Author, at, at, len(message), message)
	if r.commits > 0 {
		b.WriteString("from refs/heads/main^0\n")
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		text := files[path]
		switch target, link := strings.CutPrefix(text, "→"); {
		case text == "":
			fmt.Fprintf(&b, "D %s\n", quoted(path))
		case link:
			fmt.Fprintf(&b, "M 120000 inline %s\ndata %d\n%s\n", quoted(path), len(target), target)
		case strings.HasPrefix(text, "@"):
			fmt.Fprintf(&b, "M 160000 %s %s\n", text[1:], quoted(path))
		default:
			fmt.Fprintf(&b, "M 100644 inline %s\ndata %d\n%s\n", quoted(path), len(text), text)
		}
	}
	r.commits++
	r.Import(t, b.String())
}

// quoted writes a path as fast-import reads any.
func quoted(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}
