// Package plain extracts formats that are text already: plain text, tables of
// comma-separated values, JSON, YAML and configuration files.
package plain

import (
	"bytes"
	"unicode/utf8"

	"github.com/saintfish/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

const sampleSize = 64 << 10

// Decode returns text as normalised UTF-8 whatever its encoding, and whether
// bytes had to be replaced. A byte order mark decides, then whether the bytes
// are UTF-8, then the encoding that label names ("" when nothing does), then
// statistics of the first 64 KB. What has too many control characters to be
// text fails with CodeNotText.
func Decode(src []byte, label string) (text []byte, replaced bool, err error) {
	raw, err := decode(src, label)
	if err != nil {
		return nil, false, err
	}
	if binary(raw) {
		return nil, false, canon.Failf(canon.CodeNotText,
			"The file is no text: it has binary data in it. Check that it was saved in a format that people can read.")
	}
	replaced = !utf8.Valid(raw)
	return canon.Normalise(raw), replaced, nil
}

func decode(src []byte, label string) ([]byte, error) {
	if enc := markedEncoding(src); enc != nil {
		return convert(enc, src)
	}
	if utf8.Valid(src) || mostlyUTF8(src) {
		return src, nil
	}
	if label != "" {
		if enc, _ := charset.Lookup(label); enc != nil {
			return convert(enc, src)
		}
	}
	sample := src[:min(len(src), sampleSize)]
	if enc := unmarkedUTF16(sample); enc != nil {
		return convert(enc, src)
	}
	name := "windows-1252"
	if guess, err := chardet.NewTextDetector().DetectBest(sample); err == nil && guess.Confidence >= 30 {
		// The detector's Latin-1 and its Turkish and Romanian relatives are
		// told apart by luck in short texts.
		if guess.Charset != "UTF-8" && guess.Charset != "ISO-8859-1" {
			name = guess.Charset
		}
	}
	enc, _ := charset.Lookup(name)
	if enc == nil {
		enc, _ = charset.Lookup("windows-1252")
	}
	return convert(enc, src)
}

// Declared returns text in UTF-8 that is in the encoding which whoever served it declared
// (as HTTP does, before what a page says of itself). A byte order mark and text that is
// UTF-8 are believed first; an encoding that nobody knows changes nothing.
func Declared(src []byte, label string) []byte {
	if markedEncoding(src) != nil || utf8.Valid(src) || mostlyUTF8(src) {
		return src
	}
	enc, _ := charset.Lookup(label)
	if enc == nil {
		return src
	}
	out, err := enc.NewDecoder().Bytes(src)
	if err != nil {
		return src
	}
	return out
}

func convert(enc encoding.Encoding, src []byte) ([]byte, error) {
	out, err := enc.NewDecoder().Bytes(src)
	if err != nil {
		return nil, canon.Failf(canon.CodeCorrupt,
			"The text is damaged: its character encoding breaks off. Save it again as UTF-8.")
	}
	return out, nil
}

// markedEncoding returns the encoding that a byte order mark names. The mark
// of UTF-32LE begins with that of UTF-16LE, so it is looked for first.
func markedEncoding(src []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(src, []byte{0xff, 0xfe, 0, 0}):
		return utf32.UTF32(utf32.LittleEndian, utf32.ExpectBOM)
	case bytes.HasPrefix(src, []byte{0, 0, 0xfe, 0xff}):
		return utf32.UTF32(utf32.BigEndian, utf32.ExpectBOM)
	case bytes.HasPrefix(src, []byte{0xff, 0xfe}):
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case bytes.HasPrefix(src, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)
	}
	return nil
}

// unmarkedUTF16 recognises UTF-16 of mostly Latin text without a mark by its
// zero bytes, which stand all on one side.
func unmarkedUTF16(sample []byte) encoding.Encoding {
	var zeros [2]int
	for i, c := range sample {
		if c == 0 {
			zeros[i%2]++
		}
	}
	switch half := len(sample) / 2; {
	case zeros[1] > half*7/10 && zeros[0] <= half/20:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case zeros[0] > half*7/10 && zeros[1] <= half/20:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// mostlyUTF8 reports whether s is UTF-8 with some damage: at least ten correct
// sequences beyond ASCII for each wrong byte, or only a sequence cut at the end.
func mostlyUTF8(s []byte) bool {
	good, bad := 0, 0
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		switch {
		case r == utf8.RuneError && size == 1:
			if !utf8.FullRune(s) && bad == 0 {
				return true
			}
			bad++
		case size > 1:
			good++
		}
		s = s[size:]
	}
	return good >= 10*bad
}

// binary reports whether more than a tenth of the beginning are control
// characters that no text has.
func binary(s []byte) bool {
	sample := s[:min(len(s), sampleSize)]
	controls := 0
	for _, c := range sample {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\b' && c != 0x1b {
			controls++
		}
	}
	return controls*10 > len(sample)
}
