package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// permissionQueue keeps runs that only bring permissions from waiting behind those
// that read documents, which may take days.
const permissionQueue = "permissions"

// queuePermissions queues a run of permissions for every source that is due and whose
// connector can tell them alone. The chores do it, a minute apart: what will be due in
// half a minute counts as due.
func (r *Runner) queuePermissions(ctx context.Context) error {
	if r.cfg.PermissionsEvery <= 0 {
		return nil
	}
	due, err := r.cfg.Runs.DuePermissions(ctx, r.cfg.PermissionsEvery-choreEvery/2)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range due {
		if !r.tellsPermissions(s) {
			continue
		}
		if _, err := r.queue(ctx, s.ID, cairn.SyncOptions{PermissionsOnly: true}); err != nil && !errors.Is(err, cairn.ErrNotFound) {
			errs = append(errs, fmt.Errorf("permissions of %s: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// tellsPermissions reports whether the connector of a source can tell permissions
// alone, whether or not the source can be reached.
func (r *Runner) tellsPermissions(s cairn.Source) bool {
	return connectors.CanTellPermissions(r.unopened(s))
}

// unopened returns the connector of a source to see what it can do; nil when there is none.
func (r *Runner) unopened(s cairn.Source) connectors.Connector {
	kind, err := r.cfg.Kinds.Lookup(s.Kind)
	if err != nil || kind.Open == nil {
		return nil
	}
	c, err := kind.Open(r.environment(s), s.Settings)
	if err != nil {
		return nil
	}
	return c
}

// mayPermit returns an error when a run that only brings permissions is asked of a
// source that cannot have one.
func (r *Runner) mayPermit(s cairn.Source, o cairn.SyncOptions) error {
	switch {
	case !o.PermissionsOnly:
		return nil
	case o.Full:
		return cairn.Errorf(cairn.ErrInvalid, "a run reads every document again, or permissions only: leave out one of the two")
	case !r.tellsPermissions(s):
		return cairn.Errorf(cairn.ErrInvalid, "a source of kind %s cannot tell permissions alone: synchronise it as a whole", s.Kind)
	}
	return nil
}

// permissionsState says what a run leaves of the permissions of a source. Where they
// can be told alone, only a run that compared the whole list knows all of them.
func (r *Runner) permissionsState(t Taken, result ingest.Result, err error) PermissionsState {
	alone := r.tellsPermissions(t.Source)
	switch {
	case t.Run.PartsOnly, !alone && !r.cfg.Kinds[t.Source.Kind].ReadsACL, errors.Is(err, cairn.ErrConflict):
		return PermissionsUntouched
	case err != nil, result.Untold:
		return PermissionsDegraded
	case !alone, result.Pruned, t.Run.PermissionsOnly:
		return PermissionsSynced
	}
	return PermissionsUntouched
}
