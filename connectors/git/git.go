// Package git reads the files of a git repository, and its commits where asked to.
//
// The program git keeps a bare copy of one branch in the source's own folder, and tells
// what has changed since the commit in the cursor. It is run without hooks, filters,
// credentials and configuration but ours, and checks nothing out. It reaches nobody but
// a relay in this process, see relay: that alone has the credential, and connects to the
// source's host alone, as far as the operator allows.
//
// The external id of a file is its path. Its author and date are those of the last
// commit that changed it, and its URL is that of the file at that commit; content and
// commit are its revision. Cursors name the commits that were told. A branch that was
// replaced (a forced push) is compared as a whole: files whose last change was not
// replaced keep their revision and are not read again.
//
// Git knows no permissions: the ACL is the source's own.
package git

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// Kind returns the kind of source "git".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "git",
		SyncEvery: 15 * time.Minute,
		Settings:  settings(),
		Check: func(env connectors.Environment, set map[string]string) error {
			c, err := parse(env, set)
			if err == nil && c.address.folder != nil {
				_, err = c.address.folder.Resolve()
			}
			return err
		},
		Open: func(env connectors.Environment, set map[string]string) (connectors.Connector, error) {
			return newRepository(env, set)
		},
	}
}

var (
	_ connectors.Lister = (*Repository)(nil)
	_ connectors.Tester = (*Repository)(nil)
)

// Repository is the connector. It implements connectors.Lister and connectors.Tester.
type Repository struct {
	config *config
	clone  *clone
	blobs  *blobs

	mu   sync.Mutex
	read *snapshot // of this run; nil: not yet
}

// snapshot is the repository as one run sees it.
type snapshot struct {
	commit  string
	files   []file   // that are documents, by path
	commits []string // that are
}

func newRepository(env connectors.Environment, set map[string]string) (*Repository, error) {
	c, err := parse(env, set)
	if err != nil {
		return nil, err
	}
	if env.WorkDir == "" {
		return nil, cairn.Errorf(cairn.ErrInvalid, "this server has no folder for copies of repositories")
	}
	if env.WorkDir, err = filepath.Abs(env.WorkDir); err != nil {
		return nil, fmt.Errorf("find the folder of the source: %w", err)
	}
	r := &Repository{config: c, clone: newClone(env.WorkDir, c, set["url"])}
	r.clone.sleep = env.Sleep
	if r.clone.sleep == nil {
		r.clone.sleep = remote.Sleep
	}
	switch a := c.address; {
	case a.web != nil:
		r.clone.upstream = &web{base: a.web, env: env, user: c.user}
	case a.shell != nil:
		r.clone.upstream = dial((&ssher{env: env, shell: *a.shell, knownHosts: c.knownHosts}).dial)
	default:
		r.clone.upstream = dial((&folder{place: *a.folder, home: r.clone.home}).dial)
	}
	r.blobs = &blobs{clone: r.clone}
	return r, nil
}

// snapshot brings the copy of the repository up to date, once a run. A copy that turns
// out to be damaged is made anew.
func (r *Repository) snapshot(ctx context.Context) (*snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read != nil {
		return r.read, nil
	}
	s, err := r.look(ctx)
	if failed := (*errFailed)(nil); errors.As(err, &failed) || errors.Is(err, errTree) {
		if err := os.RemoveAll(r.clone.dir); err != nil {
			return nil, fmt.Errorf("remove a damaged copy of the repository: %w", err)
		}
		s, err = r.look(ctx)
	}
	if failed := (*errFailed)(nil); errors.As(err, &failed) {
		return nil, &connectors.Error{Kind: connectors.ErrUnexpected, Message: fmt.Sprintf("%s, with the repository of %s: it may be damaged, or no space may be left on the server", failed, r.clone.what)}
	}
	r.read = s
	return s, err
}

func (r *Repository) look(ctx context.Context) (*snapshot, error) {
	commit, t, err := r.clone.update(ctx)
	if err != nil {
		return nil, err
	}
	s := &snapshot{commit: commit}
	if s.files, err = r.choose(ctx, t); err != nil {
		return nil, err
	}
	s.commits, err = r.window(ctx, commit)
	return s, err
}

// Externals implements connectors.Lister. It tells of the same commit as Changes.
func (r *Repository) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s, err := r.snapshot(ctx)
		if err != nil {
			yield("", err)
			return
		}
		tell := func(external string) bool {
			if ctx.Err() != nil {
				yield("", context.Cause(ctx))
				return false
			}
			return yield(external, nil)
		}
		for _, f := range s.files {
			if !tell(selection.Readable(f.path)) {
				return
			}
		}
		for _, oid := range s.commits {
			if !tell(commitPrefix + oid) {
				return
			}
		}
		if ctx.Err() != nil {
			yield("", context.Cause(ctx))
		}
	}
}

// Test implements connectors.Tester.
func (r *Repository) Test(ctx context.Context) (string, error) {
	if err := r.clone.prepare(ctx); err != nil {
		return "", err
	}
	if err := r.clone.connect(ctx); err != nil {
		return "", err
	}
	defer r.clone.disconnect()
	tip, err := r.clone.tip(ctx)
	if err != nil {
		return "", err
	}
	branch := "the branch " + r.config.branch
	if r.config.branch == "" {
		branch = "the main branch"
	}
	return fmt.Sprintf("%s of the repository %s at %s stands at commit %s", branch, r.config.address.repository(), r.config.address.name(), tip[:min(len(tip), 12)]), nil
}
