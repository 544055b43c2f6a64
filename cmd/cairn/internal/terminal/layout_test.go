package terminal

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestScreenOfAPipe(t *testing.T) {
	var b bytes.Buffer
	s := NewScreen(&b)
	if s.Terminal || s.Width != 0 || s.Bold("x") != "x" || s.Dim("x") != "x" {
		t.Errorf("%+v", s)
	}
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if NewScreen(f).Terminal || IsTerminal(f) || IsTerminal(&b) {
		t.Error("a file is taken for a terminal")
	}
	coloured := &Screen{Writer: &b, Colour: true}
	if got := coloured.Bold("x") + coloured.Dim("y") + coloured.Bold(""); got != "\x1b[1mx\x1b[0m\x1b[2my\x1b[0m" {
		t.Errorf("%q", got)
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text    string
		columns int
		want    string
	}{
		{"one two three four", 12, "  one two\n  three four"},
		{"one two three four", 0, "  one two three four"},
		{"a incomprehensibilities b", 10, "  a\n  incomprehensibilities\n  b"},
		{"日本 語の 文章", 9, "  日本\n  語の\n  文章"}, // two columns each
		{"", 10, ""},
	} {
		if got := Wrap(tt.text, tt.columns, "  "); got != tt.want {
			t.Errorf("Wrap(%q, %d):\n%s\nwant\n%s", tt.text, tt.columns, got, tt.want)
		}
	}
}

// flow writes pieces and returns what stands on the screen.
func flow(width int, pieces ...string) string {
	var b bytes.Buffer
	f := NewFlow(&Screen{Writer: &b, Width: width}, "")
	for _, p := range pieces {
		f.Write(p)
	}
	return b.String()
}

func TestFlow(t *testing.T) {
	for _, tt := range []struct {
		name   string
		pieces []string
		want   string
	}{
		{"over pieces", []string{"One sentence here.", " Another one", "."}, "One sentence here.\nAnother one."},
		{"lines stay", []string{"- a\n- b\n\n  c"}, "- a\n- b\n\n  c"},
		{"a row of a table is not broken", []string{"| a long row | of a table |\n"}, "| a long row | of a table |\n"},
		{"code is not broken", []string{"```\nx = a + b + c + d + e\n```\nwords that are to be broken"}, "```\nx = a + b + c + d + e\n```\nwords that are to be\nbroken"},
		{"a mark stays with its word", []string{"nineteen columns ok", "[1]", " next"}, "nineteen columns ok[1]\nnext"},
		{"styles take no room", []string{"nineteen \x1b[1mcolumns\x1b[0m ok"}, "nineteen \x1b[1mcolumns\x1b[0m ok"},
	} {
		if diff := cmp.Diff(tt.want, flow(20, tt.pieces...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Where text is cut into pieces makes no difference, nothing but white space is
// changed, and lines are no wider than the screen if their words allow it.
func TestFlowProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", "word", "größer", " ", "  ", "\n", "日本"})).Draw(t, "text"), "")
		cut := 0
		if text != "" {
			cut = strings.LastIndexAny(text[:rapid.IntRange(0, len(text)).Draw(t, "cut")], " \n") + 1
		}
		got := flow(12, text)
		if pieces := flow(12, text[:cut], text[cut:]); pieces != got {
			t.Fatalf("%q in pieces: %q, whole: %q", text, pieces, got)
		}
		if diff := cmp.Diff(strings.Fields(text), strings.Fields(got)); diff != "" {
			t.Fatal(diff)
		}
		for line := range strings.Lines(got) {
			if line = strings.TrimRight(line, "\n"); width(line) > 12 && strings.ContainsAny(strings.TrimLeft(line, " "), " ") {
				t.Fatalf("%q is wider than the screen", line)
			}
		}
	})
}

func TestExcerpt(t *testing.T) {
	s := &Screen{Colour: true}
	filler := strings.Repeat("lorem ipsum ", 30)
	got := s.Excerpt("## Hotels\n"+filler+"the [limit](a.md) in **Oslo** is €180. "+filler, Words("limits in Oslo"), 60)
	if !strings.HasPrefix(got, "… ") || !strings.HasSuffix(got, " …") || !strings.Contains(got, "\x1b[1mlimit\x1b[0m in \x1b[1m**Oslo**\x1b[0m is €180. lorem") {
		t.Errorf("%q", got)
	}
	table := "| City | Limit |\n| --- | :-: |\n| Oslo | €180 |\n"
	if got := (&Screen{}).Excerpt(table, nil, 100); got != "City | Limit; Oslo | €180;" {
		t.Errorf("%q", got)
	}
	if got := (&Screen{}).Excerpt("\x1b[2Jx", nil, 10); got != "␛[2Jx" {
		t.Errorf("%q", got)
	}
	if got := (&Screen{}).Excerpt("", []string{"x"}, 10); got != "" {
		t.Errorf("%q", got)
	}
}

func TestWords(t *testing.T) {
	if diff := cmp.Diff([]string{"what", "the", "größe", "180", "7"}, Words("What is the Größe of €180, 7?")); diff != "" {
		t.Error(diff)
	}
	for word, want := range map[string]bool{"limit": true, "Limit,": true, "limits": true, "limited": true, "lime": false, "18": false, "180": true, "1800": false} {
		if got := matches(word, Words("limits 180")); got != want {
			t.Errorf("%s: %v", word, got)
		}
	}
}

// A long line is shown as quickly as a short one: what is shown is not looked for sign by
// sign.
func TestEditorOfALongLine(t *testing.T) {
	var e Editor
	e.Insert(strings.Repeat("word ", 1600))
	shown, cursor := e.View(20)
	if want := strings.Repeat("word ", 4); shown != want[1:] || cursor != 19 {
		t.Errorf("%q, cursor at %d", shown, cursor)
	}
	if n := testing.AllocsPerRun(1, func() { e.View(20) }); n > 100 {
		t.Errorf("%g allocations", n)
	}
}

// TestItem breaks the text of a list's item below itself.
func TestItem(t *testing.T) {
	for columns, want := range map[int]string{
		0: "[1] one two three", 12: "[1] one two\n    three", 40: "[1] one two three",
	} {
		if got := Item("[1] ", "one two three", columns); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
}
