package jobs

import (
	"context"
	"errors"
	"os"
	"path/filepath"

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

// sweep removes the folders of sources that are there no longer. Every replica has
// folders of its own.
func (r *Runner) sweep(ctx context.Context) {
	entries, err := os.ReadDir(r.cfg.WorkDirs)
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		_, err := r.cfg.Runs.SourceByID(ctx, cairn.SourceID(e.Name()))
		if !errors.Is(err, cairn.ErrNotFound) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(r.cfg.WorkDirs, e.Name())); err != nil {
			r.cfg.Log.Error("the folder of a source that was removed is still there", "error", err)
		}
	}
}
