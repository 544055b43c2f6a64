// Package eval measures retrieval on data sets in the layout of BEIR (Thakur et
// al., 2021): corpus.jsonl, queries.jsonl and relevance judgements.
package eval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// Set is a data set.
type Set struct {
	Name      string // of its folder
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

// SetInfo says which set was measured.
type SetInfo struct {
	Name string `json:"name"` // of its folder
	// Digest is of documents, queries and judgements, in their order.
	Digest string `json:"digest"`
}

// Load reads the data set in a folder; its files may be packed with gzip
// (corpus.jsonl.gz). Queries without a relevant document are left out, as they
// measure nothing. What is wrong with the folder, such as an id that occurs twice or
// a judgement of an unknown document, is cairn.ErrInvalid and names the line; a file
// of more than 1 GiB is cairn.ErrTooLarge.
func Load(dir string) (*Set, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("evaluation folder: %w", err)
	}
	s := Set{Name: filepath.Base(path)}
	known, asked := make(map[string]bool), make(map[string]bool)
	err = readLines(filepath.Join(dir, "corpus.jsonl"), func(d Document) error {
		s.Documents = append(s.Documents, d)
		return once(known, d.ID)
	})
	if err != nil {
		return nil, err
	}
	judged, err := readJudgements(dir, known)
	if err != nil {
		return nil, err
	}
	err = readLines(filepath.Join(dir, "queries.jsonl"), func(q Query) error {
		if canon.Inline(q.Text) == "" {
			return fmt.Errorf("the query %q has no text", q.ID)
		}
		if q.Relevant = judged[q.ID]; len(q.Relevant) > 0 {
			s.Queries = append(s.Queries, q)
		}
		return once(asked, q.ID)
	})
	if err != nil {
		return nil, err
	}
	if len(s.Documents) == 0 || len(s.Queries) == 0 {
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s has no documents, or no queries with judgements", dir)
	}
	return &s, nil
}

// Info identifies the set.
func (s *Set) Info() SetInfo {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, d := range s.Documents {
		_ = e.Encode(d) // a hash takes everything, and strings encode
	}
	for _, q := range s.Queries {
		_ = e.Encode(q)
		_ = e.Encode(q.Relevant) // in order of the keys
	}
	return SetInfo{Name: s.Name, Digest: hex.EncodeToString(h.Sum(nil)[:16])}
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
