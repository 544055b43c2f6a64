package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cairnhq/cairn"
)

// runFormat is the format of saved runs; another one is not read.
const runFormat = 1

// Save writes the run to a file, readable by its owner alone: it holds texts of
// queries and titles of documents.
func (r Run) Save(path string) error {
	return WriteFile(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(r) })
}

// LoadRun reads a run that Save has written. The figures are computed from what
// was found, so that they always belong to it. What is no run is cairn.ErrInvalid.
func LoadRun(path string) (Run, error) {
	f, err := open(path)
	if err != nil {
		return Run{}, cairn.Errorf(cairn.ErrInvalid, "a run is a file that cairn eval run --save has written: %v", err)
	}
	defer f.Close()
	var r Run
	if err := json.NewDecoder(f).Decode(&r); err != nil {
		return Run{}, cairn.Errorf(cairn.ErrInvalid, "%s is no run that cairn eval run --save has written: %v", path, err)
	}
	if r.Format != runFormat || len(r.Results) == 0 {
		return Run{}, cairn.Errorf(cairn.ErrInvalid, "%s is no run of format %d; write it again with cairn eval run --save", path, runFormat)
	}
	if err := r.check(); err != nil {
		return Run{}, cairn.Errorf(cairn.ErrInvalid, "%s %v", path, err)
	}
	for i, q := range r.Results {
		r.Results[i].Metrics = MetricsOf(q.Ranked, q.Relevant)
	}
	r.Report.Queries, r.Report.Metrics = len(r.Results), mean(r.Results)
	return r, nil
}

// check says what no run has: queries that occur twice or have no relevant
// documents, which every metric divides by.
func (r Run) check() error {
	seen := make(map[string]bool, len(r.Results))
	for _, q := range r.Results {
		if seen[q.ID] {
			return fmt.Errorf("has query %q twice", q.ID)
		}
		seen[q.ID] = true
		if len(q.Relevant) == 0 {
			return fmt.Errorf("has query %q without relevant documents", q.ID)
		}
		for id, grade := range q.Relevant {
			if grade <= 0 {
				return fmt.Errorf("has the grade %d for document %q; grades are above 0", grade, id)
			}
		}
	}
	return nil
}

// WriteFile writes a file as a whole or not at all, readable by its owner alone.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".cairn-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
