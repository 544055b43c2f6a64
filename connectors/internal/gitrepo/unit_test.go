package gitrepo

import (
	"bufio"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn/connectors"
)

// A position is compared with a map of what each path was told as of.
func TestPositions(t *testing.T) {
	paths := []string{"a", "a/b", "b", "c", "\xff", "ü"}
	rapid.Check(t, func(r *rapid.T) {
		p := ParsePosition("", "s")
		want := map[string]string{}
		for i := range rapid.IntRange(0, 12).Draw(r, "runs") {
			commit := string(rune('A' + i))
			upto := rapid.SampledFrom(append(paths, "everything")).Draw(r, "up to")
			for _, path := range paths {
				if path <= upto || upto == "everything" {
					want[path] = commit
				}
			}
			if upto == "everything" {
				p = p.Everything(commit)
			} else {
				p = p.Told(upto, commit)
			}
			p = ParsePosition(p.Cursor(), "s")
			for _, path := range paths {
				if got := p.commit(path); got != want[path] {
					r.Fatalf("%q was told as of %q, not %q: %s", path, want[path], got, p.Cursor())
				}
			}
		}
	})
	if p := ParsePosition(ParsePosition("", "s").Everything("A").Cursor(), "other"); p.commit("a") != "" {
		t.Error("the position of other settings is taken for ours")
	}
}

func TestPositionsStayShort(t *testing.T) {
	p := ParsePosition("", "s").Everything("A")
	for i := 99; i >= 0; i-- {
		p = p.Told(strings.Repeat("x", i+1), "B")
	}
	if len(p.Files) > mostSpans || p.commit("x") != "B" || p.commit("y") != "" && p.commit("y") != "A" {
		t.Errorf("the position has %d spans", len(p.Files))
	}
}

func TestReadLog(t *testing.T) {
	const zeros = "0000"
	log := "\x01c2\x0220\x0221\x02Ann\x02Merge\n\x03\x00\x00::100644 100644 100644 a b d MM\x00both.md\x00" +
		"\x01c1\x0210\x0211\x02B\xffb\x02One\n\n\x01two\x03\x03\x00\n:000000 100644 " + zeros + " a A\x00\x01x\n.md\x00:100644 000000 b " + zeros + " D\x00gone\x00" +
		"\x01c0\x02x\x0299999999999\x02\x02\x03\x00"
	var got []Entry
	enough, err := readLog(bufio.NewReader(strings.NewReader(log)), func(e Entry) bool { got = append(got, e); return false })
	if err != nil || enough || len(got) != 3 {
		t.Fatalf("%d commits, %v, %v", len(got), enough, err)
	}
	if d := cmp.Diff([][]Logged{{{"both.md", "d"}}, {{"\x01x\n.md", "a"}, {"gone", zeros}}, nil}, [][]Logged{got[0].Paths, got[1].Paths, got[2].Paths}); d != "" {
		t.Error(d)
	}
	if got[1].Author != "B\uFFFDb" || got[1].Message != "One\n\n\x01two\x03" || got[1].At.Unix() != 11 || !got[2].At.IsZero() || !got[2].Written.IsZero() {
		t.Errorf("got %+v", got)
	}
}

func FuzzReadLog(f *testing.F) {
	f.Add("\x01c\x021\x022\x02a\x02m\x03\x00:1 2 a b M\x00p\x00")
	f.Fuzz(func(_ *testing.T, log string) {
		n := 0
		_, _ = readLog(bufio.NewReader(strings.NewReader(log)), func(Entry) bool { n++; return n > 100 })
	})
}

func FuzzReadRequest(f *testing.F) {
	f.Add("0033git-upload-pack /key\x00host=127.0.0.1:1\x00\x00version=2\x00")
	f.Fuzz(func(_ *testing.T, text string) { _, _, _ = readRequest(bufio.NewReader(strings.NewReader(text))) })
}

func FuzzParsePosition(f *testing.F) {
	f.Add(string(ParsePosition("", "").Told("a", "b").Cursor()))
	f.Fuzz(func(_ *testing.T, cursor string) {
		ParsePosition(connectors.Cursor(cursor), "").Told("x", "y").commit("z")
	})
}
