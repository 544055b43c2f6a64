package terminal

import (
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"unicode/utf8"
)

// Guard is the one way to a terminal: whatever is printed is cleaned once more, so that
// a place that forgot to clean what others wrote harms nobody. Only the sequences that
// this package itself writes pass: styles, the clearing of a line, and links to web
// addresses. It may be used concurrently.
type Guard struct {
	mu   sync.Mutex
	to   io.Writer
	rest []byte // the beginning of a character or sequence that the next Write ends
}

// NewGuard returns a guard before w. Flush it at the end.
func NewGuard(w io.Writer) *Guard { return &Guard{to: w} }

// Guarded returns w behind a guard if it is a terminal, else w itself: files and pipes
// get every byte.
func Guarded(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && IsTerminal(f) {
		return NewGuard(w)
	}
	return w
}

// Flush writes what waits for its end.
func (g *Guard) Flush() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	rest := g.rest
	g.rest = nil
	return g.write(Clean(string(rest)))
}

// Write implements io.Writer. It reports all of b as written or an error.
func (g *Guard) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := string(append(g.rest, b...))
	g.rest = nil
	var out strings.Builder
	for text != "" {
		if unfinished(text) {
			g.rest = []byte(text)
			break
		}
		if n := allowed(text); n > 0 {
			out.WriteString(text[:n])
			text = text[n:]
			continue
		}
		n := 1 + strings.IndexAny(text[1:], "\x1b\r")
		if n == 0 {
			n = whole(text)
		}
		out.WriteString(Clean(text[:n]))
		text = text[n:]
	}
	if err := g.write(out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (g *Guard) write(text string) error {
	if text == "" {
		return nil
	}
	_, err := io.WriteString(g.to, text)
	return err
}

// Flush ends what was written to w, if that is a guard.
func Flush(w io.Writer) error {
	if g, ok := w.(*Guard); ok {
		return g.Flush()
	}
	return nil
}

// Unguarded returns what is behind a guard, or w itself: for a library that draws. It
// must be given nothing that others wrote and that was not cleaned.
func Unguarded(w io.Writer) io.Writer {
	if g, ok := w.(*Guard); ok {
		return g.to
	}
	return w
}

// The sequences that pass.
const (
	clearLine = "\r\x1b[K"
	linkStart = "\x1b]8;;"
	linkEnd   = "\x1b\\"
	maxLink   = 2048 // bytes of an address
)

// passing are those that are always the same.
var passing = []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", clearLine, "\r\n", linkStart + linkEnd}

// allowed returns the length of the sequence that text begins with; 0 when it begins
// with none, or with one that does not pass.
func allowed(text string) int {
	for _, s := range passing {
		if strings.HasPrefix(text, s) {
			return len(s)
		}
	}
	after, is := strings.CutPrefix(text, linkStart)
	if end := strings.Index(after, linkEnd); is && end > 0 && webAddress(after[:end]) {
		return len(linkStart) + end + len(linkEnd)
	}
	return 0
}

// unfinished reports whether more is needed to tell what text begins with.
func unfinished(text string) bool {
	if text[0] != '\x1b' && text[0] != '\r' {
		return !utf8.FullRuneInString(text)
	}
	for _, s := range passing {
		if len(text) < len(s) && strings.HasPrefix(s, text) {
			return true
		}
	}
	after, is := strings.CutPrefix(text, linkStart)
	return is && len(after) <= maxLink && strings.IndexFunc(strings.TrimSuffix(after, "\x1b"), func(r rune) bool { return !plainASCII(r) }) < 0
}

// whole returns the length of text without a character that is cut at its end.
func whole(text string) int {
	for n := len(text) - 1; n > 0 && n > len(text)-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			if !utf8.FullRuneInString(text[n:]) {
				return n
			}
			break
		}
	}
	return len(text)
}

func plainASCII(r rune) bool { return r > ' ' && r < 0x7f }

// webAddress reports whether a terminal may be given s as the address of a link.
func webAddress(s string) bool {
	if len(s) > maxLink || strings.IndexFunc(s, func(r rune) bool { return !plainASCII(r) }) >= 0 {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// Link returns text as a link to an address on screens that show links: to web addresses
// alone, and never to one that holds a name or password. The text must have been cleaned.
func (s *Screen) Link(text, address string) string {
	if !s.Links || !webAddress(address) || text == "" {
		return text
	}
	return linkStart + address + linkEnd + text + linkStart + linkEnd
}
