package answer

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// scanAll gives the pieces of a stream to a scanner for five passages.
func scanAll(stream ...string) []scanned {
	s := newScanner(5, "en")
	var out []scanned
	for _, text := range stream {
		out = append(out, s.Write(text)...)
	}
	return append(out, s.Close()...)
}

func shownText(pieces []scanned) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.Text)
	}
	return b.String()
}

func TestScannerResolvesMarks(t *testing.T) {
	got := scanAll("Leave is 30 days [1]. Ask early [2, 4][1]. \n\n- Rooms: 120 EUR.【3†handbook】\n- None [9] here[^5].\nUse `a[1]` now [1-3].")
	want := []scanned{
		{Text: "Leave is 30 days.", End: 17, Cites: []int{1}},
		{Text: " Ask early.", Start: 1, End: 11, Cites: []int{2, 4, 1}},
		{Kind: 1, Text: " \n\n- Rooms: 120 EUR.", Start: 5, End: 20, Cites: []int{3}},
		{Kind: 1, Text: "\n- None here.", Start: 3, End: 13, Cites: []int{5}},
		{Text: "\nUse `a[1]` now.", Start: 1, End: 16, Cites: []int{1, 2, 3}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
}

func TestScannerMakesTextInert(t *testing.T) {
	for in, want := range map[string]string{
		"See [the page](https://evil.example/?q=1) now.":  "See the page now.",
		"![x](https://evil.example/?d=secret) Done.":      "x Done.",
		"![a [b]](http://e.example/a(b)c) ok":             "a [b] ok",
		"[a][ref] b\n\n[ref]: https://evil.example":       "a b",
		"[one. Two](http://evil.example)":                 "[one. Two] (`http://evil.example`)",
		"[text\nmore](http://evil.example)":               "text\nmore",
		"Open <https://a.example/x> or www.b.example.":    "Open `https://a.example/x` or `www.b.example`.",
		"Visit https://a.example/x, then (http://b.c/d).": "Visit `https://a.example/x`, then (`http://b.c/d`).",
		"See https://a.example/x[1].":                     "See `https://a.example/x`.",
		"A <b>bold</b><script>alert(1)</script> word":     "A boldalert(1) word",
		"<a href=\"http://e.example. More\">x</a>":        "\\<a href=\"`http://e.example`. More\">x",
		"List<String> and 3 < 5 and a<-b":                 "List\\<String> and 3 < 5 and a<-b",
		"<!-- hidden -->shown":                            "shown",
		"a ` b\nC `![x](http://e.example)` d":             "a \\` b\nC `![x](http://e.example)` d",
		"```\n[1] <b> ![x](y)\n":                          "```\n[1] <b> ![x](y)\n```",
		"in\u200bvis\u202eible \U000e0041tag \x1b[31mred": "invisible tag [31mred",
		"bad \xff byte":                                   "bad \ufffd byte",
		"cut \xe4\xb8":                                    "cut \ufffd",
		"a\r\nB":                                          "a\nB",
		"[1](https://x.example) Text [2](#anchor).":       "Text.",
		"Unknown [12] and [0] go, array[x] stays.":        "Unknown and go, array[x] stays.",
		"\\[1\\] stays":                                   "\\[1\\] stays",
	} {
		if got := shownText(scanAll(in)); got != want {
			t.Errorf("scan of %q\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestScannerStopsReading(t *testing.T) {
	s := newScanner(1, "en")
	for range 2000 {
		s.Write(strings.Repeat("word ", 20))
	}
	if s.Close(); !s.Full() || s.read != maxReply {
		t.Errorf("read %d bytes of a reply, want %d", s.read, maxReply)
	}
}

// replies is made of what a scanner decides on.
func replies() *rapid.Generator[string] {
	part := rapid.SampledFrom([]string{"a", "B", " ", ". ", ".", "\n", "\n\n", "\n- ", "\n1. ", "\n|a|b|", "[1]", "[", "1", "]", ", 2", "【1†x】", "(", ")", "](", "][",
		"![", "https://e.example/x", "<", ">", "<b>", "</b>", "`", "```", "\n```\n", "é", "中", "。", "\xff", "\xe4\xb8", "\u200b", "\\", "!", "[r]: http://e.example", strings.Repeat("word ", 150)})
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(part, 0, 30).Draw(t, "parts"), "") })
}

func TestScannerIsTheSameUnderAnySplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := replies().Draw(t, "text")
		want := scanAll(text)
		var stream []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, min(len(rest), 12)).Draw(t, "n")
			stream, rest = append(stream, rest[:n]), rest[n:]
		}
		if diff := cmp.Diff(want, scanAll(stream...)); diff != "" {
			t.Fatalf("split %q (-whole +split):\n%s", stream, diff)
		}
	})
}

func TestScannerIsTheSameUnderEverySplitInTwo(t *testing.T) {
	const text = "Héllo [1]. Use `x. y` [2, 3]【4†q】!\n\n- [a](http://b.c/d) ![e](f)\n1. 三十天。【5】 <b>é</b>\n| a [1] | b |\n```go\nx[1]. Y\n```\nwww.a.example. Dr. X e.g. this 3. März\u200b\xff end"
	want := scanAll(text)
	for i := range len(text) + 1 {
		if diff := cmp.Diff(want, scanAll(text[:i], text[i:])); diff != "" {
			t.Fatalf("split at %d (-whole +split):\n%s", i, diff)
		}
	}
}

func FuzzScanner(f *testing.F) {
	f.Add("Leave is [1] 30 days. [x](y) <b> `c`", 3)
	f.Add("![a](b)\n[r]: http://e.example\n```\nq", 5)
	f.Fuzz(func(t *testing.T, text string, n int) {
		if n < 1 || n > len(text) {
			n = 1
		}
		whole := scanAll(text)
		var stream []string
		for rest := text; rest != ""; {
			k := min(n, len(rest))
			stream, rest = append(stream, rest[:k]), rest[k:]
		}
		if diff := cmp.Diff(whole, scanAll(stream...)); diff != "" {
			t.Fatalf("every %d bytes (-whole +split):\n%s", n, diff)
		}
		for _, p := range whole {
			if !utf8.ValidString(p.Text) || p.Start < 0 || p.Start > p.End || p.End > len(p.Text) {
				t.Fatalf("bad piece %+v", p)
			}
			if strings.Contains(p.Text, "](") && p.Kind != 5 && !strings.Contains(p.Text, "`") && !strings.Contains(p.Text, "\\") {
				t.Fatalf("a link survives in %q", p.Text)
			}
		}
	})
}
