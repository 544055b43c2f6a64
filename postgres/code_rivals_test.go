package postgres

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/cairnhq/cairn/retrieval/code"
)

// rival is another program that searches the same files. It prints all lines that match,
// and starts anew for each search.
type rival struct {
	name    string
	command func(q code.Query) *exec.Cmd
}

// rivals returns the programs that there are, over copies of the texts.
func rivals(b *testing.B, texts map[string]string) []rival {
	b.Helper()
	dir := b.TempDir()
	files := filepath.Join(dir, "files")
	for at, text := range texts {
		p := filepath.Join(files, at)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte(text), 0o600)); err != nil {
			b.Fatal(err)
		}
	}
	var found []rival
	if rg, err := exec.LookPath("rg"); err == nil {
		found = append(found, rival{"ripgrep", func(q code.Query) *exec.Cmd {
			return exec.Command(rg, "-uuu", "--text", "--no-config", "--line-number", "-e", expressionOf(q), files)
		}})
	}
	indexer, err := exec.LookPath("zoekt-index")
	zoekt, errSearch := exec.LookPath("zoekt")
	if errors.Join(err, errSearch) != nil {
		return found
	}
	index := filepath.Join(dir, "zoekt")
	began := time.Now()
	if out, err := exec.Command(indexer, "-disable_ctags", "-index", index, files).CombinedOutput(); err != nil {
		b.Fatalf("zoekt-index: %v\n%.2000s", err, out)
	}
	b.ReportMetric(time.Since(began).Seconds(), "zoekt-index-s")
	return append(found, rival{"zoekt", func(q code.Query) *exec.Cmd {
		return exec.Command(zoekt, "-index_dir", index, `case:yes content:"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(expressionOf(q))+`"`)
	}})
}

// expressionOf returns what a query looks for, as an expression that all understand.
func expressionOf(q code.Query) string {
	switch text := regexp.QuoteMeta(q.Text); q.Kind {
	case code.Regex:
		return q.Text
	case code.Symbol, code.Reference:
		return `\b` + text + `\b`
	default:
		if !strings.ContainsFunc(q.Text, unicode.IsUpper) {
			return "(?i)" + text
		}
		return text
	}
}

// mostOfRivals is how many queries of a kind rivals get.
const mostOfRivals = 10

// times returns the best of three times of the first queries.
func (r rival) times(b *testing.B, queries []code.Query) []time.Duration {
	b.Helper()
	queries = queries[:min(len(queries), mostOfRivals)]
	all := make([]time.Duration, len(queries))
	for i, q := range queries {
		all[i] = bestOfThree(func() {
			err := r.command(q).Run()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 { // nothing found
				return
			}
			if err != nil {
				b.Fatalf("%s %q: %v", r.name, expressionOf(q), err)
			}
		})
	}
	return all
}
