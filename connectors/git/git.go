// Package git reads the files of a git repository, and its commits where asked to.
//
// Package gitrepo keeps a copy of one branch in the source's own folder, and tells what
// has changed since the commit in the cursor. The program git, which it runs, sees no
// credential and reaches nobody but this process.
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
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
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
	config     *config
	repository *gitrepo.Repository

	mu   sync.Mutex
	read *snapshot // of this run; nil: not yet
}

// snapshot is the repository as one run sees it.
type snapshot struct {
	commit  string
	branch  string         // empty: the host does not tell
	files   []gitrepo.File // that are documents, by path
	commits []string       // that are
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
	return &Repository{config: c, repository: gitrepo.New(gitrepo.Config{
		Dir: env.WorkDir, Address: set["url"], Host: c.address.name(), Branch: c.branch, MaxSize: c.maxSize, Upstream: c.upstream(env), Sleep: env.Sleep,
	})}, nil
}

// upstream returns how the repository is reached.
func (c *config) upstream(env connectors.Environment) gitrepo.Upstream {
	switch a := c.address; {
	case a.web != nil:
		return &web{base: a.web, env: env, user: c.user}
	case a.shell != nil:
		return gitrepo.Dial((&ssher{env: env, shell: *a.shell, knownHosts: c.knownHosts}).dial)
	default:
		return gitrepo.Dial((&folder{place: *a.folder, home: gitrepo.Home(env.WorkDir)}).dial)
	}
}

// snapshot brings the copy of the repository up to date, once a run.
func (r *Repository) snapshot(ctx context.Context) (*snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read != nil {
		return r.read, nil
	}
	s := &snapshot{}
	err := r.repository.Update(ctx, func(t *gitrepo.Tree) (err error) {
		s.commit, s.branch = t.Commit, t.Branch
		if s.files, err = r.choose(ctx, t); err != nil {
			return err
		}
		s.commits, err = r.window(ctx, s.commit)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.read = s
	return s, nil
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
			if !tell(selection.Readable(f.Path)) {
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
	tip, err := r.repository.Tip(ctx)
	if err != nil {
		return "", err
	}
	branch := "the branch " + r.config.branch
	if r.config.branch == "" {
		branch = "the main branch"
	}
	return fmt.Sprintf("%s of the repository %s at %s stands at commit %s", branch, r.config.address.repository(), r.config.address.name(), tip[:min(len(tip), 12)]), nil
}
