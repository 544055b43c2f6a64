package jobs_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/keyring"
)

// tester is a source that says what it has been given.
type tester struct {
	env  connectors.Environment
	fail error
}

func (x tester) Changes(context.Context, connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		if x.fail != nil {
			yield(connectors.Change{}, x.fail)
		}
	}
}

func (x tester) Test(ctx context.Context) (string, error) {
	secret, err := x.env.Secrets.Secret(ctx, "token")
	if err != nil || x.fail != nil {
		return "", errors.Join(err, x.fail)
	}
	return "source " + string(x.env.Source) + " in " + filepath.Base(x.env.WorkDir) + " has " + secret.Reveal(), os.MkdirAll(x.env.WorkDir, 0o700)
}

// TestConnectorsGetWhatBelongsToTheirSource tests a source, lets it fail, and removes it.
func TestConnectorsGetWhatBelongsToTheirSource(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{})
	keys, err := keyring.Own(filepath.Join(t.TempDir(), "secret.key"))
	check(t, err)
	s.db.SetKeys(keys)
	dirs := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(dirs, "of-nobody", "x"), 0o700))
	var fail error
	r := s.runner(func(c *jobs.Config) {
		c.Secrets, c.WorkDirs = s.db.Secrets, dirs
		c.Kinds["site"] = connectors.Kind{
			Name: "site", Settings: []connectors.Setting{{Name: "token", Required: true, Secret: true}},
			Open: func(env connectors.Environment, _ map[string]string) (connectors.Connector, error) {
				return tester{env, fail}, nil
			},
		}
	})
	source, err := s.db.CreateSource(t.Context(), cairn.Source{
		Name: "site", Kind: "site", ACLMode: cairn.ACLDeclared, Secrets: map[string]cairn.Secret{"token": cairn.NewSecret("hunter2")},
	})
	check(t, err)
	found, err := r.Test(t.Context(), source.ID)
	if want := "source " + string(source.ID) + " in " + string(source.ID) + " has hunter2"; err != nil || found != want {
		t.Errorf("found %q, %v; want %q", found, err, want)
	}
	fail = &connectors.Error{Kind: connectors.ErrUnauthorized, Message: "example.com refused the credential"}
	if _, err := r.Test(t.Context(), source.ID); !errors.Is(err, cairn.ErrInvalid) || err.Error() != "example.com refused the credential" {
		t.Errorf("a source that fails: %v", err)
	}
	run, err := r.Sync(t.Context(), source.ID, cairn.SyncOptions{})
	check(t, err)
	if done := s.wait(run.ID, "finished", final); done.State != cairn.RunFailed || done.Reason != "example.com refused the credential" {
		t.Errorf("%+v", done)
	}
	_, err = s.db.UpdateSource(t.Context(), source.ID, func(s *cairn.Source) error { clear(s.Secrets); return nil })
	check(t, err)
	if _, err := r.Test(t.Context(), source.ID); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("without its token: %v", err)
	}

	// Another replica begins: folders of sources that are gone go.
	s.runner(func(c *jobs.Config) { c.WorkDirs = dirs })
	gone := func(name string) bool {
		_, err := os.Stat(filepath.Join(dirs, name))
		return errors.Is(err, os.ErrNotExist)
	}
	for deadline := time.Now().Add(20 * time.Second); !gone("of-nobody") && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
	}
	if !gone("of-nobody") || gone(string(source.ID)) {
		t.Error("folders: that of no source is kept, or that of a source is gone")
	}
}

// What a connector keeps in files goes when something of its source was erased since, once,
// and only then.
func TestFoldersGoWithWhatIsErased(t *testing.T) {
	t.Parallel()
	s := newSite(t, tap{documents: 2})
	dirs := t.TempDir()
	copied := filepath.Join(dirs, string(s.source.ID), "clone.git", "blob")
	copyAgain := func() {
		check(t, os.MkdirAll(filepath.Dir(copied), 0o700))
		check(t, os.WriteFile(copied, []byte("canary"), 0o600))
	}
	// swept starts a replica, and reports whether the copy is gone when it has looked.
	swept := func() bool {
		t.Helper()
		mark := filepath.Join(dirs, "of-nobody")
		check(t, os.MkdirAll(mark, 0o700))
		r := s.runner(func(c *jobs.Config) { c.WorkDirs = dirs })
		defer func() { check(t, r.Stop(context.Background())) }()
		there := func(path string) bool { _, err := os.Stat(path); return err == nil }
		for deadline := time.Now().Add(20 * time.Second); there(mark) && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		}
		return !there(copied)
	}
	run, err := s.runner().Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	s.wait(run.ID, "finished", final)
	copyAgain()
	if swept() {
		t.Error("nothing was erased, and the copy is gone")
	}
	var id cairn.DocumentID
	check(t, s.db.Worker().QueryRow(t.Context(), `SELECT id FROM documents LIMIT 1`).Scan(&id))
	_, err = s.db.EraseDocument(t.Context(), id, true, "")
	check(t, err)
	if !swept() {
		t.Error("a document was erased, and the copy is there")
	}
	copyAgain()
	if swept() {
		t.Error("the copy was made after the erasure, and is gone")
	}
}
