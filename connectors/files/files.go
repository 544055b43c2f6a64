// Package files reads the documents of a folder.
//
// The external id of a document is its path from the folder, with slashes. A
// file that was not changed keeps its revision, so that a sync costs one look
// at each file. Hidden files and folders (".name"), folders of other people's
// code and what .cairnignore names are left out.
//
// Symbolic links are not followed. One that stays inside the folder leads to
// something that is read in its own place; one that leads out of it, nowhere or
// in a circle is reported, so that nobody misses a document without a word. No
// race between looking at a file and opening it leads out of the folder either,
// see openAt.
package files

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"path"
	"path/filepath"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/place"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// Kind returns the kind of source "files".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "files",
		SyncEvery: 15 * time.Minute,
		Settings: []connectors.Setting{
			{Name: "path", Required: true, Help: "the folder: an absolute path, or one that begins with ~/"},
			{Name: "include", Help: "only files that match one of these globs, such as *.md,guides/**; separated by commas or lines"},
			{Name: "exclude", Help: "no files or folders that match one of these globs, such as drafts,**/old/*.docx"},
			{Name: "acl_rules", Help: "who may read parts of the folder: GLOB=PRINCIPAL,PRINCIPAL;… such as hr/**=group:cairn:hr; the most specific rule holds"},
			{Name: "max_size", Help: "larger files are reported and not read, such as 50MB; unset: no limit here"},
			{Name: "skip_folders", Help: "names of folders that are skipped wherever they are; unset: " + selection.DefaultSkipped},
		},
		Rules: func(settings map[string]string) (func(string) *cairn.ACL, error) {
			rs, err := parseRules(settings["acl_rules"])
			return rs.acl, err
		},
		Check: func(env connectors.Environment, settings map[string]string) error {
			f, err := parse(env, settings)
			if err != nil {
				return err
			}
			_, err = f.place.Resolve()
			return err
		},
		Open: func(env connectors.Environment, settings map[string]string) (connectors.Connector, error) {
			return parse(env, settings)
		},
	}
}

var (
	_ connectors.Lister      = (*Folder)(nil)
	_ connectors.Permissions = (*Folder)(nil)
)

// Folder is the connector. It implements connectors.Lister and connectors.Permissions.
type Folder struct {
	place   place.Place
	skip    map[string]bool // names of folders
	include selection.Globs
	exclude selection.Globs
	rules   rules
	maxSize int64 // 0: none
}

// Changes implements connectors.Connector. It yields every file, in an order
// that depends only on the names; there is no cursor, since a folder does not
// remember what happened to it.
func (f *Folder) Changes(ctx context.Context, _ connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		for e, err := range f.walk(ctx) {
			if err != nil {
				yield(connectors.Change{}, err)
				return
			}
			if !yield(f.change(e), nil) {
				return
			}
		}
	}
}

// Externals implements connectors.Lister. A folder that cannot be read makes
// the list incomplete, which the last error says; a file of which only the content
// cannot be read is still listed.
func (f *Folder) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for e, err := range f.list(ctx) {
			if e.failed == nil && !yield(e.external, err) {
				return
			}
		}
	}
}

// Permissions implements connectors.Permissions: who may read a file is what the
// rules say of its path. It looks at each file once, as Externals does. What Changes
// reports as a failure, such as a link to nowhere, is told of as well: a sync keeps
// what was read in its place before.
func (f *Folder) Permissions(ctx context.Context) iter.Seq2[connectors.Permission, error] {
	return func(yield func(connectors.Permission, error) bool) {
		for e, err := range f.list(ctx) {
			if !yield(connectors.Permission{External: e.external, ACL: f.rules.acl(e.path)}, err) {
				return
			}
		}
	}
}

// list is walk without the places where files may be missing: that there were some is
// an error after everything else.
func (f *Folder) list(ctx context.Context) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		var first error
		places := 0
		for e, err := range f.walk(ctx) {
			if err != nil {
				yield(entry{}, err)
				return
			}
			if e.missing {
				if places++; first == nil {
					first = e.failed
				}
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
		if places > 0 {
			yield(entry{}, incomplete(places, first))
		}
	}
}

// incomplete says that files may be missing in so many places. It names none of them:
// the errors of a sync do.
func incomplete(places int, first error) error {
	return &connectors.DocumentError{Code: "incomplete", Err: first, Reason: fmt.Sprintf(
		"In %d places of the folder files may be missing from the list; the errors of the next sync name them. The first: %s", places, first)}
}

// change describes an entry of the walk.
func (f *Folder) change(e entry) connectors.Change {
	if e.failed != nil {
		return connectors.Change{External: e.external, Err: e.failed}
	}
	if f.maxSize > 0 && e.info.Size() > f.maxSize {
		return connectors.Change{External: e.external, Err: &connectors.DocumentError{
			Code:   "too_large",
			Reason: fmt.Sprintf("The file has %d bytes; the setting max_size of this source allows %d.", e.info.Size(), f.maxSize),
		}}
	}
	return connectors.Change{
		External: e.external,
		Metadata: connectors.Metadata{
			URL:      fileURL(e.base, e.path),
			Filename: path.Base(e.external),
			Size:     e.info.Size(),
			Modified: e.info.ModTime().UTC(),
			Revision: revision(e.info),
		},
		ACL:  f.rules.acl(e.path),
		Open: f.opener(e.path),
	}
}

// fileURL returns the URL of a file (RFC 8089).
func fileURL(base, rel string) string {
	return (&url.URL{Scheme: "file", Path: path.Join(filepath.ToSlash(base), rel)}).String()
}

// revision changes with the content: by the times of the last change of content
// and of attributes, which programs cannot set back together.
func revision(info fs.FileInfo) string {
	return fmt.Sprintf("%d-%d-%s", info.ModTime().UnixNano(), info.Size(), inode(info))
}
