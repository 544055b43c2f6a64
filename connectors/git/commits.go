package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// kindCommit is the kind of documents that are commits.
const kindCommit cairn.Kind = "commit"

// commitPrefix begins the external ids of commits. No path in a repository begins with a
// slash.
const commitPrefix = "/commits/"

// mostPaths is how many changed paths the document of a commit names.
const mostPaths = 500

// window returns the ids of the newest commits, as many as the settings say.
func (r *Repository) window(ctx context.Context, from string) ([]string, error) {
	if r.config.commits == 0 || from == "" {
		return nil, nil
	}
	limit := r.config.commits
	if limit == allCommits {
		limit = 0
	}
	return r.repository.Newest(ctx, from, limit)
}

// commits tells the commits in the window of the head that were not in that of the
// position. It reports whether to go on.
func (r *Repository) commits(ctx context.Context, p gitrepo.Position, head string, yield func(connectors.Change, error) bool) bool {
	now, err := r.window(ctx, head)
	since := p.Commits
	if err == nil && since != "" {
		known, failed := r.repository.Leads(ctx, since, head)
		if err = failed; !known {
			since = ""
		}
	}
	var was []string
	if err == nil {
		was, err = r.window(ctx, since)
	}
	fresh := map[string]bool{}
	for _, oid := range now {
		fresh[oid] = true
	}
	for _, oid := range was {
		delete(fresh, oid)
	}
	if err == nil && len(fresh) > 0 {
		goOn := true
		err = r.repository.Log(ctx, head, func(e gitrepo.Entry) bool {
			if fresh[e.Commit] {
				delete(fresh, e.Commit)
				goOn = yield(r.commitChange(e), nil)
			}
			return !goOn || len(fresh) == 0
		})
		if !goOn {
			return false
		}
	}
	if err != nil {
		yield(connectors.Change{}, err)
		return false
	}
	return true
}

// commitChange is a commit as a document: its message and the paths that it changed.
func (r *Repository) commitChange(e gitrepo.Entry) connectors.Change {
	subject, _, _ := strings.Cut(strings.TrimSpace(e.Message), "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(e.Message))
	for i, p := range e.Paths {
		if i == 0 {
			b.WriteString("\nChanged files:\n")
		}
		if i == mostPaths {
			fmt.Fprintf(&b, "and %d more\n", len(e.Paths)-mostPaths)
			break
		}
		b.WriteString(selection.Readable(p.Path) + "\n")
	}
	if subject == "" {
		subject = "Commit " + e.Commit[:min(len(e.Commit), 12)]
		b.WriteString(subject + "\n")
	}
	text := b.Bytes()
	return connectors.Change{
		External: commitPrefix + e.Commit,
		Metadata: connectors.Metadata{
			Title: subject, URL: r.config.link.ofCommit(e.Commit), Author: e.Author, Kind: kindCommit, MediaType: "text/plain",
			Filename: e.Commit + ".txt", Size: int64(len(text)), Created: e.Written, Modified: e.At, Revision: e.Commit,
			Attributes: r.attributes(e.Commit, ""),
		},
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return io.NopCloser(bytes.NewReader(text)), nil
		},
	}
}
