package ingest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Members is who a source says is in which group: row i is a member of Groups[i], by
// address or as a group; the other is empty.
type Members struct {
	Names             []string // of all groups, in order
	Groups            []string
	Emails, Subgroups []string
	Untold            []string // groups of which it failed to say who is in them
}

// CollectMembers reads the groups of a source, whose name is their directory. It fails
// when the sequence does, and with ErrInvalid when a name cannot stand in an ACL.
func CollectMembers(directory string, members iter.Seq2[connectors.Member, error]) (Members, error) {
	var w Members
	switch directory {
	case cairn.OwnDirectory, cairn.SCIMDirectory, cairn.OIDCDirectory:
		return w, cairn.Errorf(cairn.ErrInvalid, "a source with groups cannot be called %s, which is the name of another directory: add it under another name", directory)
	}
	names := map[string]bool{}
	name := func(group string) error {
		if !cairn.GroupKey(directory, group).Valid() {
			return cairn.Errorf(cairn.ErrInvalid, "the source has a group called %q, which cannot be named in an ACL: a name is one line and not empty", group)
		}
		names[group] = true
		return nil
	}
	for m, err := range members {
		if err != nil {
			return w, err
		}
		if err := name(m.Group); err != nil {
			return w, err
		}
		if m.Untold {
			w.Untold = append(w.Untold, m.Group)
		}
		if email, ok := cairn.FoldAddress(m.Email); ok {
			w.Add(m.Group, email, "")
		}
		if m.Subgroup != "" {
			if err := name(m.Subgroup); err != nil {
				return w, err
			}
			w.Add(m.Group, "", m.Subgroup)
		}
	}
	w.Names = slices.Sorted(maps.Keys(names))
	return w, nil
}

// Add adds one member to a group, whose name is in Names.
func (w *Members) Add(group, email, subgroup string) {
	w.Groups, w.Emails, w.Subgroups = append(w.Groups, group), append(w.Emails, email), append(w.Subgroups, subgroup)
}

// readDirectory takes over who is in which group of the source. When that fails, who
// was in them before still is, and the documents are read all the same; the error says
// so, and ends the run after them.
func (r *syncRun) readDirectory(ctx context.Context, site connectors.Connector) error {
	directory, ok := site.(connectors.Directory)
	if !ok {
		return nil
	}
	err := r.Store.SetMembers(ctx, r.Source, r.Lease, directory.Members(ctx))
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, cairn.ErrConflict) {
		return err // the run is no longer ours, as its next batch finds out
	}
	r.Log.Warn("the groups of a source could not be read", "source", r.Source.Name, "run", r.Lease.Run, "error", Class(err))
	if shown := (*cairn.Error)(nil); errors.As(err, &shown) {
		return err
	}
	return cairn.Errorf(cairn.ErrUnavailable, "The groups of the source could not be read. Who was in them before still is (%s).", Class(err))
}
