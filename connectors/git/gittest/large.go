package gittest

import (
	"fmt"
	"strings"
	"testing"
)

// Fill makes a repository of a number of files, in folders of a hundred, and gives it a
// history of a number of commits, which change one file each after the first.
func (r *Repository) Fill(t testing.TB, files, commits int) {
	t.Helper()
	var b strings.Builder
	at := start.Unix()
	commit := func(n int) {
		message := fmt.Sprintf("Change %d of the handbook", n)
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter Person %d <p@example.com> %d +0000\ndata %d\n%s\n", n%50, at+int64(n), len(message), message)
	}
	put := func(file, version int) {
		text := Page(file, version)
		fmt.Fprintf(&b, "M 100644 inline %s\ndata %d\n%s\n", PagePath(file), len(text), text)
	}
	commit(1)
	for i := range files {
		put(i, 0)
	}
	for n := 2; n <= commits; n++ {
		commit(n)
		put(n*7919%files, n)
	}
	r.Import(t, b.String())
}

// PagePath is the path of a file that Fill makes.
func PagePath(file int) string { return fmt.Sprintf("chapter%03d/page%05d.md", file/100, file) }

// Page is the text of a file that Fill makes, in a version.
func Page(file, version int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Page %d\n\nThis is version %d.\n", file, version)
	for i := range 10 {
		fmt.Fprintf(&b, "\n## Section %d\n\nWhat is said of %d in section %d has the number %d.\n", i, file, i, file*31+i)
	}
	return b.String()
}
