// Package eval measures retrieval on data sets in the layout of BEIR (Thakur et
// al., 2021): corpus.jsonl, queries.jsonl and relevance judgements.
package eval

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Set is a data set.
type Set struct {
	Documents []Document
	Queries   []Query
}

// Document is a text of the corpus.
type Document struct {
	ID    string `json:"_id"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Query is a question with its judged documents.
type Query struct {
	ID     string `json:"_id"`
	Text   string `json:"text"`
	Answer string `json:"answer"` // a reference answer; may be empty
	// Relevant maps ids of documents to how relevant they are; only positive ones.
	Relevant map[string]int `json:"-"`
}

// maxLine bounds a line of a data set, in bytes.
const maxLine = 64 << 20

// Load reads the data set in a folder. Queries without a relevant document are
// left out, as they measure nothing.
func Load(dir string) (*Set, error) {
	var s Set
	if err := readLines(filepath.Join(dir, "corpus.jsonl"), func(d Document) { s.Documents = append(s.Documents, d) }); err != nil {
		return nil, err
	}
	judged, err := readJudgements(dir)
	if err != nil {
		return nil, err
	}
	err = readLines(filepath.Join(dir, "queries.jsonl"), func(q Query) {
		if q.Relevant = judged[q.ID]; len(q.Relevant) > 0 {
			s.Queries = append(s.Queries, q)
		}
	})
	if err != nil {
		return nil, err
	}
	if len(s.Documents) == 0 || len(s.Queries) == 0 {
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s has no documents, or no queries with judgements", dir)
	}
	return &s, nil
}

func readLines[T any](path string, add func(T)) error {
	f, err := os.Open(path)
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
	f, err := os.Open(filepath.Join(dir, "qrels.tsv"))
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(filepath.Join(dir, "qrels", "test.tsv"))
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
			return nil, cairn.Errorf(cairn.ErrInvalid, "%s, line %d: %q is no number", f.Name(), n, fields[len(fields)-1])
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
	return judged, lines.Err()
}

// Connector returns the corpus as a source of plain texts.
func (s *Set) Connector() connectors.Connector { return corpus(s.Documents) }

type corpus []Document

// Changes implements connectors.Connector.
func (c corpus) Changes(ctx context.Context, _ connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for _, d := range c {
			if err := ctx.Err(); err != nil {
				yield(connectors.Change{}, err)
				return
			}
			change := connectors.Change{External: d.ID, Metadata: connectors.Metadata{Title: d.Title, MediaType: "text/plain", Size: int64(len(d.Text))}}
			change.Open = func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(d.Text)), nil
			}
			if !yield(change, nil) {
				return
			}
		}
	}
}
