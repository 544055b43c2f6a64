package terminal

import (
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// maxSecret is more than anybody types.
const maxSecret = 4096

// ReadSecret reads a line: from a terminal without showing it, from anything else as
// it is there, and not a byte more. The line's end is left out, nothing else.
func ReadSecret(r io.Reader) (string, error) {
	if f, ok := r.(*os.File); ok && IsTerminal(f) {
		b, err := term.ReadPassword(int(f.Fd()))
		return asText(string(b), err)
	}
	return asText(readLine(r))
}

func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) <= maxSecret; {
		n, err := r.Read(b)
		switch {
		case n > 0 && b[0] == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case n > 0:
			line = append(line, b[0])
		case errors.Is(err, io.EOF) && len(line) > 0:
			return string(line), nil
		case err != nil:
			return "", err
		}
	}
	return "", errors.New("the line is too long")
}

// asText refuses what a request could not carry as it is.
func asText(s string, err error) (string, error) {
	if err == nil && !utf8.ValidString(s) {
		err = errors.New("what was typed is not UTF-8")
	}
	return s, err
}
