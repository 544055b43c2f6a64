package office

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"

	"golang.org/x/net/html/charset"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

const maxDepth = 256 // of elements in each other

// stream reads XML as a row of starts, texts and ends. Names are without
// prefix: the formats here do not use one local name for two things at one
// place. It refuses document type declarations, and with them all entities.
type stream struct {
	dec   *xml.Decoder
	depth int
}

func newStream(src []byte) *stream {
	dec := xml.NewDecoder(bytes.NewReader(src))
	dec.CharsetReader = charset.NewReaderLabel
	return &stream{dec: dec}
}

// next returns the next start, end or text; io.EOF after the last. Starts and
// ends that do not match each other are not noticed one by one, but the depth is.
func (s *stream) next() (xml.Token, error) {
	for {
		tok, err := s.dec.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) && s.depth == 0 {
				return nil, io.EOF
			}
			return nil, corrupt()
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if s.depth++; s.depth > maxDepth {
				return nil, canon.Failf(canon.CodeCorrupt,
					"The file is built from parts nested more than %d deep, which no office program writes. It may be made to do harm.", maxDepth)
			}
			return tok, nil
		case xml.EndElement:
			if s.depth--; s.depth < 0 {
				return nil, corrupt()
			}
			return tok, nil
		case xml.CharData:
			return tok, nil
		case xml.Directive:
			return nil, declaresType()
		}
	}
}

// children calls visit for each start below the element that was read last,
// until that one ends. visit reads all of its element or nothing of it.
func (s *stream) children(visit func(xml.StartElement) error) error {
	level := s.depth
	for {
		tok, err := s.next()
		if err != nil {
			if errors.Is(err, io.EOF) && level == 0 {
				return nil
			}
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if err := visit(tok); err != nil {
				return err
			}
		case xml.EndElement:
			if s.depth < level {
				return nil
			}
		}
	}
}

// skip reads to the end of the element that was read last.
func (s *stream) skip() error {
	return s.children(func(xml.StartElement) error { return nil })
}

// text returns the text of the element that was read last and of all in it.
func (s *stream) text() (string, error) {
	level := s.depth
	var out []byte
	for {
		tok, err := s.next()
		if err != nil {
			return "", err
		}
		switch tok := tok.(type) {
		case xml.CharData:
			out = append(out, tok...)
		case xml.EndElement:
			if s.depth < level {
				return string(out), nil
			}
		}
	}
}

// each calls visit for every start of a document at whatever depth. visit may
// read its element; what it leaves is visited too.
func each(src []byte, visit func(*stream, xml.StartElement) error) error {
	s := newStream(src)
	for {
		tok, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := tok.(xml.StartElement); ok {
			if err := visit(s, start); err != nil {
				return err
			}
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// on reports whether an element switches something on: it does unless its
// value says that it does not.
func on(e xml.StartElement) bool {
	switch attr(e, "val") {
	case "0", "false", "off", "none":
		return false
	}
	return true
}

func declaresType() error {
	return canon.Failf(canon.CodeCorrupt,
		"The file declares a document type of its own, which no office program writes. It may be made to do harm (an entity bomb).")
}
