package ingest

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// previewBytes bounds what a dry run keeps in mind of changes. A hundred thousand
// documents with names of sixty letters, and an ACL each, fit into it.
const previewBytes = 64 << 20

// dryRun is the store of a run that writes nothing. It keeps in mind what would have been
// written, and answers Known and Externals as the store would by then. What a run asks
// before it writes (Hidden, Withheld and ACLs) is answered as it is.
type dryRun struct {
	Store
	run     string
	source  [32]byte // hash of the source's ACL
	fates   []*fate
	at      map[string]*fate // by the names that they have by now; nil: it is the name of no document any more
	acls    map[[32]byte]cairn.ACL
	members *Members
	room    int // bytes that are left
	cut     int // changes for which there was none
}

// newDryRun returns the store of a dry run that keeps so many bytes in mind; 0: previewBytes.
func newDryRun(s Store, job Sync, bytes int) *dryRun {
	return &dryRun{
		Store: s, run: job.Lease.Run, source: job.Source.ACL.Hash(), room: cmp.Or(bytes, previewBytes),
		at: make(map[string]*fate), acls: make(map[[32]byte]cairn.ACL),
	}
}

// Known implements Store.
func (d *dryRun) Known(ctx context.Context, source cairn.SourceID, externals []string) (map[string]Known, error) {
	names := slices.Clone(externals)
	for _, name := range externals {
		if f := d.at[name]; f != nil && f.stored != "" && f.stored != name {
			names = append(names, f.stored)
		}
	}
	stored, err := d.Store.Known(ctx, source, names)
	if err != nil {
		return nil, err
	}
	known := make(map[string]Known, len(externals))
	for _, name := range externals {
		k := stored[name]
		if f, ok := d.at[name]; ok {
			k = d.known(f, stored, name)
		}
		if k.ID != "" || k.Failed {
			known[name] = k
		}
	}
	return known, nil
}

// would stands for the id of a document that the run would have stored.
const would cairn.DocumentID = "would"

// known returns what would be known by now under a name that documents have, or had, in
// stored.
func (d *dryRun) known(f *fate, stored map[string]Known, name string) Known {
	failure := stored[name] // errors are those of names
	failure = Known{Failed: failure.Failed, FailedRevision: failure.FailedRevision, Attempts: failure.Attempts}
	switch {
	case f == nil:
		return failure
	case f.gone: // with its error
		return Known{}
	}
	k := stored[f.stored]
	k.ID = cmp.Or(k.ID, would)
	k.ACL, k.OwnACL, k.Withheld = f.acl, f.own, false
	if !f.own {
		k.ACL = d.source
	}
	k.Failed, k.FailedRevision, k.Attempts = failure.Failed, failure.FailedRevision, failure.Attempts
	if f.written {
		k.Revision, k.Fingerprint, k.Run = f.revision, "", d.run
		k.Failed, k.FailedRevision, k.Attempts = false, "", 0
	}
	return k
}

// Externals implements Store. Documents that would be written have no version of theirs.
func (d *dryRun) Externals(ctx context.Context, source cairn.SourceID) (map[string]cairn.Version, error) {
	stored, err := d.Store.Externals(ctx, source)
	if err != nil {
		return nil, err
	}
	for name, f := range d.at {
		switch {
		case f == nil || f.gone:
			delete(stored, name)
		case f.written:
			stored[name] = cairn.Version(would)
		}
	}
	return stored, nil
}

// SetMembers implements Store.
func (d *dryRun) SetMembers(_ context.Context, source cairn.Source, _ Lease, members iter.Seq2[connectors.Member, error]) error {
	all, err := CollectMembers(source.Name, members)
	if err == nil {
		d.members = &all
	}
	return err
}

// Commit implements Store: it writes nothing but the counts, and returns nothing of Puts.
func (d *dryRun) Commit(ctx context.Context, b Batch) ([]Stored, error) {
	if _, err := d.Store.Commit(ctx, Batch{Source: b.Source, Run: b.Run, Counts: b.Counts}); err != nil {
		return nil, err
	}
	found, err := d.find(ctx, b)
	if err != nil {
		return nil, err
	}
	d.move(b.Moves, found)
	for _, p := range b.Puts {
		if p.Attached {
			continue // it goes with its parent
		}
		var own *cairn.ACL
		if p.OwnACL {
			own = &p.Document.ACL
		}
		if f := d.set(p.Document.External, found[p.Document.External], own); f != nil {
			f.written, f.revision = true, p.Revision
			d.room -= len(p.Revision)
		}
	}
	for _, external := range slices.Sorted(maps.Keys(b.ACLs)) {
		if d.has(external) {
			d.set(external, true, b.ACLs[external])
		}
	}
	for _, gone := range [][]string{b.Withheld, b.Deletes} {
		for _, external := range gone {
			if !d.has(external) {
				continue
			}
			if f := d.set(external, true, nil); f != nil {
				f.gone = true
			}
		}
	}
	return nil, nil
}

// find says which of the documents that a batch puts or moves, as far as they are as
// they are in the store, can be found there.
func (d *dryRun) find(ctx context.Context, b Batch) (map[string]bool, error) {
	var names []string
	add := func(name string) {
		if _, ok := d.at[name]; !ok {
			names = append(names, name)
		}
	}
	for from := range b.Moves {
		add(from)
	}
	for _, p := range b.Puts {
		add(p.Document.External)
	}
	if len(names) == 0 {
		return nil, nil
	}
	known, err := d.Store.Known(ctx, b.Source, names)
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(known))
	for name, k := range known {
		found[name] = k.ID != ""
	}
	return found, nil
}

// end returns what is to be said of a run that ended with err; of a dry run what it would
// have done up to then.
func (r *syncRun) end(ctx context.Context, err error) (Result, error) {
	r.result.Warnings = r.warned.list()
	if r.dry == nil {
		return r.result, err
	}
	names := r.dry.names(r.permissionsOnly)
	r.result.Preview = &names
	if ctx.Err() != nil {
		return r.result, err
	}
	access, failed := r.Store.PreviewRun(ctx, r.Source, r.dry.plan())
	if failed != nil {
		return r.result, errors.Join(err, failed)
	}
	access.Uncounted = r.dry.cut
	r.result.Preview.Access = &access
	return r.result, err
}
