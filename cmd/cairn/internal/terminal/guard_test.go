package terminal

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// ours are the sequences that may reach a terminal.
var ours = regexp.MustCompile(`\x1b\[[012]m|\r\x1b\[K|\r\n|\x1b\]8;;(https?://[!-~]+)?\x1b\\`)

var noUTF8 = regexp.MustCompile("\uFFFD+")

func TestGuard(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"text", "Größe 5 €\n", "Größe 5 €\n"},
		{"our own", "\r\x1b[K\x1b[1mb\x1b[0m\x1b[2md\x1b[0m", "\r\x1b[K\x1b[1mb\x1b[0m\x1b[2md\x1b[0m"},
		{"our link", "\x1b]8;;https://a.example/x\x1b\\x\x1b]8;;\x1b\\", "\x1b]8;;https://a.example/x\x1b\\x\x1b]8;;\x1b\\"},
		{"another scheme", "\x1b]8;;file:///etc/passwd\x1b\\x", "␛]8;;file:///etc/passwd␛\\x"},
		{"a link with parameters", "\x1b]8;id=1;https://a.example\x1b\\x", "␛]8;id=1;https://a.example␛\\x"},
		{"a link with a password", "\x1b]8;;https://a:b@c.example\x1b\\", "␛]8;;https://a:b@c.example␛\\"},
		{"a link ended by a bell", "\x1b]8;;https://a.example\ax", "␛]8;;https://a.example␇x"},
		{"clear screen", "\x1b[2J", "␛[2J"},
		{"other colours", "\x1b[31m\x1b[1;5m", "␛[31m␛[1;5m"},
		{"carriage return", "a\rb", "a␍b"},
		{"unfinished at the end", "a\x1b[", "a␛["},
		{"half a character", "a\xe2\x82", "a\uFFFD"},
		{"C1", "\u009b2J\x9b2J", "\uFFFD2J\uFFFD2J"},
	} {
		if got := guarded(tt.in); got != tt.want {
			t.Errorf("%s: %+q, want %+q", tt.name, got, tt.want)
		}
	}
}

// guarded returns what reaches a terminal of pieces.
func guarded(pieces ...string) string {
	var b bytes.Buffer
	g := NewGuard(&b)
	for _, p := range pieces {
		if n, err := g.Write([]byte(p)); n != len(p) || err != nil {
			panic("not written")
		}
	}
	if err := g.Flush(); err != nil {
		panic(err)
	}
	return b.String()
}

// Whatever is printed, in whatever pieces, nothing but our own sequences commands the
// terminal, and how it is cut makes no difference.
func TestGuardProperty(t *testing.T) {
	parts := []string{"a", "ü", "日本", " ", "\n", "\r", "\r\n", "\x1b", "\x1b[", "[", "]", "0m", "1m", "2m", "31m", "K", "2J", "\x1b]8;;", "\x1b]52;c;", "https://a.example/", "http://",
		"javascript:x", "\x1b\\", "\\", "\a", "\u009b", "\x9b", "\x9d", "\x90", "\xe2", "\x82", "\u202e", "\u2028", "\x00", "\b", "\x7f", "\x1bP", "\x1bc", ";", "\U000E0041"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(parts)).Draw(t, "text"), "")
		if rapid.Bool().Draw(t, "any") {
			text += rapid.String().Draw(t, "more") + string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		}
		got := guarded(text)
		left := ours.ReplaceAllString(got, "")
		if strings.ContainsFunc(left, dangerous) || !utf8.ValidString(got) {
			t.Fatalf("%+q reached the terminal as %+q", text, got)
		}
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		// One sign stands for several bytes in a row that are no UTF-8.
		if again := guarded(text[:cut], text[cut:]); noUTF8.ReplaceAllString(again, "?") != noUTF8.ReplaceAllString(got, "?") {
			t.Fatalf("%+q: in pieces %+q, whole %+q", text, again, got)
		}
	})
}

func TestLink(t *testing.T) {
	s := &Screen{Links: true}
	if got := s.Link("x", "https://a.example/?q=1"); got != "\x1b]8;;https://a.example/?q=1\x1b\\x\x1b]8;;\x1b\\" {
		t.Errorf("%+q", got)
	}
	for _, address := range []string{"", "file:///etc/passwd", "javascript:alert(1)", "https://", "https://a b", "https://a\x1b\\", "https://a\u009c", "https://me:secret@a.example", "//a.example",
		"https://a.example/" + strings.Repeat("x", maxLink)} {
		if got := s.Link("x", address); got != "x" {
			t.Errorf("%+q became a link: %+q", address, got)
		}
	}
	if got := (&Screen{}).Link("x", "https://a.example"); got != "x" {
		t.Errorf("a pipe has a link: %+q", got)
	}
}
