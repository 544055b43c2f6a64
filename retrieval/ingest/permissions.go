package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// A batch of permissions ends after so many new ACLs and errors, each of which is
// written, or so many documents, so that people see how far a run is.
const (
	permissionWrites    = 500
	permissionDocuments = 10_000
)

// RunPermissions brings who may read the documents of a source up to date, groups
// included, and hides those that have vanished. It opens no document: new ones are
// left to the next Run. Like Run it can be killed at any moment and run again. When
// the source ends the list with an error, what came before it stands, all other
// documents keep their ACLs and none is hidden. ErrInvalid when the connector does not
// tell permissions alone.
func (s *Syncer) RunPermissions(ctx context.Context, job Sync) (Result, error) {
	if err := cairn.CheckSourceName(job.Source.Name); err != nil {
		return Result{}, err
	}
	if !connectors.CanTellPermissions(job.Connector) {
		return Result{}, cairn.Errorf(cairn.ErrInvalid, "a source of kind %s cannot tell permissions alone: synchronise it as a whole", job.Source.Kind)
	}
	r := s.begin(job)
	r.permissionsOnly = true
	return r.end(ctx, r.permit(ctx))
}

// permit does what RunPermissions does.
func (r *syncRun) permit(ctx context.Context) error {
	r.enter(PhaseGroups)
	unknown := r.readDirectory(ctx, r.Connector)
	r.enter(PhaseReading)
	p := &permissionRun{syncRun: r}
	incomplete, err := p.run(ctx, r.Connector)
	if err != nil {
		return err
	}
	return errors.Join(incomplete, unknown)
}

// permitBetween does between two batches what RunPermissions does, when that is due: a
// run that reads documents may take days. What the source fails at now, it may tell
// the next time; an error is one of the store.
func (r *syncRun) permitBetween(ctx context.Context) error {
	if r.Beside == nil || r.DryRun || r.PermissionsEvery <= 0 || time.Since(r.permitted) < r.PermissionsEvery {
		return nil
	}
	r.permitted = time.Now()
	p := &permissionRun{syncRun: r, between: true}
	source, failed := r.Beside() // a connector may keep what it has been told of groups
	if failed == nil {
		if !connectors.CanTellPermissions(source) {
			return nil
		}
		unknown := r.readDirectory(ctx, source)
		incomplete, err := p.run(ctx, source)
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		failed = errors.Join(incomplete, unknown)
	}
	r.unpermitted = failed != nil
	switch {
	case r.unpermitted:
		r.Log.Warn("permissions could not be brought up to date while documents are read",
			"source", r.Source.Name, "run", r.Lease.Run, "error", Class(failed))
	case !p.untoldAny && r.Permitted != nil:
		r.Permitted(time.Since(r.permitted))
	}
	return nil
}

// permissionRun brings permissions up to date once.
type permissionRun struct {
	*syncRun
	between   bool // two batches of a run that reads documents, which are what it counts
	parts     bool // the source tells of its parts, not of each document
	acls      map[string]StoredACL
	seen      map[string]struct{} // those of acls that the source has
	out       Batch
	untoldAny bool
}

// run reads the list. That the source did not tell all of it, or that documents are
// withheld, is incomplete; err is an error of the store.
func (r *permissionRun) run(ctx context.Context, source connectors.Connector) (incomplete, err error) {
	if r.acls, err = r.Store.ACLs(ctx, r.Source.ID); err != nil {
		return nil, err
	}
	r.stored = max(r.stored, len(r.acls))
	r.seen, r.out = make(map[string]struct{}, len(r.acls)), r.batch()
	for p, err := range r.told(ctx, source) {
		if err != nil {
			return fmt.Errorf("read the permissions of %s: %w", r.Source.Name, err), r.flush(ctx)
		}
		if r.between && !r.parts {
			r.newest.note(&r.newest.documents, p.External, p.ACL, p.Err)
		}
		r.add(p)
		if len(r.out.ACLs)+len(r.out.Errors) >= permissionWrites || r.out.Counts.Scanned+len(r.out.Unknown) >= permissionDocuments {
			if err := r.flush(ctx); err != nil {
				return nil, err
			}
		}
	}
	if err := r.flush(ctx); err != nil {
		return nil, err
	}
	if err := r.hide(ctx); !IsWaiting(err) {
		return nil, err
	}
	return errGuard, nil
}

// batch returns an empty batch.
func (r *permissionRun) batch() Batch {
	return Batch{Source: r.Source.ID, Run: r.Lease, ACLs: map[string]*cairn.ACL{}}
}

// add notes what the source says of a document. One that is not stored waits for the
// next Run. Of a document that comes twice the last ACL holds.
func (r *permissionRun) add(p connectors.Permission) {
	if !r.parts {
		delete(r.vanished, p.External) // it is there after all
	}
	k, ok := r.acls[p.External]
	if !ok {
		r.out.Unknown = append(r.out.Unknown, p.External)
		return
	}
	_, again := r.seen[p.External]
	r.seen[p.External] = struct{}{}
	counter := &r.out.Counts.Unchanged
	acl, own := r.aclOf(p.ACL)
	switch {
	case p.Tentative && isPermissionsCode(k.Error) && !r.IgnoreACLs:
		r.shutOne(p.External, k)
		counter = &r.out.Counts.Failed
	case permissionsCode(p.Err) == connectors.PermissionsNotUnderstood && !r.IgnoreACLs:
		r.shutOne(p.External, k)
		if !again {
			r.untold(p, k)
		}
		counter = &r.out.Counts.Failed
	case p.Err != nil && !r.IgnoreACLs:
		if r.result.Untold, r.untoldAny = true, true; !again {
			r.untold(p, k)
		}
		counter = &r.out.Counts.Failed
	case k.Withheld, own != k.Own, own && acl.Hash() != k.ACL: // without one of its own it follows the source's
		r.set(p.External, k, acl, own)
		counter = &r.out.Counts.Modified
	}
	if counter != &r.out.Counts.Failed && isPermissionsCode(k.Error) && !again {
		r.out.Resolved = append(r.out.Resolved, p.External)
	}
	if !again {
		*counter++
		r.out.Counts.Scanned++
	}
}

// set gives a document another ACL: its own, or the source's.
func (r *permissionRun) set(external string, k StoredACL, acl cairn.ACL, own bool) {
	r.out.ACLs[external] = nil
	if own {
		r.out.ACLs[external] = &acl
	}
	k.ACL, k.Own, k.Withheld = acl.Hash(), own, false
	r.acls[external] = k
}

// shutOne lets nobody read a document.
func (r *permissionRun) shutOne(external string, k StoredACL) {
	nobody := cairn.ACL{}
	if k.Withheld || !k.Own || k.ACL != nobody.Hash() {
		r.set(external, k, nobody, true)
	}
}

// untold notes that who may read a document is not known. An error of its text,
// which was recorded before, says more.
func (r *permissionRun) untold(p connectors.Permission, k StoredACL) {
	code := cmp.Or(permissionsCode(p.Err), connectors.PermissionsUnknown)
	r.warned.failure(code)
	if k.Error != "" && !isPermissionsCode(k.Error) {
		return
	}
	e := cairn.DocumentError{External: p.External, Code: code, Reason: "Who may read the document could not be told."}
	if told := (*connectors.DocumentError)(nil); errors.As(p.Err, &told) {
		e.Reason = told.Reason
	}
	// The revision is none of the document's, so that its text is read when it changes.
	r.out.Errors = append(r.out.Errors, Failure{DocumentError: e, Revision: connectors.PermissionsUnknown})
}

func (r *permissionRun) flush(ctx context.Context) error {
	b := r.out
	r.out = r.batch()
	if b.Counts == (cairn.Counts{}) && len(b.ACLs) == 0 && len(b.Unknown) == 0 {
		return nil
	}
	if r.between { // documents are counted when they are read, and the run comes to new ones
		b.Counts, b.Unknown = cairn.Counts{}, nil
		if len(b.ACLs)+len(b.Errors)+len(b.Resolved) == 0 {
			return nil
		}
	}
	return r.commit(ctx, b)
}

// hide hides what is stored and was not seen. Between two batches it lets nobody read
// it: the run will tell what was renamed, and hides the rest.
func (r *permissionRun) hide(ctx context.Context) error {
	var gone, open []string
	for external, k := range r.acls {
		if _, ok := r.seen[external]; !ok {
			gone = append(gone, external)
			if !k.Withheld {
				open = append(open, external)
			}
		}
	}
	slices.Sort(gone)
	slices.Sort(open)
	switch {
	case r.parts:
		return r.shut(ctx, open)
	case r.between:
		return r.closeToAll(ctx, open)
	case r.exceedsGuard(len(gone)): // what is withheld already is not written again
		return r.withhold(ctx, gone, open)
	}
	return r.remove(ctx, gone)
}
