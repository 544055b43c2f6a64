package ingest

import (
	"context"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// list compares the store with the source's listing: before anything is read, so that a
// new name can be recognised as that of a document which has vanished, or, where the
// listing is to come last, after that.
func (r *syncRun) list(ctx context.Context) error {
	stored, err := r.Store.Externals(ctx, r.Source.ID)
	if err != nil {
		return err
	}
	r.stored = 0
	for _, version := range stored {
		if version != "" {
			r.stored++
		}
	}
	if r.ListLast && r.phase == PhaseListing {
		return nil
	}
	present, complete, err := r.present(ctx)
	if err != nil || !complete {
		return err
	}
	r.vanishedBy = make(map[cairn.Version][]string)
	if r.ListLast { // nothing is to be read that could be a vanished document
		r.vanished = r.missing(stored, present)
		return nil
	}
	hidden, err := r.Store.Hidden(ctx, r.Source.ID)
	if err != nil {
		return err
	}
	withheld, err := r.Store.Withheld(ctx, r.Source.ID)
	if err != nil {
		return err
	}
	for _, external := range withheld {
		if _, back := present[external]; back {
			r.Cursor = "" // a source that tells only what is new would never tell of it
		}
	}
	r.vanished, r.hidden = r.missing(stored, present), r.missing(hidden, present)
	return nil
}

// present reads the source's listing, when it is to be compared. An incomplete one proves
// nothing: the run goes on without it.
func (r *syncRun) present(ctx context.Context) (present map[string]struct{}, complete bool, err error) {
	lister, ok := r.Connector.(connectors.Lister)
	if !ok || !r.Prune {
		return nil, false, nil
	}
	present = make(map[string]struct{})
	for external, err := range lister.Externals(ctx) {
		if err != nil {
			r.warned.incomplete++
			r.Log.Warn("the listing of a source is incomplete, nothing will be deleted", "source", r.Source.Name, "run", r.Lease.Run, "error", Class(err))
			return nil, false, nil
		}
		present[external] = struct{}{}
		if err := r.turn(ctx); err != nil {
			return nil, false, err
		}
	}
	if r.Listed != nil {
		r.Listed(len(present))
	}
	return present, true, nil
}

// missing returns those of the documents that are not present, and notes their versions.
func (r *syncRun) missing(documents map[string]cairn.Version, present map[string]struct{}) map[string]cairn.Version {
	gone := make(map[string]cairn.Version)
	for external, version := range documents {
		if _, ok := present[external]; !ok {
			gone[external] = version
			r.vanishedBy[version] = append(r.vanishedBy[version], external)
		}
	}
	return gone
}

// prune deletes what has vanished from the listing.
func (r *syncRun) prune(ctx context.Context) error {
	if r.vanished == nil {
		return nil
	}
	var gone, resolved []string
	for external, version := range r.vanished {
		if version == "" { // it never was more than an error
			resolved = append(resolved, external)
		} else {
			gone = append(gone, external)
		}
	}
	for part := range slices.Chunk(resolved, 1000) {
		if err := r.commit(ctx, Batch{Source: r.Source.ID, Run: r.Lease, Resolved: part}); err != nil {
			return err
		}
	}
	slices.Sort(gone)
	if err := r.remove(ctx, gone); err != nil {
		return err
	}
	r.result.Pruned = true
	return nil
}
