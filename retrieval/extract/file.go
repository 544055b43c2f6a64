package extract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/plain"
)

// headSize is how many bytes decide what a document is.
const headSize = 64 << 10

// file is a document that was read, as far as its format needs.
type file struct {
	in     Input
	format format
	spool  *spool // all of it, or of a text the beginning
	size   int64  // of all of it
}

// readFile finds out what r gives and reads it. Of a text it keeps no more
// than can become text within the limits; the rest is counted. What has no
// format that we know, or is too large, fails before it is read.
func readFile(in Input, r io.Reader, limits Limits) (*file, error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read document: %w", err)
	}
	head = head[:n]
	if len(bytes.TrimSpace(head)) == 0 && n < headSize {
		return nil, empty()
	}
	f := &file{in: in, spool: &spool{}}
	if f.format, err = detect(head, in); err != nil {
		return nil, err
	}
	keep := limits.InputBytes
	if f.format.text {
		keep = min(keep, 2*int64(limits.TextBytes))
	}
	if _, err := f.spool.Write(head); err != nil {
		return nil, fmt.Errorf("keep document: %w", err)
	}
	if _, err := io.Copy(f.spool, io.LimitReader(r, keep-int64(n))); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	rest, err := io.Copy(io.Discard, io.LimitReader(r, limits.InputBytes-f.spool.size+1))
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if f.size = f.spool.size + rest; f.size > limits.InputBytes {
		return nil, tooLarge(limits)
	}
	return f, nil
}

func empty() error {
	return canon.Failf(canon.CodeEmpty, "The document is empty: there is no text in it. Nothing needs to be done unless it should have some.")
}

// spool keeps bytes in blocks, so that a large file never has to be copied to
// grow. It is an io.Writer while it is filled and an io.ReaderAt afterwards.
type spool struct {
	blocks [][]byte // all but the last are full
	size   int64
}

const blockSize = 1 << 20

// Write appends p. It never fails.
func (s *spool) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		used := int(s.size % blockSize)
		if used == 0 {
			s.blocks = append(s.blocks, make([]byte, min(blockSize, max(len(p), 4<<10))))
		}
		last := len(s.blocks) - 1
		if room := len(s.blocks[last]) - used; room < len(p) && len(s.blocks[last]) < blockSize {
			s.blocks[last] = append(s.blocks[last][:used], make([]byte, blockSize-used)...)
		}
		n := copy(s.blocks[last][used:], p)
		p = p[n:]
		s.size += int64(n)
	}
	return written, nil
}

// ReadAt reads from a position, as io.ReaderAt says.
func (s *spool) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 {
		return 0, fmt.Errorf("read at %d: negative position", at)
	}
	n := 0
	for n < len(p) && at < s.size {
		block := s.blocks[at/blockSize]
		end := min(int64(len(block)), s.size-at/blockSize*blockSize)
		c := copy(p[n:], block[at%blockSize:end])
		n += c
		at += int64(c)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// bytes returns all of it in one piece, and gives the blocks up.
func (s *spool) bytes() []byte {
	if len(s.blocks) == 1 {
		return s.blocks[0][:s.size]
	}
	all := make([]byte, 0, s.size)
	for i, block := range s.blocks {
		all = append(all, block[:min(int64(len(block)), s.size-int64(i)*blockSize)]...)
		s.blocks[i] = nil
	}
	s.blocks, s.size = [][]byte{all}, int64(len(all))
	return all
}

// text returns the bytes of a text: in UTF-8 where the source has declared, with the
// media type, that they are in another encoding, and they do not say otherwise.
func (f *file) text() []byte {
	_, params, err := mime.ParseMediaType(f.in.MediaType)
	if err != nil || params["charset"] == "" {
		return f.spool.bytes()
	}
	return plain.Declared(f.spool.bytes(), params["charset"])
}

// contains reports whether it has pattern somewhere.
func (s *spool) contains(pattern []byte) bool {
	buf := make([]byte, 256<<10)
	for at := int64(0); at < s.size; at += int64(len(buf) - len(pattern)) {
		n, _ := s.ReadAt(buf, at)
		if bytes.Contains(buf[:n], pattern) {
			return true
		}
	}
	return false
}
