package langchain

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	largestReply = 16 << 20 // bytes of a reply that is no stream
	largestLine  = 4 << 20  // bytes of a line of a stream
	// largestPiece bounds a piece of text given to the library, which cannot
	// read lines of 64 KiB; JSON makes six bytes of one at worst.
	largestPiece = 8 << 10
)

// errUnfinished is the cause of a reply that ends without a stop reason.
var errUnfinished = errors.New("the reply ended before it was complete")

// decoder reads the replies of one provider, one decoder for each reply. Its
// results go through emit, in the plainest form of the provider's format.
type decoder interface {
	// event takes the data of one server-sent event. end says that nothing of
	// interest follows.
	event(data []byte) (end bool, err error)
	// whole takes a reply that is one JSON object.
	whole(data []byte) error
	// complete says whether the model has told why it stopped.
	complete() bool
	// finish emits the end of the reply.
	finish()
}

// stream is the body of a reply as the library gets to read it. What it reads
// is complete lines; when it ends without an error the reply is complete.
type stream struct {
	x       *exchange
	body    io.ReadCloser
	in      *bufio.Reader
	decoder decoder
	out     bytes.Buffer
	started bool
	err     error
}

// newStream returns the body of a reply; decode makes its decoder.
func newStream(x *exchange, body io.ReadCloser, decode func(*stream) decoder) *stream {
	s := &stream{x: x, body: body, in: bufio.NewReader(body)}
	s.decoder = decode(s)
	return s
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	for s.out.Len() == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.err = s.step()
	}
	return s.out.Read(p)
}

// Close implements io.Closer.
func (s *stream) Close() error { return s.body.Close() }

// step reads one line, or a reply that is no stream as a whole.
func (s *stream) step() error {
	if !s.started {
		s.started = true
		first, err := s.firstByte()
		switch {
		case err != nil:
			return s.end(err)
		case first == '{':
			return s.readWhole()
		case first == '<':
			return s.x.webPage()
		}
	}
	line, err := s.line()
	if data, ok := payload(line); ok {
		end, err := s.decoder.event(data)
		if err != nil {
			return err
		}
		if end {
			return s.end(io.EOF)
		}
	}
	if err != nil {
		return s.end(err)
	}
	return nil
}

// firstByte returns the first byte that is no white space, which stays unread.
func (s *stream) firstByte() (byte, error) {
	for {
		b, err := s.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(b)) {
			return b, s.in.UnreadByte()
		}
	}
}

// line returns the next line without its end. At the end of the input it
// returns what there is together with the error.
func (s *stream) line() ([]byte, error) {
	var line []byte
	for {
		part, err := s.in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > largestLine {
			return nil, fmt.Errorf("a line of the reply is longer than %d bytes", largestLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(line, "\r\n"), err
		}
	}
}

// payload returns the data of a line of a stream of server-sent events. Every
// data line is taken for an event of its own: no provider splits its JSON, and
// some leave out the empty line between events. Names of events are not needed,
// since the data repeat them.
func payload(line []byte) ([]byte, bool) {
	if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
		data = bytes.TrimSpace(data)
		return data, len(data) > 0
	}
	if data, ok := bytes.CutPrefix(line, []byte("error:")); ok { // llama.cpp
		return fmt.Appendf(nil, `{"type":"error","error":%s}`, bytes.TrimSpace(data)), true
	}
	return nil, false
}

func (s *stream) readWhole() error {
	body, err := io.ReadAll(io.LimitReader(s.in, largestReply+1))
	switch {
	case err != nil:
		return s.end(err)
	case len(body) > largestReply:
		return s.x.broke(fmt.Errorf("the reply is larger than %d bytes", largestReply))
	}
	if err := s.decoder.whole(body); err != nil {
		return err
	}
	return s.end(io.EOF)
}

// end closes the reply after its input ended with err. A reply that told its
// stop reason is complete, however the connection ended.
func (s *stream) end(err error) error {
	if s.decoder.complete() {
		s.decoder.finish()
		return io.EOF
	}
	if errors.Is(err, io.EOF) {
		err = errUnfinished
	}
	return s.x.broke(err)
}

// emit writes an event for the library.
func (s *stream) emit(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return s.x.broke(fmt.Errorf("translate the reply: %w", err))
	}
	s.out.WriteString("data: ")
	s.out.Write(data)
	s.out.WriteString("\n\n")
	return nil
}

// text gives text to emit in pieces that the library can read.
func (s *stream) text(text string, emit func(piece string) error) error {
	for len(text) > largestPiece {
		n := largestPiece
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		if err := emit(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return emit(text)
}

// malformed notes an event or reply that is not what the provider documents.
func (s *stream) malformed(err error) error {
	return s.x.broke(fmt.Errorf("the reply is malformed (%T)", err))
}
