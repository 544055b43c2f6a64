// Package office extracts the XML formats of office programs: documents,
// presentations and spreadsheets. These are zip archives, which may be made to
// exhaust whoever opens them; every one is measured by reading it before any
// of it is used.
package office

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// The limits of an archive. They are those under which Apache POI opens files.
const (
	maxEntries  = 2_000
	maxInflated = 200 << 20 // bytes, of all entries together
	maxRatio    = 100       // inflated to stored bytes of an entry …
	ratioFrom   = 100 << 10 // … once it has given this many
)

// Archive is a zip archive within the limits.
type Archive struct {
	entries map[string]*zip.File
	left    int64 // bytes that may still be inflated
}

// Open reads the directory of a zip archive. It fails with CodeCorrupt when
// there is none, and with CodeTooLarge when it has more entries than a
// document has.
func Open(r io.ReaderAt, size int64) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, corrupt()
	}
	if len(z.File) > maxEntries {
		return nil, canon.Failf(canon.CodeTooLarge,
			"The file is an archive of %d parts; a document has at most %d. It may be made to do harm.", len(z.File), maxEntries)
	}
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser {
		stored := &counter{r: r}
		return &measured{ReadCloser: flate.NewReader(stored), stored: stored}
	})
	a := &Archive{entries: make(map[string]*zip.File, len(z.File)), left: maxInflated}
	for _, f := range z.File {
		a.entries[clean(f.Name)] = f
	}
	return a, nil
}

func corrupt() error {
	return canon.Failf(canon.CodeCorrupt,
		"The file is damaged or was not transferred completely. Open it in its program and save it again.")
}

func clean(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean(strings.ReplaceAll(name, "\\", "/")), "/"))
}

// Has reports whether the archive has an entry of a name; case does not matter.
func (a *Archive) Has(name string) bool { return a.entries[clean(name)] != nil }

// Read returns an entry. It fails with an error that is fs.ErrNotExist when
// the archive has none of this name.
func (a *Archive) Read(name string) ([]byte, error) {
	f := a.entries[clean(name)]
	if f == nil {
		return nil, fmt.Errorf("read %s: %w", name, fs.ErrNotExist)
	}
	var out []byte
	err := a.inflate(f, func(p []byte) { out = append(out, p...) })
	return out, err
}

// Measure inflates every entry and forgets it, and fails unless each has the
// size that the directory declares and none declares a document type. What
// passes is safe for a library that trusts the directory.
func (a *Archive) Measure() error {
	for _, f := range a.entries {
		size, typed := uint64(0), false
		err := a.inflate(f, func(p []byte) {
			typed = typed || size == 0 && bytes.Contains(p, []byte("<!DOCTYPE"))
			size += uint64(len(p))
		})
		if err != nil {
			return err
		}
		if typed {
			return declaresType()
		}
		if size != f.UncompressedSize64 {
			return corrupt()
		}
	}
	return nil
}

func (a *Archive) inflate(f *zip.File, use func([]byte)) error {
	r, err := f.Open()
	if err != nil {
		return corrupt()
	}
	defer r.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if a.left -= int64(n); a.left < 0 || errors.Is(err, errBomb) {
			return canon.Failf(canon.CodeTooLarge,
				"The file unpacks to far more than a document holds (a zip bomb). It was not read; if it is genuine, save its content in smaller files.")
		}
		use(buf[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return corrupt()
		}
	}
}

// errBomb means that an entry inflates to far more than it has stored.
var errBomb = errors.New("compressed too well")

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// measured compares what it inflates with what it has read for that, and not
// with the size that the directory declares.
type measured struct {
	io.ReadCloser
	stored   *counter
	inflated int64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	if m.inflated += int64(n); m.inflated > ratioFrom && m.inflated > m.stored.n*maxRatio {
		return n, errBomb
	}
	return n, err
}
