package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors/git/gittest"
)

// addRepository adds a source that reads a repository with canaries in its files and commits,
// in a former version of a file and in one that is no document.
func (a *aviary) addRepository() {
	a.t.Helper()
	repo := gittest.NewRepository(a.t)
	w := func(field string) string { return a.words.word("git " + field) }
	path, bad, person := w("file name")+".md", w("name of a bad file")+".pdf", "Gil "+w("author")
	for i, files := range []map[string]string{
		{path: "# Guide\n\nThe wing of the heron " + w("old body") + " is wide.\n"},
		{path: "# Guide " + w("title") + "\n\nThe wing of the heron " + w("body") + " is long.\n", bad: "%PDF-1.7 " + w("body of a bad file")},
	} {
		message := "Change the heron " + w(fmt.Sprintf("message %d", i))
		var b strings.Builder
		fmt.Fprintf(&b, "commit refs/heads/main\nauthor %s <gil@example.com> %d +0000\ncommitter Carl <carl@example.com> %d +0000\n", person, 1700000000+i, 1700000000+i)
		fmt.Fprintf(&b, "data %d\n%s\nfrom refs/heads/main^0\n", len(message), message)
		for name, text := range files {
			fmt.Fprintf(&b, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
		}
		repo.Import(a.t, b.String())
	}
	a.call("POST", "/sources", map[string]any{
		"name": "code", "kind": "git", "settings": map[string]string{"url": repo.Dir, "commits": "all"}, "acl": "everyone",
	}, nil)
	a.waitForSync("code", "partial") // one file cannot be read
}

// inClones returns which canaries the copies of repositories hold: what is in them is
// compressed, so that their files are no use.
func (a *aviary) inClones() (clones int, found map[string]bool) {
	a.t.Helper()
	found = map[string]bool{}
	_ = filepath.WalkDir(a.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || !strings.HasPrefix(d.Name(), "clone-") {
			return nil //nolint:nilerr // files come and go
		}
		clones++
		cmd := exec.CommandContext(a.t.Context(), "git", "cat-file", "--batch", "--batch-all-objects", "--unordered")
		cmd.Env = append(os.Environ(), "GIT_DIR="+path, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		objects, err := cmd.CombinedOutput()
		if err != nil {
			a.t.Errorf("%s: %v: %s", path, err, objects)
		}
		for place, word := range a.words {
			if bytes.Contains(objects, []byte(word)) {
				found[place] = true
			}
		}
		return fs.SkipDir
	})
	return clones, found
}

// waitForClones waits until there is no copy of a repository any more.
func (a *aviary) waitForClones() {
	a.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		clones, found := a.inClones()
		if clones == 0 {
			return
		}
		if time.Now().After(deadline) {
			a.t.Errorf("there are %d copies of repositories, with %v", clones, found)
			return
		}
	}
}
