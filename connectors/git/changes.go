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
		p := positionOf(since, r.config.hash)
		files, changes, err := r.pending(ctx, s, p)
		var former map[string]string
		if err == nil {
			former, err = r.former(ctx, s, p, files)
		}
		if err != nil {
			yield(connectors.Change{}, err)
			return
		}
		for _, f := range files {
			if ctx.Err() != nil {
				yield(connectors.Change{}, context.Cause(ctx))
				return
			}
			p = p.told(f.path, s.commit)
			c := r.change(f, changes[f.path])
			if from, ok := former[f.path]; ok && c.Err == nil {
				c.From = selection.Readable(from)
			}
			if c.Cursor = p.cursor(); !yield(c, nil) {
				return
			}
		}
		if p = p.everything(s.commit); !r.commits(ctx, p, s.commit, yield) {
			return
		}
		if err := ctx.Err(); err != nil {
			yield(connectors.Change{}, context.Cause(ctx))
			return
		}
		p.Commits = s.commit
		if next := p.cursor(); next != since {
			yield(connectors.Change{Op: connectors.Checkpoint, Cursor: next}, nil)
		}
	}
}

// pending returns the files that are to be told after a position, and the commits that
// gave them their content.
func (r *Repository) pending(ctx context.Context, s *snapshot, p position) ([]file, map[string]change, error) {
	changes := map[string]change{}
	var files []file
	whole := map[string]string{} // paths whose commit is not known yet, with their content
	for _, span := range p.Files {
		told := map[string]change{}
		var differing map[string]bool
		known := false
		if span.Commit != "" {
			var err error
			if told, differing, known, err = r.between(ctx, s, span.Commit); err != nil {
				return nil, nil, err
			}
		}
		for _, f := range s.files {
			if p.spanOf(f.path) != span.end() {
				continue
			}
			c, touched := told[f.path]
			if known && !touched && !differing[f.path] {
				continue
			}
			files = append(files, f)
			if touched {
				changes[f.path] = c
			} else {
				whole[f.path] = f.oid
			}
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	if len(whole) > 0 {
		found, err := r.clone.last(ctx, "", s.commit, whole, true)
		if err != nil {
			return nil, nil, err
		}
		for path, c := range found {
			changes[path] = c
		}
	}
	return files, changes, nil
}

// former returns the paths that files had at a position and have no longer, by those that
// they have now.
func (r *Repository) former(ctx context.Context, s *snapshot, p position, files []file) (map[string]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	there := make(map[string]bool, len(s.files))
	for _, f := range s.files {
		there[f.path] = true
	}
	former := map[string]string{}
	for _, span := range p.Files {
		if span.Commit == "" || span.Commit == s.commit {
			continue
		}
		if has, err := r.clone.has(ctx, span.Commit); err != nil || has != span.Commit {
			continue // a copy that is new, or a branch that was replaced
		}
		found, err := r.clone.renames(ctx, span.Commit, s.commit)
		if err != nil {
			return nil, err
		}
		for to, from := range found {
			if !there[from] && p.spanOf(from) == span.end() {
				former[to] = from
			}
		}
	}
	return former, nil
}

// between returns what commits changed since one, and in what the two differ; known is
// false where that cannot be told, or is not enough: the commit is gone or was replaced,
// or what says which files are read has changed.
func (r *Repository) between(ctx context.Context, s *snapshot, since string) (told map[string]change, differing map[string]bool, known bool, err error) {
	if since == s.commit {
		return nil, nil, true, nil
	}
	if known, err = r.clone.leads(ctx, since, s.commit); err != nil || !known {
		return nil, nil, false, err
	}
	if differing, err = r.clone.differing(ctx, since, s.commit); err != nil {
		return nil, nil, false, err
	}
	for p := range differing {
		if path.Base(p) == selection.IgnoreName {
			return nil, nil, false, nil
		}
	}
	content := make(map[string]string, len(s.files))
	for _, f := range s.files {
		content[f.path] = f.oid
	}
	told, err = r.clone.last(ctx, since, s.commit, content, false)
	return told, differing, err == nil, err
}

// end tells a span from the others of a position.
func (s span) end() string {
	if s.Upto == nil {
		return "\x00"
	}
	return string(s.Upto)
}

func (p position) spanOf(path string) string {
	for _, s := range p.Files {
		if s.Upto == nil || path <= string(s.Upto) {
			return s.end()
		}
	}
	return ""
}

// prose are the extensions of files whose title is in them. Others are called by their
// path, by which people know code.
var prose = []string{"", ".md", ".markdown", ".mdx", ".rst", ".adoc", ".asciidoc", ".txt", ".html", ".htm", ".xhtml", ".pdf", ".docx", ".doc", ".pptx", ".xlsx", ".odt", ".eml", ".ipynb"}

// change describes a file.
func (r *Repository) change(f file, last change) connectors.Change {
	external := selection.Readable(f.path)
	if f.size < 0 || f.size > r.config.maxSize {
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
			Title: title, URL: r.config.link.ofFile(last.commit, f.path), Author: last.author, Filename: path.Base(external),
			Size: f.size, Modified: last.at, Revision: f.oid + " " + last.commit, Attributes: r.attributes(last.commit, external),
		},
		Open: r.opener(f),
	}
}

// attributes are what can be filtered by.
func (r *Repository) attributes(commit, path string) map[string]string {
	a := map[string]string{"repo": r.config.address.repository()}
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

func (r *Repository) opener(f file) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		if f.size >= 1024 || f.size < int64(len(pointer)) {
			return r.blobs.open(ctx, f.oid, f.size)
		}
		content, err := r.blobs.read(ctx, f.oid)
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(content, []byte(pointer)) {
			return nil, &connectors.DocumentError{Code: "lfs_pointer", Reason: "The file is kept in Git LFS, from which nothing is fetched: the repository has only a pointer to it."}
		}
		return io.NopCloser(bytes.NewReader(content)), nil
	}
}
