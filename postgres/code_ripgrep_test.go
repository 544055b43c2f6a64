package postgres

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/code"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// TestExpressionsFindWhatRipgrepFinds searches the sources of this program by random
// expressions, and has ripgrep search the same files: the same lines. CAIRN_TEST_EXPRESSIONS
// is how many expressions.
func TestExpressionsFindWhatRipgrepFinds(t *testing.T) {
	t.Parallel()
	rg, err := exec.LookPath("rg")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("ripgrep is missing: apt-get install ripgrep")
	}
	if err != nil {
		t.Skip("ripgrep is missing, with which searches are compared: apt-get install ripgrep")
	}
	r := newRepository(t)
	dir, names := r.sources(t)
	s := code.NewWithin(r.DB, time.Minute)
	random := rand.New(rand.NewPCG(11, 13))
	expressions := 30
	if n, err := strconv.Atoi(os.Getenv("CAIRN_TEST_EXPRESSIONS")); err == nil {
		expressions = n
	}
	for range expressions {
		expression := randomExpression(random, dir, names)
		for strings.TrimSpace(expression) == "" { // which is refused
			expression = randomExpression(random, dir, names)
		}
		found, err := s.Search(t.Context(), code.Query{Viewer: reader, Text: expression, Kind: code.Regex, Limit: 1_000_000})
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		if found.Incomplete || found.More {
			t.Fatalf("%s: not all was looked at", expression)
		}
		got := []string{}
		for _, p := range found.Results {
			for _, m := range p.Matches {
				got = append(got, fmt.Sprintf("%s:%d", p.Path, m.Line))
			}
		}
		cmd := exec.Command(rg, "-uuu", "--text", "--no-config", "--no-heading", "--line-number", "--no-messages", "--encoding", "none", "--with-filename", "-e", expression, ".")
		cmd.Dir = dir
		out, _ := cmd.Output() // 1: nothing
		want := []string{}
		for line := range strings.Lines(string(out)) {
			if parts := strings.SplitN(line, ":", 3); len(parts) == 3 {
				want = append(want, strings.TrimPrefix(parts[0], "./")+":"+parts[1])
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-ripgrep +cairn):\n%.2000s", expression, diff)
		}
	}
}

// sources stores the Go files of this program's search, and returns a folder with copies of
// them, and their names.
func (r *repository) sources(t *testing.T) (dir string, names []string) {
	t.Helper()
	dir = t.TempDir()
	var puts []ingest.Put
	r.check(filepath.WalkDir("../retrieval/extract", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".go" {
			return err
		}
		body, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name := strings.ReplaceAll(strings.TrimPrefix(p, "../"), "/", "_")
		names = append(names, name)
		puts = append(puts, r.file(name, string(body), cairn.Allow(cairn.Everyone)))
		return os.WriteFile(filepath.Join(dir, name), body, 0o600)
	}))
	for part := range slices.Chunk(puts, 100) {
		r.put(part...)
	}
	return dir, names
}

// randomExpression makes an expression of pieces of a random line, in the syntax that RE2
// and ripgrep share.
func randomExpression(random *rand.Rand, dir string, names []string) string {
	body, _ := os.ReadFile(filepath.Join(dir, names[random.IntN(len(names))]))
	lines := strings.Split(string(body), "\n")
	line := []rune(lines[random.IntN(len(lines))])
	var b strings.Builder
	if random.IntN(5) == 0 {
		b.WriteString("(?i)")
	}
	if random.IntN(6) == 0 {
		b.WriteString(`^\s*`)
	}
	from := 0
	if len(line) > 0 {
		from = random.IntN(len(line))
	}
	for i := from; i < len(line) && i < from+2+random.IntN(12); i++ {
		b.WriteString(piece(random, line[i]))
	}
	if random.IntN(6) == 0 {
		b.WriteString(`$`)
	}
	if random.IntN(5) == 0 {
		return b.String() + "|" + string([]rune("func return struct error")[random.IntN(8):][:5])
	}
	if b.Len() == 0 {
		return `^$`
	}
	return b.String()
}

// piece returns an expression that matches a letter.
func piece(random *rand.Rand, r rune) string {
	quoted := regexpQuote(r)
	switch random.IntN(12) {
	case 0:
		return "."
	case 1:
		return "[^@]"
	case 2:
		return quoted + "+"
	case 3:
		return quoted + "?.*?"
	case 4:
		return "(" + quoted + "|x)"
	case 5:
		return "(?:" + quoted + "){1,3}"
	case 6:
		if r >= 'a' && r <= 'z' {
			return "[a-z]"
		}
		return "[" + strings.ReplaceAll(quoted, "^", `\^`) + "0-9_]"
	}
	return quoted
}

func regexpQuote(r rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$-`, r) {
		return `\` + string(r)
	}
	return string(r)
}
