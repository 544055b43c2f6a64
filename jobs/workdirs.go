package jobs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// environment returns what the connector of a source has.
func (r *Runner) environment(s cairn.Source) connectors.Environment {
	env := r.cfg.Environment
	env.Source = s.ID
	if r.cfg.Secrets != nil {
		env.Secrets = r.cfg.Secrets(s.ID)
	}
	if r.cfg.WorkDirs != "" {
		env.WorkDir = filepath.Join(r.cfg.WorkDirs, string(s.ID))
	}
	return env
}

// sweep removes the folders of sources that are there no longer, and those in which there may
// be something that was erased since they were made: connectors make them anew. Every replica
// has folders of its own.
func (r *Runner) sweep(ctx context.Context) {
	entries, err := os.ReadDir(r.cfg.WorkDirs)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		if err := r.sweepOne(ctx, e.Name()); err != nil {
			r.cfg.Log.Error("the folder of a source of which something was removed is still there", "error", err)
		}
	}
}

// stamp is a file in the folder of a source that has the time of the last erasure before which
// nothing in the folder is.
const stamp = ".erased"

func (r *Runner) sweepOne(ctx context.Context, source string) error {
	dir := filepath.Join(r.cfg.WorkDirs, source)
	at, busy, err := r.cfg.Runs.Erased(ctx, cairn.SourceID(source))
	switch {
	case errors.Is(err, cairn.ErrNotFound):
		return os.RemoveAll(dir)
	case err != nil || busy: // a connector may be at work in it: the next time
		return nil //nolint:nilerr // the database is away, as everything else says
	}
	last := at.UTC().Format(time.RFC3339Nano)
	swept, err := os.ReadFile(filepath.Join(dir, stamp))
	if string(swept) == last || errors.Is(err, fs.ErrNotExist) && at.Unix() == 0 {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, stamp), []byte(last), 0o600)
}
