package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Screen is where a command prints for a person: a terminal, or a pipe or file
// that gets the same text without colours and breaks.
type Screen struct {
	io.Writer
	Terminal bool
	Width    int  // columns for text; 0 when there is no terminal: do not wrap
	Columns  int  // of the terminal; 0 when there is none
	Colour   bool // bold and dim may be used
	Links    bool // words may be links
}

// NewScreen returns the screen of w.
func NewScreen(w io.Writer) *Screen {
	s := &Screen{Writer: w}
	f, ok := Unguarded(w).(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	s.Terminal, s.Columns = true, 80
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		s.Columns = width
	}
	s.Width = min(max(s.Columns, 20), 120)
	// How a terminal wants to be treated is no setting of Cairn.
	noColour, _ := os.LookupEnv("NO_COLOR")
	kind, _ := os.LookupEnv("TERM")
	s.Colour = noColour == "" && kind != "dumb"
	s.Links = kind != "dumb" && kind != "linux" && !strings.HasPrefix(kind, "screen")
	return s
}

// IsTerminal reports whether a person sits at r.
func IsTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Bold returns text in bold. It must have been cleaned.
func (s *Screen) Bold(text string) string { return s.styled("1", text) }

// Dim returns text in a fainter colour. It must have been cleaned.
func (s *Screen) Dim(text string) string { return s.styled("2", text) }

func (s *Screen) styled(code, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Printf prints. Arguments that others wrote must have been cleaned.
func (s *Screen) Printf(format string, args ...any) { fmt.Fprintf(s, format, args...) }
