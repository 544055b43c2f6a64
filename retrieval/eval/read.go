package eval

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
)

const (
	maxLine = 64 << 20 // bytes of a line of a data set
	// maxFile bounds what a file of a data set, or a saved run, holds once it is
	// unpacked, in bytes: a small gzip file can unpack to more than a disk holds.
	maxFile = 1 << 30
)

// open opens a file of a data set: path or, where there is none, path with
// ".gz", unpacked. Reading more than maxFile bytes is an error.
func open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err == nil {
		return &bounded{in: f, file: f, name: path, left: maxFile}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, packed := os.Open(path + ".gz")
	if packed != nil {
		return nil, err // what was looked for first
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", f.Name(), err), f.Close())
	}
	return &bounded{in: z, file: f, name: f.Name(), left: maxFile}, nil
}

// bounded reads at most left bytes.
type bounded struct {
	in   io.Reader
	file io.Closer
	name string
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, cairn.Errorf(cairn.ErrTooLarge, "%s holds more than %d MiB", b.name, maxFile>>20)
	}
	return n, err
}

// Close implements io.Closer.
func (b *bounded) Close() error { return b.file.Close() }

// readLines calls add with each line of JSON; empty lines are passed over.
func readLines[T any](path string, add func(T)) error {
	f, err := open(path)
	if err != nil {
		return cairn.Errorf(cairn.ErrInvalid, "an evaluation folder holds corpus.jsonl, queries.jsonl and qrels.tsv: %v", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return cairn.Errorf(cairn.ErrInvalid, "%s, line %d: %v", path, n, err)
		}
		add(v)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// readJudgements reads qrels.tsv or qrels/test.tsv: query, document, relevance,
// separated by tabs, after a line of headings.
func readJudgements(dir string) (map[string]map[string]int, error) {
	path := filepath.Join(dir, "qrels.tsv")
	f, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		path = filepath.Join(dir, "qrels", "test.tsv")
		f, err = open(path)
	}
	if err != nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "an evaluation folder holds qrels.tsv or qrels/test.tsv: %v", err)
	}
	defer f.Close()
	judged := make(map[string]map[string]int)
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Split(strings.TrimSpace(lines.Text()), "\t")
		if len(fields) < 3 {
			continue
		}
		relevance, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			if n == 1 {
				continue // headings
			}
			return nil, cairn.Errorf(cairn.ErrInvalid, "%s, line %d: %q is no number", path, n, fields[len(fields)-1])
		}
		if relevance <= 0 {
			continue
		}
		query, document := fields[0], fields[len(fields)-2]
		if judged[query] == nil {
			judged[query] = make(map[string]int)
		}
		judged[query][document] = relevance
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return judged, nil
}
