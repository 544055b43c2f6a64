// Package exact answers searches by brute force over everything, to compare
// with. It shares no code with the index but the analysis of texts.
package exact

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/x448/float16"
)

// Names of the files in which chunks are kept.
const (
	termsFile   = "chunks.terms"
	vectorsFile = "chunks.vectors"
)

// Writer keeps chunks in two files.
type Writer struct {
	files          []*os.File
	terms, vectors *bufio.Writer
}

// Create returns a Writer of files in a folder.
func Create(dir string) (*Writer, error) {
	w := &Writer{}
	for _, name := range []string{termsFile, vectorsFile} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		w.files = append(w.files, f)
	}
	w.terms, w.vectors = bufio.NewWriterSize(w.files[0], 1<<20), bufio.NewWriterSize(w.files[1], 1<<20)
	return w, nil
}

// Add keeps the next chunk: the number of its document, its encoded terms, their
// number, and its vector (nil: none).
func (w *Writer) Add(doc, length int, terms []byte, vector []float32) error {
	head := binary.AppendUvarint(nil, uint64(doc))
	head = binary.AppendUvarint(head, uint64(length))
	head = binary.AppendUvarint(head, uint64(len(terms)))
	if _, err := w.terms.Write(head); err != nil {
		return err
	}
	if _, err := w.terms.Write(terms); err != nil {
		return err
	}
	half := make([]byte, 0, 2*len(vector))
	for _, x := range vector { // as the database rounds them
		half = binary.LittleEndian.AppendUint16(half, float16.Fromfloat32(x).Bits())
	}
	_, err := w.vectors.Write(half)
	return err
}

// Close ends the files.
func (w *Writer) Close() error {
	errs := []error{w.terms.Flush(), w.vectors.Flush()}
	for _, f := range w.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Chunks are all chunks of a corpus in memory, numbered in the order in which
// they were added.
type Chunks struct {
	Doc    []int32 // by chunk
	Length []uint16
	Terms  [][]byte // as package lexical encodes them
	first  map[int]int
	dim    int
	vector []float32 // one after the other
}

// Open reads the chunks that a Writer kept in a folder, with vectors of the
// given length; 0 leaves them out.
func Open(dir string, dim int) (*Chunks, error) {
	data, err := os.ReadFile(filepath.Join(dir, termsFile))
	if err != nil {
		return nil, err
	}
	c := &Chunks{first: map[int]int{}, dim: dim}
	for len(data) > 0 {
		var v [3]uint64 // document, length, bytes
		for i := range v {
			n := 0
			if v[i], n = binary.Uvarint(data); n <= 0 {
				return nil, fmt.Errorf("%s is cut off", termsFile)
			}
			data = data[n:]
		}
		if uint64(len(data)) < v[2] {
			return nil, fmt.Errorf("%s is cut off", termsFile)
		}
		if _, ok := c.first[int(v[0])]; !ok {
			c.first[int(v[0])] = len(c.Doc)
		}
		c.Doc, c.Length, c.Terms = append(c.Doc, int32(v[0])), append(c.Length, uint16(v[1])), append(c.Terms, data[:v[2]])
		data = data[v[2]:]
	}
	if dim > 0 {
		return c, c.readVectors(filepath.Join(dir, vectorsFile))
	}
	return c, nil
}

func (c *Chunks) readVectors(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c.vector = make([]float32, len(c.Doc)*c.dim)
	in, row := bufio.NewReaderSize(f, 1<<20), make([]byte, 2*c.dim)
	for i := range c.Doc {
		if _, err := io.ReadFull(in, row); err != nil {
			return fmt.Errorf("%s: %w", vectorsFile, err)
		}
		for j := range c.dim {
			c.vector[i*c.dim+j] = float16.Frombits(binary.LittleEndian.Uint16(row[2*j:])).Float32()
		}
	}
	return nil
}

// Len returns the number of chunks.
func (c *Chunks) Len() int { return len(c.Doc) }

// Number returns the number of a document's chunk.
func (c *Chunks) Number(doc, ordinal int) int { return c.first[doc] + ordinal }

// Vector returns the vector of a chunk.
func (c *Chunks) Vector(chunk int) []float32 { return c.vector[chunk*c.dim : (chunk+1)*c.dim] }

// Visible returns by chunk whether its document is readable.
func (c *Chunks) Visible(readable func(doc int) bool) []bool {
	out := make([]bool, len(c.Doc))
	for i, d := range c.Doc {
		out[i] = readable(int(d))
	}
	return out
}
