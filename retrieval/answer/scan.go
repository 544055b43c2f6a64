package answer

import (
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

// maxReply bounds what is read of a model's reply, in bytes.
const maxReply = 64 << 10

// scanned is a complete piece of a model's text, ready to be checked.
type scanned struct {
	Kind  segment.Kind
	Text  string // as it is shown, white space before it included
	Start int    // where its words lie in Text, without the marker of an item
	End   int
	Cites []int // numbers of passages that it cites, in order, each once
}

// scanner cuts a stream of text into pieces. It takes out citation marks,
// links, images, HTML and what no reader sees. However the stream is cut, inside
// characters too, the pieces are the same.
type scanner struct {
	passages int    // numbers 1..passages resolve, others are dropped
	language string //
	partial  []byte // beginning of a character
	pending  string // clean characters that are in no piece yet
	line     bool   // pending begins a line
	read     int    // bytes so far
	shown    bool   // a piece was given
}

func newScanner(passages int, language string) *scanner {
	return &scanner{passages: passages, language: language, line: true}
}

// Write takes the next bytes of the stream and returns the pieces that are
// complete now. Bytes beyond maxReply are ignored; see Full.
func (s *scanner) Write(text string) []scanned {
	if s.read+len(text) > maxReply {
		text = text[:maxReply-s.read]
	}
	s.read += len(text)
	added := s.admit(text)
	if strings.IndexFunc(added, func(c rune) bool { return c <= ' ' || c >= utf8.RuneSelf }) < 0 {
		return nil // the last word goes on: nothing can have been completed
	}
	return s.cut(false)
}

// Full reports whether the reply was longer than what is read of one.
func (s *scanner) Full() bool { return s.read >= maxReply }

// Close returns what is left when the stream has ended.
func (s *scanner) Close() []scanned {
	if len(s.partial) > 0 {
		s.partial = nil
		s.pending += string(utf8.RuneError)
	}
	return s.cut(true)
}

// admit decodes text, drops what no reader sees and adds the rest to pending.
func (s *scanner) admit(text string) string {
	s.partial = append(s.partial, text...)
	var b strings.Builder
	at := 0
	for at < len(s.partial) && utf8.FullRune(s.partial[at:]) {
		c, size := utf8.DecodeRune(s.partial[at:])
		at += size
		if c = visible(c); c >= 0 {
			b.WriteRune(c)
		}
	}
	s.partial = append(s.partial[:0], s.partial[at:]...)
	s.pending += b.String()
	return b.String()
}

func (s *scanner) cut(final bool) []scanned {
	var out []scanned
	for {
		p, ok := segment.Next(s.pending, segment.Options{Language: s.language, LineStart: s.line, Final: final})
		if !ok {
			return out
		}
		space, raw := s.pending[:p.Start], s.pending[p.Start:p.End]
		s.pending, s.line = s.pending[p.End:], false
		if got, ok := s.scan(p, space, raw); ok {
			out = append(out, got)
			s.shown = true
		}
	}
}

// scan cleans one piece. It reports false when nothing is left to show.
func (s *scanner) scan(p segment.Piece, space, raw string) (scanned, bool) {
	if !s.shown {
		space = ""
	}
	if p.Kind == segment.Code {
		text := space + closedFence(raw)
		return scanned{Kind: p.Kind, Text: text, Start: len(space), End: len(text)}, true
	}
	body := p.Body - p.Start
	c := cleaner{text: raw[body:]}
	words := c.clean()
	if words == "" && p.Kind != segment.Rule && p.Kind != segment.Row {
		return scanned{}, false
	}
	head := space + raw[:body]
	out := scanned{Kind: p.Kind, Text: head + words, Start: len(head), End: len(head) + len(words)}
	for _, n := range c.cites {
		if n >= 1 && n <= s.passages && !contains(out.Cites, n) {
			out.Cites = append(out.Cites, n)
		}
	}
	return out, true
}

func contains(numbers []int, n int) bool {
	for _, m := range numbers {
		if m == n {
			return true
		}
	}
	return false
}

// closedFence returns a code block with its closing fence, which a reply that
// was cut short lacks: what follows must not become code.
func closedFence(raw string) string {
	width := 0
	for width < len(raw) && raw[width] == raw[0] {
		width++
	}
	last := strings.TrimLeft(raw[strings.LastIndexByte(raw, '\n')+1:], " \t")
	if len(last) >= width && strings.Trim(last, raw[:1]) == "" && strings.Contains(raw, "\n") {
		return raw
	}
	return raw + "\n" + raw[:width]
}

// visible returns the character to show for c, or -1 for none. Invisible
// characters can carry text past a reader's eyes, control characters reach a
// terminal.
func visible(c rune) rune {
	switch {
	case c == '\n' || c == '\t':
		return c
	case c == '\u2028' || c == '\u2029' || c == '\u0085':
		return '\n'
	case c == '\u00a0' || c == '\u202f':
		return ' '
	case c < ' ' || c >= 0x7f && c <= 0x9f:
		return -1
	case c == 0xad, c == 0x34f, c == 0x61c, c == 0x115f, c == 0x1160, c == 0x17b4, c == 0x17b5, c == 0x3164, c == 0xfeff, c == 0xffa0:
		return -1
	case c >= 0x180b && c <= 0x180f, c >= 0x200b && c <= 0x200f, c >= 0x202a && c <= 0x202e, c >= 0x2060 && c <= 0x206f:
		return -1
	case c >= 0xfff0 && c <= 0xfffb, c >= 0xe0000 && c <= 0xe0fff:
		return -1
	}
	return c
}
