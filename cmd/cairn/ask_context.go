package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxContext is how many characters the API takes beside a question.
	maxContext = 16_000
	// pipePatience is how long a pipe may take to bring its first byte: many programs
	// leave one open that nobody writes to.
	pipePatience = 3 * time.Second
)

// context returns the text that goes with a question: of a file, or what is piped in.
func (e *environment) context(args []string, file string) (string, error) {
	fromStdin := len(args) == 1 && args[0] == "-"
	switch {
	case file == "-" && fromStdin:
		return "", usageError{errors.New("standard input is the question already; give --context a file")}
	case file == "-":
		return e.contextOf(e.stdin)
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read the text that goes with the question: %w", err)
		}
		defer f.Close()
		return e.contextOf(f)
	case fromStdin || !givesText(e.stdin):
		return "", nil
	}
	first, err := firstBytes(e.stdin, pipePatience)
	if errors.Is(err, errNothingCame) {
		e.note("Nothing came from standard input; the question is asked without it. To wait for it, give --context -")
		return "", nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read what was piped in: %w", err)
	}
	return e.contextOf(io.MultiReader(bytes.NewReader(first), e.stdin))
}

// contextOf reads a text to its end. Of what is too long the end is kept: there a log
// says what went wrong.
func (e *environment) contextOf(r io.Reader) (string, error) {
	end := &tail{most: maxContext * utf8.UTFMax}
	if _, err := io.Copy(end, r); err != nil {
		return "", fmt.Errorf("read the text that goes with the question: %w", err)
	}
	text := []rune(strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(string(end.last), "\x00", ""), "\uFFFD")))
	if end.cut || len(text) > maxContext {
		text = text[max(0, len(text)-maxContext):]
		e.note("The text is long: its last %d characters go with the question.", len(text))
	}
	return string(text), nil
}

// givesText reports whether somebody may be piping a text in, or has redirected a file.
func givesText(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return r != nil
	}
	info, err := f.Stat()
	return err == nil && (info.Mode()&os.ModeNamedPipe != 0 || info.Mode().IsRegular())
}

var errNothingCame = errors.New("nothing came")

// firstBytes reads what comes first; errNothingCame when nothing does in time. Then the
// reader must not be used any more.
func firstBytes(r io.Reader, patience time.Duration) ([]byte, error) {
	type result struct {
		b   []byte
		err error
	}
	came := make(chan result, 1)
	go func() {
		b := make([]byte, 4096)
		n, err := r.Read(b)
		came <- result{b[:n], err}
	}()
	select {
	case first := <-came:
		return first.b, first.err
	case <-time.After(patience):
		return nil, errNothingCame
	}
}

// tail keeps the last bytes that are written to it.
type tail struct {
	last []byte
	most int
	cut  bool // there were more
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.last = append(t.last, b...)
	if more := len(t.last) - t.most; more > 0 {
		t.last, t.cut = append([]byte(nil), t.last[more:]...), true
	}
	return len(b), nil
}
