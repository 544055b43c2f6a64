package ingest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// told yields what a source tells of each document: also of those that are stored of its
// parts. What is withheld stays so then: that it is there again, a listing says.
func (r *permissionRun) told(ctx context.Context, source connectors.Connector) iter.Seq2[connectors.Permission, error] {
	if documents, ok := source.(connectors.Permissions); ok {
		return documents.Permissions(ctx)
	}
	r.parts = true
	parts, untold := make(map[string]*cairn.ACL), []string(nil)
	stored := slices.Sorted(maps.Keys(r.acls))
	return func(yield func(connectors.Permission, error) bool) {
		for part, err := range source.(connectors.Parts).Parts(ctx) {
			if err != nil {
				yield(connectors.Permission{}, err)
				return
			}
			if r.between {
				r.newest.note(&r.newest.parts, part.Prefix, part.ACL, part.Err)
				if acl, known := r.newest.parts[part.Prefix]; known {
					parts[part.Prefix] = acl
				} else {
					untold = append(untold, part.Prefix)
				}
			}
			first, _ := slices.BinarySearch(stored, part.Prefix)
			for _, external := range stored[first:] {
				if !strings.HasPrefix(external, part.Prefix) {
					break
				}
				if r.acls[external].Withheld {
					r.seen[external] = struct{}{}
				} else if !yield(connectors.Permission{External: external, ACL: part.ACL, Err: part.Err}, nil) {
					return
				}
			}
		}
		if r.between {
			r.newest.parts, r.newest.untold, r.newest.whole = parts, untold, true
		}
	}
}

// shut gives documents of parts that are not there the ACL that admits nobody, whoever
// says the permissions of the source: the part may come back, and that the documents have
// vanished for good, a listing tells.
func (r *permissionRun) shut(ctx context.Context, externals []string) error {
	nobody := cairn.ACL{}
	for _, external := range externals {
		counter := &r.out.Counts.Unchanged
		if k := r.acls[external]; !k.Own || k.ACL != nobody.Hash() {
			r.set(external, k, nobody, true)
			counter = &r.out.Counts.Modified
		}
		*counter++
		if r.out.Counts.Scanned++; len(r.out.ACLs) >= permissionWrites {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	return r.flush(ctx)
}
