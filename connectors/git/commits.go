package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
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
	args := []string{"rev-list", from, "--"}
	if r.config.commits < allCommits {
		args = []string{"rev-list", "--max-count=" + strconv.Itoa(r.config.commits), from, "--"}
	}
	out, err := r.clone.git(args...).output(ctx)
	return strings.Fields(string(out)), err
}

// commits tells the commits in the window of the head that were not in that of the
// position. It reports whether to go on.
func (r *Repository) commits(ctx context.Context, p position, head string, yield func(connectors.Change, error) bool) bool {
	now, err := r.window(ctx, head)
	since := p.Commits
	if err == nil && since != "" {
		known, failed := r.clone.leads(ctx, since, head)
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
		err = r.clone.log(ctx, true, func(e entry) bool {
			if fresh[e.commit] {
				delete(fresh, e.commit)
				goOn = yield(r.commitChange(e), nil)
			}
			return !goOn || len(fresh) == 0
		}, head, "--")
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
func (r *Repository) commitChange(e entry) connectors.Change {
	subject, _, _ := strings.Cut(strings.TrimSpace(e.message), "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(e.message))
	for i, p := range e.paths {
		if i == 0 {
			b.WriteString("\nChanged files:\n")
		}
		if i == mostPaths {
			fmt.Fprintf(&b, "and %d more\n", len(e.paths)-mostPaths)
			break
		}
		b.WriteString(selection.Readable(p.path) + "\n")
	}
	if subject == "" {
		subject = "Commit " + e.commit[:min(len(e.commit), 12)]
		b.WriteString(subject + "\n")
	}
	text := b.Bytes()
	return connectors.Change{
		External: commitPrefix + e.commit,
		Metadata: connectors.Metadata{
			Title: subject, URL: r.config.link.ofCommit(e.commit), Author: e.author, Kind: kindCommit, MediaType: "text/plain",
			Filename: e.commit + ".txt", Size: int64(len(text)), Created: e.written, Modified: e.at, Revision: e.commit,
			Attributes: r.attributes(e.commit, ""),
		},
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return io.NopCloser(bytes.NewReader(text)), nil
		},
	}
}
