// Package gitrepo keeps the copy of one branch of a git repository, and tells what has
// changed in it since a commit: for the kind git, and for kinds whose sites keep a part
// of their documents in repositories, such as wikis.
//
// The program git keeps a bare copy in a folder of the source's own. It is run without
// hooks, filters, credentials and configuration but ours, and checks nothing out. It
// reaches nobody but a relay in this process, see Relay: that alone has the credential,
// and connects to the repository's host alone, as far as the operator allows.
package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// Config says which repository is read, and how it is reached.
type Config struct {
	Dir      string // a folder of its own, absolute, for the copy
	Address  string // of the repository, without a credential: another one is another copy
	Host     string // what the host is called in messages
	Branch   string // empty: the one that the repository names
	MaxSize  int64  // bytes of the files that are fetched
	Upstream Upstream
	Sleep    func(ctx context.Context, d time.Duration) error // nil: the machine's clock
}

// Repository is a repository with its copy. One goroutine at a time may call its methods,
// but Open and Read, which several may. Two of them over one folder must not be used at
// the same time.
type Repository struct {
	clone *clone
	blobs *blobs
}

// New returns a repository. It touches neither network nor disk.
func New(c Config) *Repository {
	k := newClone(c)
	return &Repository{clone: k, blobs: &blobs{clone: k}}
}

// Update brings the copy up to date and calls see, which may be nil, with what it holds.
// A copy that turns out to be damaged, there or then, is made anew, and see is called
// again. ErrNotFound: the host has no such repository, or nothing in it.
func (r *Repository) Update(ctx context.Context, see func(*Tree) error) error {
	err := r.look(ctx, see)
	if failed := (*errFailed)(nil); errors.As(err, &failed) || errors.Is(err, errTree) {
		if err := os.RemoveAll(r.clone.dir); err != nil {
			return fmt.Errorf("remove a damaged copy of the repository: %w", err)
		}
		err = r.look(ctx, see)
	}
	if failed := (*errFailed)(nil); errors.As(err, &failed) {
		return &connectors.Error{Kind: connectors.ErrUnexpected, Message: fmt.Sprintf("%s, with the repository of %s: it may be damaged, or no space may be left on the server", failed, r.clone.what)}
	}
	return err
}

func (r *Repository) look(ctx context.Context, see func(*Tree) error) error {
	t, err := r.clone.update(ctx)
	if err == nil && see != nil {
		err = see(t)
	}
	return err
}

// Tip asks the repository's host for the commit at the head of the branch, and fetches
// nothing.
func (r *Repository) Tip(ctx context.Context) (string, error) {
	if err := r.clone.prepare(ctx); err != nil {
		return "", err
	}
	if err := r.clone.connect(ctx); err != nil {
		return "", err
	}
	defer r.clone.disconnect()
	commit, _, err := r.clone.tip(ctx)
	return commit, err
}

// Open returns the content of a file, which the caller closes. A content that is no
// longer in the copy is a *connectors.DocumentError.
func (r *Repository) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	return r.blobs.open(ctx, f.OID, f.Size)
}

// Read returns the content of a small file, as Open does.
func (r *Repository) Read(ctx context.Context, f File) ([]byte, error) {
	return r.blobs.read(ctx, f.OID)
}

// Newest returns the ids of the newest commits of a commit's history, itself included;
// limit 0: of all.
func (r *Repository) Newest(ctx context.Context, from string, limit int) ([]string, error) {
	args := []string{"rev-list", from, "--"}
	if limit > 0 {
		args = []string{"rev-list", "--max-count=" + strconv.Itoa(limit), from, "--"}
	}
	out, err := r.clone.git(args...).output(ctx)
	return strings.Fields(string(out)), err
}

// Log calls see with the commits of a commit's history, newest first, with their messages
// and changed paths, until see returns true.
func (r *Repository) Log(ctx context.Context, from string, see func(Entry) bool) error {
	return r.clone.log(ctx, true, see, from, "--")
}

// Leads reports whether a commit is in the copy and an ancestor of another.
func (r *Repository) Leads(ctx context.Context, from, to string) (bool, error) {
	return r.clone.leads(ctx, from, to)
}
