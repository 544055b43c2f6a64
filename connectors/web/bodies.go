package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// bodies keeps the bytes of documents from when a crawl has read them until they are
// opened, so that nothing is fetched twice. It may lose any of them.
type bodies struct {
	dir  string // empty: none is kept
	size int64  // of all
}

// maxBodies is how many bytes are kept in all.
const maxBodies = 2 << 30

// clear drops all.
func (b *bodies) clear() {
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
	b.size = 0
}

func (b *bodies) name(at, revision string) string {
	sum := sha256.Sum256([]byte(at + "\x00" + revision))
	return filepath.Join(b.dir, hex.EncodeToString(sum[:16]))
}

// keep keeps the bytes of a document, if there is room.
func (b *bodies) keep(at, revision string, body []byte) {
	if b.dir == "" || b.size+int64(len(body)) > maxBodies {
		return
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return
	}
	name := b.name(at, revision)
	if err := os.WriteFile(name+".new", body, 0o600); err != nil {
		_ = os.Remove(name + ".new")
		return
	}
	if os.Rename(name+".new", name) == nil {
		b.size += int64(len(body))
	}
}

// take opens the bytes of a document, which are dropped when all were read; false when
// they are not there.
func (b *bodies) take(ctx context.Context, at, revision string) (io.ReadCloser, bool) {
	if b.dir == "" {
		return nil, false
	}
	f, err := os.Open(b.name(at, revision))
	if err != nil {
		return nil, false
	}
	return &taken{ctx: ctx, file: f}, true
}

type taken struct {
	ctx  context.Context // reading ends with it
	file *os.File
	read bool // to the end
}

// Read implements io.Reader.
func (t *taken) Read(p []byte) (int, error) {
	if t.ctx.Err() != nil {
		return 0, fmt.Errorf("read a document: %w", context.Cause(t.ctx))
	}
	n, err := t.file.Read(p)
	t.read = t.read || errors.Is(err, io.EOF)
	return n, err
}

// Close implements io.Closer.
func (t *taken) Close() error {
	if t.read {
		_ = os.Remove(t.file.Name())
	}
	return t.file.Close()
}
