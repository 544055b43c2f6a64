package terminal

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "Größe 5 €\n\tline two", "Größe 5 €\n\tline two"},
		{"colour", "a\x1b[31mred\x1b[0m", "a␛[31mred␛[0m"},
		{"clear screen", "\x1b[2J\x1b[H", "␛[2J␛[H"},
		{"clipboard, OSC 52", "\x1b]52;c;cm0gLXJm\x07", "␛]52;c;cm0gLXJm␇"},
		{"title, string terminator", "\x1b]0;root\x1b\\", "␛]0;root␛\\"},
		{"link, OSC 8", "\x1b]8;;http://evil\x1b\\ok", "␛]8;;http://evil␛\\ok"},
		{"C1 CSI", "\u009b31m", "\uFFFD31m"},
		{"C1 as a byte", "\x9b31m", "\uFFFD31m"},
		{"C1 OSC", "\u009d52;c;x\u009c", "\uFFFD52;c;x\uFFFD"},
		{"next line", "a\u0085b", "a\uFFFDb"},
		{"backspace", "good\b\b\b\bevil", "good␈␈␈␈evil"},
		{"carriage return hides a line", "shown\rhidden", "shown␍hidden"},
		{"line end of Windows", "a\r\nb", "a\nb"},
		{"bell, NUL, DEL", "\a\x00\x7f", "␇␀␡"},
		{"vertical tab and form feed", "a\vb\fc", "a␋b␌c"},
		{"right to left override", "evil\u202Efdp.exe", "evilfdp.exe"},
		{"isolates and marks", "\u2066a\u2069\u200e\u200f\u061c", "a"},
		{"invisible", "a\u200bb\ufeffc\u2060d\u00ade", "abcde"},
		{"tags", "hi\U000E0041\U000E007F", "hi"},
		{"joiners stay", "👩\u200d👧 می\u200cخواهم", "👩\u200d👧 می\u200cخواهم"},
		{"Arabic and Hebrew stay", "שלום مرحبا", "שלום مرحبا"},
		{"line separators", "a\u2028b\u2029c", "a\nb\nc"},
		{"broken UTF-8", "a\xc3(\xff", "a\uFFFD(\uFFFD"},
		{"cut rune at the end", "a\xe2\x82", "a\uFFFD"},
	} {
		if got := Clean(tt.in); got != tt.want {
			t.Errorf("%s: Clean(%+q) = %+q, want %+q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestLine(t *testing.T) {
	if got := Line(" a\n\n b\tc\u2028d\x1b[m\u00a0 "); got != "a b c d␛[m" {
		t.Errorf("%q", got)
	}
}

// dangerous reports whether a terminal might do more with r than show it.
func dangerous(r rune) bool {
	return unicode.Is(unicode.Cc, r) && r != '\n' && r != '\t' ||
		unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", "\x1b]52;c;x\a", "\u009b31m", "\x9b", "\u202e", "\xc2\x1b\x9b", "a\r\nb\r", "\U000E0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) {
			t.Errorf("%+q is no UTF-8", got)
		}
		if i := strings.IndexFunc(got, dangerous); i >= 0 {
			t.Errorf("Clean(%+q) = %+q", s, got)
		}
		if again := Clean(got); again != got {
			t.Errorf("not stable: %+q, then %+q", got, again)
		}
		if strings.ContainsFunc(Line(s), func(r rune) bool { return dangerous(r) || r == '\n' || r == '\t' }) {
			t.Errorf("Line(%+q) = %+q", s, Line(s))
		}
	})
}

// JSON changes how a document is written, not what it says.
func FuzzJSON(f *testing.F) {
	f.Add("\u009b31m\u202e\x7f\U000E0041 ü")
	f.Add("\x1b]52;c;x\a\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		in, err := json.Marshal(map[string]string{"k": strings.ToValidUTF8(s, "?")})
		if err != nil {
			t.Fatal(err)
		}
		out := JSON(in)
		var before, after map[string]string
		if err := json.Unmarshal(in, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &after); err != nil || before["k"] != after["k"] {
			t.Errorf("%s became %s: %v", in, out, err)
		}
		if strings.ContainsFunc(string(out), dangerous) {
			t.Errorf("JSON gave %+q", out)
		}
	})
}
