package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// Changes implements connectors.Connector. Files come by path, then commits. What was
// deleted is not told: it is missing from Externals, which is read in every sync. A file
// that was moved has its former path, also when it was changed.
func (r *Repository) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		s, err := r.snapshot(ctx)
		if err != nil {
			yield(connectors.Change{}, err)
			return
		}
		p := gitrepo.ParsePosition(since, r.config.hash)
		pending, err := r.repository.Pending(ctx, s.commit, s.files, p, decides)
		var former map[string]string
		if err == nil && len(pending) > 0 {
			former, err = r.repository.Former(ctx, s.commit, s.files, p)
		}
		if err != nil {
			yield(connectors.Change{}, err)
			return
		}
		for _, f := range pending {
			if ctx.Err() != nil {
				yield(connectors.Change{}, context.Cause(ctx))
				return
			}
			p = p.Told(f.Path, s.commit)
			c := r.change(f)
			if from, ok := former[f.Path]; ok && c.Err == nil {
				c.From = selection.Readable(from)
			}
			if c.Cursor = p.Cursor(); !yield(c, nil) {
				return
			}
		}
		if p = p.Everything(s.commit); !r.commits(ctx, p, s.commit, yield) {
			return
		}
		if err := ctx.Err(); err != nil {
			yield(connectors.Change{}, context.Cause(ctx))
			return
		}
		p.Commits = s.commit
		if next := p.Cursor(); next != since {
			yield(connectors.Change{Op: connectors.Checkpoint, Cursor: next}, nil)
		}
	}
}

// decides reports whether a file says which files are read.
func decides(p string) bool { return path.Base(p) == selection.IgnoreName }

// prose are the extensions of files whose title is in them. Others are called by their
// path, by which people know code.
var prose = []string{"", ".md", ".markdown", ".mdx", ".rst", ".adoc", ".asciidoc", ".txt", ".html", ".htm", ".xhtml", ".pdf", ".docx", ".doc", ".pptx", ".xlsx", ".odt", ".eml", ".ipynb"}

// change describes a file.
func (r *Repository) change(f gitrepo.Pending) connectors.Change {
	external := selection.Readable(f.Path)
	if f.Size < 0 || f.Size > r.config.maxSize {
		return connectors.Change{External: external, Err: &connectors.DocumentError{
			Code: "too_large", Reason: fmt.Sprintf("The file has more than %d bytes, which the setting max_size of this source allows.", r.config.maxSize),
		}}
	}
	title := ""
	if !slices.Contains(prose, strings.ToLower(path.Ext(external))) {
		title = external
	}
	return connectors.Change{
		External: external,
		Metadata: connectors.Metadata{
			Title: title, URL: r.config.link.ofFile(f.Origin.Commit, f.Path), Lines: r.config.link.ofLines(f.Origin.Commit, f.Path), Author: f.Origin.Author, Filename: path.Base(external),
			Size: f.Size, Modified: f.Origin.At, Revision: f.OID + " " + f.Origin.Commit, Attributes: r.attributes(f.Origin.Commit, external),
		},
		Open: r.opener(f.File),
	}
}

// attributes are what can be filtered by, in a run that has its snapshot.
func (r *Repository) attributes(commit, path string) map[string]string {
	a := map[string]string{"repo": r.config.address.repository()}
	if branch := r.read.branch; branch != "" {
		a["branch"] = branch
	}
	if commit != "" {
		a["commit"] = commit
	}
	if path != "" {
		a["path"] = path
	}
	return a
}

// pointer begins the files that stand for others in Git LFS (git-lfs, docs/spec.md).
const pointer = "version https://git-lfs.github.com/spec/v1\n"

func (r *Repository) opener(f gitrepo.File) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		if f.Size >= 1024 || f.Size < int64(len(pointer)) {
			return r.repository.Open(ctx, f)
		}
		content, err := r.repository.Read(ctx, f)
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(content, []byte(pointer)) {
			return nil, &connectors.DocumentError{Code: "lfs_pointer", Reason: "The file is kept in Git LFS, from which nothing is fetched: the repository has only a pointer to it."}
		}
		return io.NopCloser(bytes.NewReader(content)), nil
	}
}
