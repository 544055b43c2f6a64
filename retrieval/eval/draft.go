package eval

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/cairnhq/cairn"
)

// Draft is a data set that a person is to look through before it measures.
type Draft struct {
	Queries []DraftQuery
	Review  []Review
	About   string // for README.md: who may read what is in the folder
}

// DraftQuery is a question whose answer was good.
type DraftQuery struct {
	ID      string `json:"_id"`
	Text    string `json:"text"`
	Answer  string `json:"answer,omitempty"`
	History []Turn `json:"history,omitempty"` // what was said before, oldest first
	// Relevant maps ids of documents to grades.
	Relevant map[string]int `json:"-"`
}

// Turn is one thing said in a conversation.
type Turn struct {
	Speaker string `json:"speaker"` // "user" or "agent"
	Text    string `json:"text"`
}

// Review is a question whose answer was bad: a person is to find the right
// documents, and then makes a query of it.
type Review struct {
	ID      string   `json:"_id"`
	Text    string   `json:"text"`
	History []Turn   `json:"history,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Comment string   `json:"comment,omitempty"`
	Outcome string   `json:"outcome"`
	Answer  string   `json:"answer"`
	Cited   []string `json:"cited"` // ids of documents
}

// Vacant returns nil when a draft can be written to dir: there is nothing, or an
// empty folder.
func Vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return cairn.Errorf(cairn.ErrInvalid, "%s cannot be the new folder: %v", dir, err)
	case len(entries) > 0:
		return cairn.Errorf(cairn.ErrInvalid, "%s is not empty; name a new folder", dir)
	}
	return nil
}

// Write writes the draft with its documents as a folder that Load reads, as a
// whole or not at all. Its owner alone may read it.
func (d Draft) Write(dir string, documents iter.Seq2[Document, error]) (err error) {
	if err := Vacant(dir); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".cairn-eval-") // for its owner alone
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(work))
		}
	}()
	for name, write := range map[string]func(io.Writer) error{
		"corpus.jsonl":  func(w io.Writer) error { return writeLines(w, documents) },
		"queries.jsonl": func(w io.Writer) error { return writeLines(w, withoutErrors(d.Queries)) },
		"review.jsonl":  func(w io.Writer) error { return writeLines(w, withoutErrors(d.Review)) },
		"qrels.tsv":     d.writeJudgements,
		"README.md":     func(w io.Writer) error { _, err := io.WriteString(w, d.About); return err },
	} {
		if err := WriteFile(filepath.Join(work, name), write); err != nil {
			return err
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty folder, or one that was filled meanwhile
		return fmt.Errorf("write %s: %w", dir, err)
	}
	return os.Rename(work, dir)
}

func (d Draft) writeJudgements(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "query-id\tcorpus-id\tscore")
	for _, q := range d.Queries {
		for _, document := range slices.Sorted(maps.Keys(q.Relevant)) {
			fmt.Fprintf(b, "%s\t%s\t%d\n", q.ID, document, q.Relevant[document])
		}
	}
	return b.Flush()
}

func writeLines[T any](w io.Writer, lines iter.Seq2[T, error]) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for line, err := range lines {
		if err != nil {
			return err
		}
		if err := e.Encode(line); err != nil {
			return err
		}
	}
	return b.Flush()
}

func withoutErrors[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}
