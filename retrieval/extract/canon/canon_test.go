package canon

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
)

// runes draws text with many of the characters that matter here.
var runes = rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune(
	"ab \t\n\r\v\f\x00\x7f\u0085\u00a0\u00ad\u0301\u0308\u200b\u200c\u200d\u200e\u202e\u2028\u2066\ufe0f\ufe00\ufeff\U000e0041\U000e0101क्षبی👩🌾가\u1100\u1161\u3000\u034f"))))

func TestNormaliseProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := append([]byte(runes.Draw(t, "text")), rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "bytes")...)
		out := Normalise(append([]byte(nil), in...))
		if !utf8.Valid(out) || !norm.NFC.IsNormal(out) {
			t.Fatalf("%q is not UTF-8 in form C", out)
		}
		for _, r := range string(out) {
			if hidden(r) && r != '\n' && r != '\t' && r != zwj && r != zwnj {
				t.Fatalf("%U is left in %q", r, out)
			}
		}
		if again := Normalise(append([]byte(nil), out...)); !bytes.Equal(again, out) {
			t.Fatalf("not stable: %q, then %q", out, again)
		}
	})
}

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\rc\u2028d":                    "a\nb\nc\nd",
		"e\u0301":                             "é",
		"15\u00a0%\u3000x":                    "15 % x",
		"a\u200db\u200cc":                     "abc",
		"क्\u200dष":                           "क्\u200dष",
		"می\u200cخواهم":                       "می\u200cخواهم",
		"👩\u200d🌾":                            "👩\u200d🌾",
		"❤\ufe0f\ufe0f\ufe0f":                 "❤\ufe0f",
		"ho\ufe0ftel 1\ufe0f\u20e3":           "hotel 1\ufe0f\u20e3",
		"pass\u00adword\u202eevil\u2066":      "passwordevil",
		"x\U000e0069\U000e0067\U000e006e\x00": "x",
		"\xff\xfe":                            "\ufffd\ufffd",
	} {
		if got := NormaliseString(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestBuilderProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 300).Draw(t, "limit")
		b := NewBuilder(limit)
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			text := runes.Draw(t, "text")
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				b.Section([]string{text}, "#"+text)
			case 1:
				b.Paragraph(text)
			case 2:
				b.Line(text)
			}
		}
		var text Text
		b.Into(&text)
		if !bytes.Equal(text.Body, Normalise(append([]byte(nil), text.Body...))) {
			t.Fatalf("body is not normalised: %q", text.Body)
		}
		// The last line end and those between sections may exceed the limit.
		if len(text.Body) > limit+3*21 {
			t.Fatalf("%d bytes with a limit of %d", len(text.Body), limit)
		}
		end := 0
		for _, s := range text.Sections {
			if s.Start != end || s.End <= s.Start {
				t.Fatalf("sections %v do not cover %d bytes", text.Sections, len(text.Body))
			}
			end = s.End
		}
		if end != len(text.Body) {
			t.Fatalf("sections end at %d of %d", end, len(text.Body))
		}
	})
}

func TestBuilder(t *testing.T) {
	b := NewBuilder(1000)
	b.Section([]string{"gone"}, "")
	b.Section([]string{"A"}, "#a")
	b.Paragraph("  one\n\n")
	b.Line("two")
	b.Paragraph("three")
	b.Section([]string{"B"}, "#b")
	b.Paragraph(" \n")
	var got Text
	b.Into(&got)
	want := []cairn.Section{{Heading: []string{"A"}, Start: 0, End: 17, Anchor: "#a"}}
	if diff := cmp.Diff(want, got.Sections); diff != "" || string(got.Body) != "  one\ntwo\n\nthree\n" {
		t.Errorf("%q %s", got.Body, diff)
	}
}

func TestOutline(t *testing.T) {
	var o Outline
	var got []string
	for _, h := range []struct {
		level int
		title string
	}{{2, "a"}, {1, "b"}, {3, "c"}, {2, "d"}, {2, "e"}} {
		got = append(got, strings.Join(o.Enter(h.level, h.title), ">"))
	}
	if diff := cmp.Diff([]string{"a", "b", "b>c", "b>d", "b>e"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnchors(t *testing.T) {
	var a Anchors
	for _, c := range []struct{ title, want string }{
		{"Hello, World!", "#hello-world"}, {"Hello World", "#hello-world-1"}, {"Größe & Maß", "#größe--maß"}, {"snake_case v1.2", "#snake_case-v12"}, {"!!!", ""},
	} {
		if got := a.Of(c.title); got != c.want {
			t.Errorf("%q: %q, want %q", c.title, got, c.want)
		}
	}
}

func TestFileTitle(t *testing.T) {
	for in, want := range map[string]string{
		"docs/on-call_rota.md": "On call rota", `C:\x\Report 2026-02-11.pdf`: "Report 2026-02-11", ".env": ".env", "": "", "TERN-418.txt": "TERN 418",
	} {
		if got := FileTitle(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestRows(t *testing.T) {
	header := Header([]string{"Name:", "", "Price\nin EUR"})
	if got := Row(header, []string{"Tern", "new", "89", "rest"}); got != "Name: Tern | new | Price in EUR: 89 | rest" {
		t.Error(got)
	}
	if got := Row(header, []string{"", "", "89"}); got != "Price in EUR: 89" {
		t.Error(got)
	}
	if got := Row(nil, []string{"a", "", "c", ""}); got != "a |  | c" {
		t.Error(got)
	}
	for _, c := range []struct {
		rows [][]string
		want bool
	}{
		{[][]string{{"Name", "Price"}, {"Tern", "89"}}, true},
		{[][]string{{"City", "2025", "2026"}, {"Lyon", "1", "2"}}, true},
		{[][]string{{"Tern", "89"}, {"Skua", "640"}}, false},
		{[][]string{{"a", "a"}, {"b", "c"}}, false},
		{[][]string{{"Title"}, {"b", "c", "d"}}, false},
		{[][]string{{"Name", "Price"}}, false},
	} {
		if got := LooksLikeHeader(c.rows); got != c.want {
			t.Errorf("%q: %t", c.rows, got)
		}
	}
}
