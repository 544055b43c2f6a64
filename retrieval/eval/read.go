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

// readLines calls add with each line of JSON; empty lines are passed over. An error
// of add is one of the line.
func readLines[T any](path string, add func(T) error) error {
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
		err := json.Unmarshal(lines.Bytes(), &v)
		if err == nil {
			err = add(v)
		}
		if err != nil {
			return cairn.Errorf(cairn.ErrInvalid, "%s, line %d: %v", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// once notes an id, which is none that was noted before.
func once(seen map[string]bool, id string) error {
	if id == "" {
		return errors.New("_id is missing")
	}
	if seen[id] {
		return fmt.Errorf("the _id %q occurs twice", id)
	}
	seen[id] = true
	return nil
}

// readJudgements reads qrels.tsv or qrels/test.tsv: how relevant which of the known
// documents are for a query, where they are at all.
func readJudgements(dir string, known map[string]bool) (map[string]map[string]int, error) {
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
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		j, err := parseJudgement(line)
		switch {
		case n == 1 && errors.Is(err, strconv.ErrSyntax):
			continue // headings
		case err == nil && j.relevance > 0 && !known[j.document]:
			err = fmt.Errorf("the corpus has no document %q", j.document)
		}
		if err != nil {
			return nil, cairn.Errorf(cairn.ErrInvalid, "%s, line %d: %v", path, n, err)
		}
		if j.relevance <= 0 {
			continue
		}
		if judged[j.query] == nil {
			judged[j.query] = make(map[string]int)
		}
		judged[j.query][j.document] = j.relevance
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return judged, nil
}

type judgement struct {
	query, document string
	relevance       int
}

// parseJudgement reads a line in BEIR's form, query, document and relevance, or in
// TREC's with a column that nobody uses after the query. Tabs separate the columns,
// blanks where there are no tabs.
func parseJudgement(line string) (judgement, error) {
	columns := strings.Split(line, "\t")
	if len(columns) == 1 {
		columns = strings.Fields(line)
	}
	n := len(columns)
	if n != 3 && n != 4 {
		return judgement{}, errors.New("a judgement is a query, a document and a number with tabs between them, or TREC's four columns")
	}
	relevance, err := strconv.Atoi(columns[n-1])
	if err != nil {
		return judgement{}, fmt.Errorf("the relevance is a whole number: %w", err)
	}
	return judgement{columns[0], columns[n-2], relevance}, nil
}
