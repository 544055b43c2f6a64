package github

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// wikis are the wikis of the repositories of a source in one run. A wiki is a git
// repository of its own beside the one that it belongs to, of which a copy is kept, see
// package gitrepo.
type wikis struct {
	env     connectors.Environment
	host    *gitrepo.Web
	base    *url.URL
	dir     string           // empty: there is none
	read    map[string]*wiki // by key of the repository
	machine error            // *unableError: this machine cannot read wikis
	checked bool             // whether it can is known
}

// wiki is one wiki as this run sees it. The zero wiki has no pages.
type wiki struct {
	repository *gitrepo.Repository
	commit     string
	pages      []gitrepo.File // by path
}

// unableError says that no wiki can be read on this machine. The rest of a source can.
type unableError struct{ err error }

// Error implements error.
func (e *unableError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *unableError) Unwrap() error { return e.err }

// gitUser is the user name that goes with tokens, those of Apps and those of people,
// where git asks for a password.
const gitUser = "x-access-token"

// maxPage bounds the files that are fetched: pages are short, pictures beside them are
// not.
const maxPage = 2 << 20

// newWikis returns the wikis of a source, which share the credential of its api.
func newWikis(env connectors.Environment, p *parsed, a *api) (*wikis, error) {
	base, err := remote.ParseURL("url", p.site.web)
	if err != nil {
		return nil, err
	}
	w := &wikis{env: env, base: base, read: map[string]*wiki{}}
	if env.WorkDir != "" {
		if w.dir, err = filepath.Abs(filepath.Join(env.WorkDir, "wikis")); err != nil {
			return nil, fmt.Errorf("find the folder of the source: %w", err)
		}
	}
	w.host, err = gitrepo.NewWeb(env, remote.Config{
		URL: p.site.web, CredentialOf: a.client, Sign: remote.Basic(gitUser), Account: p.account(), Advice: advice, Judge: a.judge,
		Rate: connectors.Rate{Every: 100 * time.Millisecond, Burst: 30},
	})
	return w, err
}

// open returns the wiki of a repository, which is brought up to date once a run. One that
// is switched on and has no pages yet is not there for git: it is the zero wiki. An
// *unableError when there are pages and this machine cannot read them.
func (w *wikis) open(ctx context.Context, repo *repository) (*wiki, error) {
	if known := w.read[repo.key()]; known != nil {
		return known, nil
	}
	found, err := w.update(ctx, repo)
	if errors.Is(err, connectors.ErrNotFound) {
		found, err = &wiki{}, nil
		if w.dir != "" {
			err = os.RemoveAll(w.copyOf(repo))
		}
	}
	if err != nil {
		return nil, err
	}
	w.read[repo.key()] = found
	return found, nil
}

func (w *wikis) update(ctx context.Context, repo *repository) (*wiki, error) {
	upstream := w.host.Repository(w.base.JoinPath(repo.NameWithOwner + ".wiki.git"))
	if err := upstream.Look(ctx); err != nil {
		return nil, err
	}
	if err := w.check(ctx); err != nil {
		return nil, err
	}
	found := &wiki{repository: gitrepo.New(gitrepo.Config{
		Dir: w.copyOf(repo), Address: "wiki of " + repo.key(), Host: w.base.Host, MaxSize: maxPage, Upstream: upstream, Sleep: w.env.Sleep,
	})}
	err := found.repository.Update(ctx, func(t *gitrepo.Tree) error {
		found.commit = t.Commit
		found.pages = slices.DeleteFunc(t.Files, func(f gitrepo.File) bool { return !isPage(f.Path) })
		return nil
	})
	return found, err
}

// check finds out once whether this machine can read wikis.
func (w *wikis) check(ctx context.Context) error {
	if w.checked {
		return w.machine
	}
	err := error(&connectors.Error{Kind: connectors.ErrUnavailable, Message: "this server has no folder for copies of wikis"})
	if w.dir != "" {
		err = gitrepo.Check(ctx, w.dir)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if w.checked = true; err != nil {
		w.machine = &unableError{err}
	}
	return w.machine
}

// copyOf is the folder of a repository's wiki. Its id is that of the repository, so that a
// renamed one keeps its copy.
func (w *wikis) copyOf(repo *repository) string { return filepath.Join(w.dir, repo.key()) }

// drop removes the copy of a repository's wiki, which may be that of another one.
func (w *wikis) drop(repo *repository) error {
	delete(w.read, repo.key())
	return os.RemoveAll(w.copyOf(repo))
}

// keep removes the copies of wikis of other repositories than these, and of these unless
// wikis are read.
func (w *wikis) keep(all []repository, read bool) error {
	wanted := map[string]bool{filepath.Base(gitrepo.Home(w.dir)): read}
	for _, repo := range all {
		wanted[repo.key()] = read && repo.HasWikiEnabled
	}
	there, err := os.ReadDir(w.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, d := range there {
		if !wanted[d.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(w.dir, d.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("remove old copies of wikis: %w", err)
	}
	return nil
}

// pageTypes are the formats that a wiki's pages may have, with the media types by which
// they are read: what is not Markdown, as text.
var pageTypes = func() map[string]string {
	types := map[string]string{}
	for ext := range strings.FieldsSeq(".md .mkd .mkdn .mdown .markdown") {
		types[ext] = "text/markdown"
	}
	for ext := range strings.FieldsSeq(".asciidoc .adoc .asc .creole .mediawiki .wiki .org .pod .rdoc .rst .rest .textile") {
		types[ext] = "text/plain"
	}
	return types
}()

// isPage reports whether a file of a wiki is a page: not a picture, and not what is shown
// beside all pages.
func isPage(file string) bool {
	name := strings.ToLower(pageName(file))
	return pageTypes[strings.ToLower(path.Ext(file))] != "" && name != "" && name != "_sidebar" && name != "_footer" && name != "_header"
}

// pageName is what a page is called in addresses: folders do not count.
func pageName(file string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path.Base(file), path.Ext(file)), " ", "-")
}

// test says, behind what else a test of a source found, when this machine cannot read
// wikis.
func (w *wikis) test(ctx context.Context) string {
	if err := w.check(ctx); err != nil {
		return "; wikis are not read: " + err.Error()
	}
	return ""
}
