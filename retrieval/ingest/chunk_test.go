package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
)

// marked makes a document of a Markdown-like text: lines of # begin sections.
func marked(kind cairn.Kind, text string) *cairn.Document {
	d := &cairn.Document{Kind: kind, Body: []byte(text), Sections: []cairn.Section{{}}}
	var path []string
	at := 0
	for line := range strings.Lines(text) {
		if title := strings.TrimLeft(line, "#"); len(title) < len(line) {
			depth := len(line) - len(title) - 1
			path = append(slices.Clone(path[:min(depth, len(path))]), strings.TrimSpace(title))
			d.Sections[len(d.Sections)-1].End = at
			d.Sections = append(d.Sections, cairn.Section{Heading: path, Start: at})
		}
		at += len(line)
	}
	d.Sections[len(d.Sections)-1].End = at
	return d
}

// cut is a piece as a test wants to see it.
type cut struct {
	Heading string
	Text    string
}

func cuts(d *cairn.Document) []cut {
	var out []cut
	for _, p := range Cut(d) {
		out = append(out, cut{strings.Join(p.Heading, " > "), string(d.Body[p.Start:p.End])})
	}
	return out
}

func TestCutSections(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("All about it. ", 40))
	tests := []struct {
		name, text string
		want       []cut
	}{
		{"empty", "", nil},
		{"white space", " \n\t\n ", nil},
		{"one short text", "\n\nHello.\n\n", []cut{{"", "Hello."}}},
		{"a section, a piece", "# A\n" + long + "\n# B\n" + long + "\n", []cut{{"A", "# A\n" + long}, {"B", "# B\n" + long}}},
		{"tiny siblings share", "# A\n## x\none\n## y\ntwo\n## z\nthree\n# B\n" + long, []cut{
			{"A", "# A\n## x\none\n## y\ntwo\n## z\nthree"}, {"B", "# B\n" + long}}},
		{"tiny cousins do not", "# A\n" + long + "\n## x\none\n# B\n" + long + "\n## y\ntwo", []cut{
			{"A", "# A\n" + long}, {"A > x", "## x\none"}, {"B", "# B\n" + long}, {"B > y", "## y\ntwo"}}},
		{"nor a tiny uncle", "# A\n" + long + "\n## x\none\n# B\ntwo", []cut{{"A", "# A\n" + long}, {"A > x", "## x\none"}, {"B", "# B\ntwo"}}},
		{"bare headings join what follows", "# A\n\n## B\n\n## C\n" + long, []cut{{"A > B", "# A\n\n## B"}, {"A > C", "## C\n" + long}}},
		{"nested bare headings", "# A\n\n## B\n\n" + long, []cut{{"A > B", "# A\n\n## B\n\n" + long}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, cuts(marked(cairn.KindPage, tt.text))); diff != "" {
				t.Errorf("pieces (-want +got):\n%s", diff)
			}
		})
	}
}

// Wherever a long text is cut, it is at one of the places that its kind allows.
func TestCutPlaces(t *testing.T) {
	sentence := "The committee approves travel of more than three days in writing. "
	row := "| cell one of the row | cell two of the row | cell three |\n"
	item := "- an item. It has two sentences, of which the second is long.\n  And it goes on.\n"
	function := "func f() {\n\tone()\n\n\ttwo()\n}\n\n"
	tests := []struct {
		name   string
		kind   cairn.Kind
		text   string
		before string // what a later piece begins with
	}{
		{"paragraphs", cairn.KindPage, strings.Repeat("Para. "+strings.Repeat(sentence, 4)+"\n\n", 20), "Para. "},
		{"sentences", cairn.KindPage, strings.Repeat(sentence, 60), "The committee"},
		{"Japanese sentences", cairn.KindText, strings.Repeat("出張費は三十日以内に申請してください。", 150), "出張費は"},
		{"table rows", cairn.KindPage, strings.Repeat(row, 80), "| cell one"},
		{"list items", cairn.KindPage, strings.Repeat(item, 60), "- an item"},
		{"fenced code", cairn.KindPage, "```\n" + strings.Repeat("line of code;\n\n", 200) + "```\n", "line of code"},
		{"rows of a sheet", cairn.KindSpreadsheet, strings.Repeat("a,b. C,d e f g h\n", 200), "a,b. C"},
		{"code", cairn.KindCode, strings.Repeat(function, 100), "func f()"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pieces := cuts(marked(tt.kind, tt.text))
			if len(pieces) < 2 {
				t.Fatalf("%d pieces of %d bytes", len(pieces), len(tt.text))
			}
			for i, p := range pieces {
				if i > 0 && !strings.HasPrefix(p.Text, tt.before) && p.Text != "```" {
					t.Errorf("piece %d begins %.30q, want %q", i, p.Text, tt.before)
				}
				if len(p.Text) > goalSize+tinySize || len(p.Text) < goalSize/3 {
					t.Errorf("piece %d has %d bytes", i, len(p.Text))
				}
			}
		})
	}
}

func TestCutLongLines(t *testing.T) {
	tests := []struct {
		name string
		kind cairn.Kind
		text string
		want []int // bytes of the pieces
	}{
		{"a row as long as allowed", cairn.KindSpreadsheet, strings.Repeat("x", maxRow), []int{maxRow}},
		{"a longer row", cairn.KindSpreadsheet, strings.Repeat("x", maxRow+500), []int{maxRow, 500}},
		{"two-byte runes", cairn.KindSpreadsheet, "x" + strings.Repeat("é", maxRow/2), []int{maxRow - 1, 2}},
		{"a word", cairn.KindPage, strings.Repeat("x", 2*maxRow), []int{maxRow, maxRow}},
		{"a Japanese sentence that is cut, the last", cairn.KindPage, strings.Repeat("語", 1000) + "。", []int{3003}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			for _, p := range cuts(marked(tt.kind, tt.text)) {
				got = append(got, len(p.Text))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("bytes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCutKeepsIndentation(t *testing.T) {
	d := marked(cairn.KindCode, "\n\n    return x\n\n")
	if diff := cmp.Diff([]cut{{"", "    return x"}}, cuts(d)); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
}

// checkPieces returns what is wrong with the pieces of a document, or "".
func checkPieces(d *cairn.Document, pieces []Piece) string {
	at := 0
	for i, p := range pieces {
		if p.Start < at || p.End <= p.Start || p.End > len(d.Body) {
			return fmt.Sprintf("piece %d is [%d, %d) after %d", i, p.Start, p.End, at)
		}
		if gap := d.Body[at:p.Start]; len(bytes.TrimSpace(gap)) > 0 {
			return fmt.Sprintf("%q before piece %d is lost", gap, i)
		}
		text := d.Body[p.Start:p.End]
		if utf8.Valid(d.Body) && !utf8.Valid(text) {
			return fmt.Sprintf("piece %d splits a rune", i)
		}
		if last, _ := utf8.DecodeLastRune(text); len(bytes.TrimSpace(text)) == 0 || unicode.IsSpace(last) {
			return fmt.Sprintf("piece %d is not trimmed: %q", i, text)
		}
		if len(text) > maxRow || len(text) > maxSize && bytes.Contains(text, []byte("\n")) {
			return fmt.Sprintf("piece %d has %d bytes", i, len(text))
		}
		at = p.End
	}
	if rest := bytes.TrimSpace(d.Body[at:]); len(rest) > 0 {
		return fmt.Sprintf("%q at the end is lost", rest)
	}
	return ""
}

var kinds = []cairn.Kind{cairn.KindPage, cairn.KindText, cairn.KindCode, cairn.KindSpreadsheet, cairn.KindData, cairn.KindMail, "ticket"}

// documents draws bodies of every structure with sections that need not fit them.
func documents(t *rapid.T) *cairn.Document {
	fragment := rapid.OneOf(
		rapid.SampledFrom([]string{"\n\n", "\n", " ", "\t", "```\n", "| a | b |\n", "- item\n", "12. item\n", "Wort. ", "語。", "é", "\u00a0", "# x\n"}),
		rapid.Custom(func(t *rapid.T) string {
			unit := rapid.SampledFrom([]string{"x", "word ", "A sentence. ", "é", "日本", "row,row\n", "| r |\n", "- i\n", "\n", " "}).Draw(t, "unit")
			return strings.Repeat(unit, rapid.IntRange(1, 1500).Draw(t, "times"))
		}),
		rapid.String(),
	)
	d := &cairn.Document{
		Kind: rapid.SampledFrom(kinds).Draw(t, "kind"),
		Body: []byte(strings.Join(rapid.SliceOfN(fragment, 0, 12).Draw(t, "fragments"), "")),
	}
	for range rapid.IntRange(0, 5).Draw(t, "sections") {
		d.Sections = append(d.Sections, cairn.Section{
			Heading: rapid.SliceOfN(rapid.SampledFrom([]string{"A", "B", "x"}), 0, 3).Draw(t, "heading"),
			Start:   rapid.IntRange(0, len(d.Body)+3).Draw(t, "start"),
			End:     rapid.IntRange(0, len(d.Body)+3).Draw(t, "end"),
		})
	}
	return d
}

func TestCutProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documents(t)
		pieces := Cut(d)
		if wrong := checkPieces(d, pieces); wrong != "" {
			t.Fatal(wrong)
		}
		if diff := cmp.Diff(pieces, Cut(d)); diff != "" {
			t.Fatalf("cut twice (-first +second):\n%s", diff)
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add("# A\n\nText. More.\n\n- item\n- item\n\n| a | b |\n", 0, 4, 10)
	f.Add("func a() {\n\n}\n\nfunc b() {}\n", 2, 12, 13)
	f.Fuzz(func(t *testing.T, body string, kind, from, to int) {
		d := &cairn.Document{
			Kind: kinds[uint(kind)%uint(len(kinds))], Body: []byte(body),
			Sections: []cairn.Section{{Heading: []string{"A"}, Start: from, End: to}, {Heading: []string{"A", "B"}, Start: to, End: len(body)}},
		}
		if wrong := checkPieces(d, Cut(d)); wrong != "" {
			t.Error(wrong)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	text := strings.Repeat("# Section\n\n"+strings.Repeat("The committee approves travel in writing. It does so within days.\n", 60)+"\n", 100)
	d := marked(cairn.KindPage, text)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Cut(d)
	}
}
