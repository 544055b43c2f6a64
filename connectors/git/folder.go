package git

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
	"github.com/cairnhq/cairn/connectors/internal/place"
)

// folder begins conversations with git itself, over a repository on this machine. The
// program that reads there gets settings that win over those of the repository, and may
// fetch nothing from elsewhere.
type folder struct {
	place place.Place
	home  string
}

// dial is a gitrepo.Dial.
func (f *folder) dial(ctx context.Context, version string) (gitrepo.Conversation, error) {
	dir, err := f.find()
	if err != nil {
		return nil, err
	}
	c := gitrepo.Command{
		Home: f.home, Args: []string{"upload-pack", "--strict", dir},
		Config: map[string]string{"safe.directory": "*", "uploadpack.allowFilter": "true", "uploadpack.allowAnySHA1InWant": "true"},
	}
	if version != "" {
		c.Env = []string{"GIT_PROTOCOL=" + version}
	}
	cmd, err := c.Cmd(ctx)
	if err != nil {
		return nil, err
	}
	t := &folderTalk{cmd: cmd}
	if t.WriteCloser, err = cmd.StdinPipe(); err == nil {
		t.ReadCloser, err = cmd.StdoutPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	return t, err
}

// find returns the folder with the objects: the path itself, or .git in it.
func (f *folder) find() (string, error) {
	r, err := f.place.Resolve()
	if err != nil {
		return "", err
	}
	for _, dir := range []string{filepath.Join(r.Path, ".git"), r.Path} {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		if info, err := os.Lstat(filepath.Join(dir, "HEAD")); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := f.closed(dir); err != nil {
			return "", err
		}
		return dir, nil
	}
	return "", cairn.Errorf(cairn.ErrInvalid, "url: %s is no repository: there is no HEAD in it, nor in a folder .git", f.place.Path)
}

// closed checks that a repository lies in its folder as a whole: one that borrows from
// another, or is parted by links, might show what the operator does not allow.
func (f *folder) closed(dir string) error {
	elsewhere := cairn.Errorf(cairn.ErrInvalid, "url: parts of the repository %s lie elsewhere, by links, alternates or as a working tree of another; clone it with git clone --mirror --dissociate, and give that path", f.place.Path)
	for _, name := range []string{"commondir", "objects/info/alternates", "objects/info/http-alternates"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil && strings.TrimSpace(string(b)) != "" {
			return elsewhere
		}
	}
	for _, root := range []string{"HEAD", "config", "packed-refs", "shallow", "refs", "objects"} {
		err := filepath.WalkDir(filepath.Join(dir, root), func(_ string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && d.Type()&fs.ModeSymlink != 0 {
				return elsewhere
			}
			return err
		})
		if err != nil && !errors.Is(err, cairn.ErrInvalid) {
			return cairn.Errorf(cairn.ErrInvalid, "url: the server cannot read %s: %s", f.place.Path, place.Reason(err))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// folderTalk is a conversation with a process.
type folderTalk struct {
	io.WriteCloser
	io.ReadCloser
	cmd    *exec.Cmd
	once   sync.Once
	failed error
}

// CloseWrite implements gitrepo.Conversation.
func (t *folderTalk) CloseWrite() error { return t.WriteCloser.Close() }

// Close implements gitrepo.Conversation.
func (t *folderTalk) Close() error {
	t.once.Do(func() {
		_ = t.WriteCloser.Close()
		_ = t.ReadCloser.Close()
		var exit *exec.ExitError
		if err := t.cmd.Wait(); errors.As(err, &exit) && exit.ExitCode() > 0 {
			t.failed = &connectors.Error{Kind: connectors.ErrUnexpected, Message: "git cannot read the repository in the folder: run git fsck there"}
		}
	})
	return t.failed
}
