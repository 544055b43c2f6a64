package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// batch turns changes into a Batch.
type batch struct {
	*syncRun
	known map[string]Known
	out   Batch
}

func (b *batch) add(ctx context.Context, changes []connectors.Change) error {
	b.adopt(changes)
	var reads []connectors.Change
	for _, c := range changes {
		if c.Op != connectors.Delete {
			delete(b.vanished, c.External) // it is there after all
			delete(b.hidden, c.External)
		}
		b.result.Untold = b.result.Untold || permissionsCode(c.Err) == connectors.PermissionsUnknown
		switch {
		case c.Op == connectors.Delete:
			b.delete(c.External)
		case c.Op == connectors.SetACL:
			b.setACL(c)
		case b.unchanged(c):
			b.setACL(c)
			b.resolve(c.External)
			b.count(c.External, &b.out.Counts.Unchanged)
		case b.hopeless(c):
			b.setACL(c)
			b.warned.failure("not_tried_again")
			b.count(c.External, &b.out.Counts.Failed)
		default:
			reads = append(reads, c)
		}
	}
	results, err := b.readAll(ctx, reads)
	if err != nil {
		return err
	}
	for i, c := range reads {
		b.stage(c, results[i])
	}
	if b.DryRun {
		return nil
	}
	return b.Prepare.index(ctx, b.out.Puts)
}

// adopt lets documents that have other names, as their source says, be what they were: what
// is known of them is known under the new names from now on. One that was moved twice is
// what it was at first.
func (b *batch) adopt(changes []connectors.Change) {
	former := make(map[string]string) // by names of this batch
	for _, c := range changes {
		k := b.known[c.From]
		if c.From == "" || c.Err != nil || k.ID == "" || b.known[c.External].ID != "" {
			continue
		}
		from, again := former[c.From]
		if again {
			delete(b.out.Moves, from)
		} else if from = c.From; b.isListed(from) {
			continue
		}
		b.known[c.External] = k
		delete(b.known, c.From)
		former[c.External] = from
		b.move(from, c.External)
	}
}

// isListed reports whether the source's listing, if it was compared, has a document.
func (b *batch) isListed(external string) bool {
	if b.vanished == nil {
		return false
	}
	_, gone := b.vanished[external]
	return !gone
}

// moved reports whether a document gets its name in this batch.
func (b *batch) moved(c connectors.Change) bool {
	if c.From == "" {
		return false
	}
	for _, to := range b.out.Moves {
		if to == c.External {
			return true
		}
	}
	return false
}

// count counts a document, unless an earlier attempt at this run has done so.
func (b *batch) count(external string, what *int) {
	if b.Lease.Run != "" && b.known[external].Run == b.Lease.Run {
		return
	}
	*what++
	b.out.Counts.Scanned++
}

func (b *batch) addedOrModified(external string) *int {
	if b.known[external].ID != "" {
		return &b.out.Counts.Modified
	}
	return &b.out.Counts.Added
}

// unchanged reports whether the source says that a document is as it was. A
// full run reads it all the same, unless an earlier attempt at the run has.
func (b *batch) unchanged(c connectors.Change) bool {
	k := b.known[c.External]
	again := b.Full && (b.Lease.Run == "" || k.Run != b.Lease.Run)
	return !again && !b.moved(c) && c.Err == nil && k.ID != "" && c.Metadata.Revision != "" && k.Revision == c.Metadata.Revision
}

// hopeless reports whether a revision has failed too often to be tried again. That nobody
// knows who may read it is noted each time.
func (b *batch) hopeless(c connectors.Change) bool {
	k := b.known[c.External]
	return !b.Full && !b.moved(c) && permissionsCode(c.Err) == "" && k.Attempts >= maxAttempts && k.FailedRevision == c.Metadata.Revision
}

func (b *batch) delete(external string) {
	if b.known[external].ID == "" {
		return
	}
	b.out.Deletes = append(b.out.Deletes, external)
	b.out.Counts.Deleted++
}

// gone returns the names under which the documents that it deletes are stored as long as
// it is not committed.
func (b *batch) gone() []string {
	former := make(map[string]string, len(b.out.Moves))
	for from, to := range b.out.Moves {
		former[to] = from
	}
	names := make([]string, len(b.out.Deletes))
	for i, name := range b.out.Deletes {
		names[i] = cmp.Or(former[name], name)
	}
	return names
}

// resolve forgets the recorded error of a document that can be read again.
func (b *batch) resolve(external string) {
	if b.known[external].Failed {
		b.out.Resolved = append(b.out.Resolved, external)
	}
}

// setACL notes a new ACL of a document whose text stays. A document that the
// source could not tell about keeps the one that it has; one whose permissions are not
// understood is nobody's.
func (b *batch) setACL(c connectors.Change) {
	k := b.known[c.External]
	acl, own := b.aclOf(c.ACL)
	if permissionsCode(c.Err) == connectors.PermissionsNotUnderstood && !b.IgnoreACLs {
		acl, own = cairn.ACL{}, true
	} else if c.Err != nil {
		return
	}
	if k.ID == "" || k.has(acl, own) {
		return
	}
	if b.out.ACLs == nil {
		b.out.ACLs = make(map[string]*cairn.ACL)
	}
	b.out.ACLs[c.External] = nil
	if own {
		b.out.ACLs[c.External] = &acl
	}
}

// stage puts what was read of a document into the batch.
func (b *batch) stage(c connectors.Change, r readResult) {
	if r.err != nil {
		if !isFailure(r.err) && !b.DryRun {
			b.Log.Warn("a document could not be read; cairn source errors tells which", "source", b.Source.Name, "run", b.Lease.Run, "error", Class(r.err))
		}
		b.setACL(c) // the old text stays; who may read it is told all the same
		e := documentError(c.External, c.Metadata.URL, r.err)
		b.out.Errors = append(b.out.Errors, Failure{DocumentError: e, Revision: c.Metadata.Revision})
		b.warned.failure(e.Code)
		b.count(c.External, &b.out.Counts.Failed)
		return
	}
	k := b.known[c.External]
	main := r.puts[0]
	if k.ID != "" && k.Fingerprint == main.Fingerprint && !b.Full && len(r.puts) == 1 {
		b.touch(c, main)
		counter := &b.out.Counts.Unchanged
		if b.moved(c) {
			counter = &b.out.Counts.Modified
		}
		b.count(c.External, counter)
		return
	}
	counter := b.addedOrModified(c.External)
	if from, ok := b.renamed(c, k, main); ok {
		b.keep(from)
		b.move(from, c.External)
		counter = &b.out.Counts.Modified
	}
	b.count(c.External, counter)
	b.out.Puts = append(b.out.Puts, r.puts...)
}

// touch notes that a document was read again and had not changed.
func (b *batch) touch(c connectors.Change, p Put) {
	b.setACL(c)
	b.resolve(c.External)
	if b.out.Touches == nil {
		b.out.Touches = make(map[string]Touch)
	}
	b.out.Touches[c.External] = Touch{Revision: p.Revision, Modified: p.Document.Modified}
}

// renamed returns the former name of a new document: that of a document which
// has vanished from the source and had the same text, or is hidden already and had the
// name that the source says.
func (b *batch) renamed(c connectors.Change, k Known, p Put) (from string, ok bool) {
	if k.ID != "" {
		return "", false
	}
	if _, hidden := b.hidden[c.From]; hidden && c.From != "" {
		return c.From, true
	}
	if len(p.Document.Body) == 0 {
		return "", false
	}
	for _, external := range b.vanishedBy[p.Document.Version] {
		_, still := b.vanished[external]
		_, hidden := b.hidden[external]
		if (still || hidden) && (!ok || external < from) {
			from, ok = external, true
		}
	}
	return from, ok
}

// keep takes back that a document is gone: it has another name.
func (b *batch) keep(external string) {
	if i := slices.Index(b.out.Deletes, external); i >= 0 {
		b.out.Deletes = slices.Delete(b.out.Deletes, i, i+1)
		b.out.Counts.Deleted--
	}
}

// move gives a document another name. What vanished under one of the names is not to be
// looked for there any more.
func (b *batch) move(from, to string) {
	for _, name := range []string{from, to} {
		delete(b.vanished, name)
		delete(b.hidden, name)
	}
	if b.out.Moves == nil {
		b.out.Moves = make(map[string]string)
	}
	b.out.Moves[from] = to
}

// permissionsCode returns the code of an error that says that who may read a document is
// not known, and nothing for others.
func permissionsCode(err error) string {
	var source *connectors.DocumentError
	if errors.As(err, &source) && isPermissionsCode(source.Code) {
		return source.Code
	}
	return ""
}

func isPermissionsCode(code string) bool {
	return code == connectors.PermissionsUnknown || code == connectors.PermissionsNotUnderstood
}
