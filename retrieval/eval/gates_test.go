package eval

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
)

func TestLoadGates(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "gates.tsv", "# why\n\nset\tmode\tndcg@10\na\tlexical\t.5\nb hybrid 1\n")
	gates, err := LoadGates(filepath.Join(dir, "gates.tsv"))
	if diff := cmp.Diff([]Gate{{"a", cairn.ModeLexical, .5}, {"b", cairn.ModeHybrid, 1}}, gates); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"": "no gates", "set mode ndcg\n": "no gates", "h\na lexical\n": "line 2", "h\na magic .5\n": "magic", "h\na lexical 5\n": "0 to 1",
		"h\na lexical NaN\n": "0 to 1", "h\na lexical x\n": "0 to 1",
	} {
		write(t, dir, "gates.tsv", text)
		if _, err := LoadGates(filepath.Join(dir, "gates.tsv")); !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := LoadGates(dir + "/none"); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("no table: %v", err)
	}
}

func TestCheckGates(t *testing.T) {
	good, bad := func(int) int { return 1 }, func(int) int { return 3 } // nDCG@10 of 1 and .5
	slightly := func(i int) int {                                       // .99: not significant
		return 1 + 2*max(0, i-48)
	}
	for name, tt := range map[string]struct {
		lexical, dense, hybrid func(int) int
		want                   []string
	}{
		"all well":       {bad, bad, good, nil},
		"under a gate":   {bad, bad, bad, []string{"at least 0.9000"}},
		"below its leg":  {bad, good, bad, []string{"at least 0.9000", "significantly below dense", "0.5000 below dense"}},
		"slightly below": {good, bad, slightly, nil},
	} {
		runs := map[cairn.Mode]Run{}
		for mode, rank := range map[cairn.Mode]func(int) int{cairn.ModeLexical: tt.lexical, cairn.ModeDense: tt.dense, cairn.ModeHybrid: tt.hybrid} {
			runs[mode] = aRun(50, rank)
			r := runs[mode]
			r.Mode = mode
			runs[mode] = r
		}
		problems, err := Check("set", []Gate{{"set", cairn.ModeHybrid, .9}, {"other", cairn.ModeLexical, 1}}, runs)
		if err != nil || len(problems) != len(tt.want) {
			t.Errorf("%s: %q, %v", name, problems, err)
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(problems[i], want) {
				t.Errorf("%s: %q, want %q in it", name, problems[i], want)
			}
		}
	}
}
