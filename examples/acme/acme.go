// Package acme holds a small invented company: documents in every format that
// Cairn reads, and questions about them. It is what a new installation can
// begin with, and what answers are measured on.
package acme

import (
	"context"
	"embed"
	"io"
	"io/fs"
	"iter"
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

//go:embed all:documents
var documents embed.FS

//go:embed questions.jsonl
var questions []byte

// Questions returns the questions about the documents, one JSON object a line.
func Questions() []byte { return questions }

// Documents returns the documents as files.
func Documents() fs.FS {
	sub, err := fs.Sub(documents, "documents")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// Kind returns the kind of source "sample": the documents of this package. It
// has no settings.
func Kind() connectors.Kind {
	return connectors.Kind{
		Name: "sample",
		Open: func(connectors.Environment, map[string]string) (connectors.Connector, error) {
			return connector{Documents()}, nil
		},
	}
}

// connector reads documents out of the binary.
type connector struct{ files fs.FS }

var _ connectors.Lister = connector{}

// Externals implements connectors.Lister.
func (c connector) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for change, err := range c.Changes(ctx, "") {
			if !yield(change.External, err) || err != nil {
				return
			}
		}
	}
}

// Changes implements connectors.Connector. There is no history: it yields
// every document.
func (c connector) Changes(ctx context.Context, _ connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		err := fs.WalkDir(c.files, ".", func(path string, entry fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
				return err
			}
			if !yield(c.change(path, entry), nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(connectors.Change{}, err)
		}
	}
}

func (c connector) change(path string, entry fs.DirEntry) connectors.Change {
	change := connectors.Change{External: path, Metadata: connectors.Metadata{Filename: entry.Name()}}
	change.Open = func(context.Context) (io.ReadCloser, error) { return c.files.Open(path) }
	if info, err := entry.Info(); err == nil {
		change.Metadata.Size = info.Size()
	}
	return change
}
