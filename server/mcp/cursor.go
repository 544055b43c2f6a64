package mcp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/cairnhq/cairn"
)

// maxPages is how many pages of a search can be turned over.
const maxPages = 20

// position is where the next reply to a search goes on: a page, and how many of its
// passages were shown or left out.
type position struct{ page, skip int }

// encode returns the position as a cursor, with a fingerprint of the search that it is of.
func (p position) encode(search ...string) string {
	b := binary.AppendUvarint(nil, uint64(p.page))
	b = binary.AppendUvarint(b, uint64(p.skip))
	return base64.RawURLEncoding.EncodeToString(append(b, fingerprint(search)...))
}

func fingerprint(search []string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(search, "\x00")))
	return sum[:8]
}

func parseCursor(cursor string, search ...string) (position, error) {
	if cursor == "" {
		return position{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	page, n := binary.Uvarint(b)
	skip, m := binary.Uvarint(b[max(n, 0):])
	if err != nil || n <= 0 || m <= 0 || page >= maxPages || skip > codePage || string(b[n+m:]) != string(fingerprint(search)) {
		return position{}, cairn.Errorf(cairn.ErrInvalid, "the cursor does not belong to this search; begin without one")
	}
	return position{int(page), int(skip)}, nil
}

// ignoreMissing drops an error that says that something is not there any more.
func ignoreMissing(err error) error {
	if errors.Is(err, cairn.ErrNotFound) {
		return nil
	}
	return err
}
