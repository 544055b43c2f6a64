package gitrepo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// clone is the copy of a repository that one source keeps in its WorkDir: bare, of one
// branch, with all commits and folders, and of the files those that were at the head
// when it was read, up to a size. It can be lost: the next run makes another.
type clone struct {
	dir      string
	home     string
	what     string // what it is a copy of, in messages: the host
	ref      string // at the source: HEAD, or refs/heads/…
	branch   string // as configured; empty: HEAD
	maxSize  int64
	upstream Upstream
	sleep    func(ctx context.Context, d time.Duration) error
	relay    *Relay // while connected
}

// head is where, in the clone, the head of the branch is noted once all is there; fresh
// before that.
const (
	head  = "refs/cairn/head"
	fresh = "refs/cairn/fresh"
)

// plain is the configuration of the clone. Without the mark of a partial clone, which
// fetching leaves, git reads what is there and never asks for what is not.
const plain = "[core]\n\trepositoryformatversion = 0\n\tfilemode = false\n\tbare = true\n"

// newClone returns the clone for an address and a size: others, of settings that have
// changed since, are another clone.
func newClone(c Config) *clone {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%d", c.Address, c.MaxSize)))
	k := &clone{
		dir:  filepath.Join(c.Dir, "clone-"+hex.EncodeToString(sum[:8])+".git"),
		home: Home(c.Dir), what: c.Host, ref: "HEAD", branch: c.Branch, maxSize: c.MaxSize, upstream: c.Upstream, sleep: c.Sleep,
	}
	if c.Branch != "" {
		k.ref = "refs/heads/" + c.Branch
	}
	if k.sleep == nil {
		k.sleep = sleep
	}
	return k
}

// Home is the folder with nothing in it, in one of a source, that git takes for that of
// its user.
func Home(dir string) string { return filepath.Join(dir, "home") }

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// git returns a command over the clone.
func (k *clone) git(args ...string) Command { return Command{dir: k.dir, Home: k.home, Args: args} }

// prepare makes the clone when there is none, and clears away what a process that was
// killed has left.
func (k *clone) prepare(ctx context.Context) error {
	if err := os.MkdirAll(k.home, 0o700); err != nil {
		return fmt.Errorf("make a folder for the source: %w", err)
	}
	others, err := filepath.Glob(filepath.Join(filepath.Dir(k.dir), "clone-*.git"))
	for _, dir := range others {
		if dir != k.dir {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	if err != nil {
		return fmt.Errorf("remove an old copy of the repository: %w", err)
	}
	if _, err := os.Stat(filepath.Join(k.dir, "HEAD")); errors.Is(err, fs.ErrNotExist) {
		if err := checkVersion(ctx, k.home); err != nil {
			return err
		}
		if _, err := (Command{Home: k.home, Args: []string{"init", "--quiet", "--bare", "--template=", k.dir}}).output(ctx); err != nil {
			return err
		}
	}
	return errors.Join(k.unlock(), k.plain())
}

// unlock removes locks and unfinished packs: nobody else works on the clone.
func (k *clone) unlock() error {
	return filepath.WalkDir(k.dir, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && filepath.Dir(path) == filepath.Join(k.dir, "objects") && len(name) == 2:
			return fs.SkipDir
		case !d.IsDir() && (strings.HasSuffix(name, ".lock") || strings.HasPrefix(name, "tmp_")):
			return os.Remove(path)
		}
		return nil
	})
}

func (k *clone) plain() error {
	return os.WriteFile(filepath.Join(k.dir, "config"), []byte(plain), 0o600)
}

// attempts is how often a command is run whose connection breaks off.
const attempts = 5

// reach runs a command that talks with the repository's host. What broke off is tried
// again.
func (k *clone) reach(ctx context.Context, config map[string]string, stdin []byte, args ...string) ([]byte, error) {
	if k.relay == nil {
		return nil, errors.New("git: not connected")
	}
	for attempt := 1; ; attempt++ {
		c := k.git(args...)
		c.Env = []string{"GIT_ALLOW_PROTOCOL=" + k.relay.protocol}
		c.Config = map[string]string{}
		for _, m := range []map[string]string{k.relay.config, config} {
			for name, value := range m {
				c.Config[name] = value
			}
		}
		c.Stdin = bytes.NewReader(stdin)
		out, err := c.output(ctx)
		told, broken := k.relay.failure()
		err = errors.Join(k.plain(), err)
		switch {
		case err == nil:
			return out, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case told == nil:
			return nil, err
		case !broken || attempt == attempts:
			return nil, told
		}
		if err := k.sleep(ctx, time.Second<<(attempt-1)/2+rand.N(time.Second<<(attempt-1))); err != nil {
			return nil, err
		}
	}
}

// connect opens the way to the repository's host, until disconnect.
func (k *clone) connect(ctx context.Context) (err error) {
	k.relay, err = k.upstream.Open(ctx)
	return err
}

func (k *clone) disconnect() {
	k.relay.close()
	k.relay = nil
}

// tip asks the repository's host for the head of the branch, and what that is called.
func (k *clone) tip(ctx context.Context) (commit, branch string, err error) {
	out, err := k.reach(ctx, nil, nil, "ls-remote", "--quiet", "--symref", "origin", k.ref)
	if err != nil {
		return "", "", err
	}
	branch = k.branch
	for line := range strings.Lines(string(out)) {
		is, name, ok := strings.Cut(strings.TrimSpace(line), "\t")
		switch target, symbolic := strings.CutPrefix(is, "ref: "); {
		case !ok || name != k.ref:
		case symbolic:
			branch = strings.TrimPrefix(target, "refs/heads/")
		default:
			return is, branch, nil
		}
	}
	if k.branch != "" {
		return "", "", &connectors.Error{Kind: connectors.ErrNotFound, Message: k.what + " has no branch " + k.branch + " in the repository: check the setting branch"}
	}
	return "", "", &connectors.Error{Kind: connectors.ErrNotFound, Message: k.what + " has nothing in the repository yet, or its HEAD names a branch that is not there: give the setting branch"}
}

// has returns the commit that a ref of the clone names; "" when there is none.
func (k *clone) has(ctx context.Context, ref string) (string, error) {
	out, err := k.git("rev-parse", "--quiet", "--verify", "--end-of-options", ref+"^{commit}").output(ctx)
	if failed := (*errFailed)(nil); errors.As(err, &failed) {
		return "", nil
	}
	return strings.TrimSpace(string(out)), err
}

// update brings the clone to the head of the branch, and returns what that holds. It is a number of steps, of which each can be done again.
func (k *clone) update(ctx context.Context) (t *Tree, err error) {
	if err := k.prepare(ctx); err != nil {
		return nil, err
	}
	if err := k.connect(ctx); err != nil {
		return nil, err
	}
	defer k.disconnect()
	tip, branch, err := k.tip(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if t != nil {
			t.Branch = branch
		}
	}()
	was, err := k.has(ctx, head)
	if err != nil {
		return nil, err
	}
	if was == tip {
		return k.complete(ctx, tip)
	}
	return k.advance(ctx, was)
}

// advance fetches what is new since a commit, which may be none.
func (k *clone) advance(ctx context.Context, was string) (t *Tree, err error) {
	// The first time, no files of the past; later on, those that have changed.
	filter := "blob:none"
	if was != "" {
		filter = k.upToSize()
	}
	if err := k.fetch(ctx, nil, filter, "+"+k.ref+":"+fresh); err != nil {
		return nil, err
	}
	now, err := k.has(ctx, fresh)
	if err != nil || now == "" {
		return nil, errors.Join(errors.New("git: fetched no commit"), err)
	}
	if t, err = k.complete(ctx, now); err != nil {
		return nil, err
	}
	if err := k.tidy(ctx); err != nil {
		return nil, err
	}
	_, err = k.git("update-ref", head, now).output(ctx)
	return t, err
}
