package ingest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
)

// Plan is what a run would make of who may read the documents of a source.
type Plan struct {
	Fates []Fate // of the documents that it would write, each once
	// ACLs are those that fates name, by their hashes.
	ACLs map[[32]byte]cairn.ACL
	// Members is who would be in which group of the source; nil: who is in it now.
	Members *Members
}

// Fate is what a run would make of one document.
type Fate struct {
	External string
	From     string   // the name under which it is stored, when it gets another one; else empty
	New      bool     // it is not stored, or hidden
	Own      bool     // it would have an ACL of its own; else the source's
	ACL      [32]byte // its own
	Gone     bool     // nobody would read it
}

// previewed is how many documents of a kind a dry run names.
const previewed = 100

// previewBytes bounds what a dry run keeps in mind of changes. A hundred thousand
// documents with names of sixty letters, and an ACL each, fit into it.
const previewBytes = 64 << 20

// What things take beside their texts.
const (
	fateBytes = 192
	aclBytes  = 128
	keyBytes  = 16
)

// dryRun keeps in mind what a run would write. That of a run which writes is nil.
type dryRun struct {
	plan  Plan
	at    map[string]int      // places in plan.Fates
	moved map[string]struct{} // former names
	names cairn.RunPreview
	room  int // bytes that are left
	cut   int // changes for which there was none
}

func newDryRun(bytes int) *dryRun {
	return &dryRun{
		plan: Plan{ACLs: make(map[[32]byte]cairn.ACL)}, at: make(map[string]int), moved: make(map[string]struct{}),
		room: cmp.Or(bytes, previewBytes),
	}
}

// knows reports whether the run would have written a document: what is stored of it no
// longer says how it would be.
func (d *dryRun) knows(external string) bool {
	if d == nil {
		return false
	}
	_, ok := d.at[external]
	return ok
}

// would stands for the id of a document that the run would have stored.
const would cairn.DocumentID = "would"

// correct brings what is known of documents to what it would be by now.
func (d *dryRun) correct(known map[string]Known, externals []string, run string) {
	for _, external := range externals {
		i, written := d.at[external]
		_, moved := d.moved[external]
		switch {
		case written && d.plan.Fates[i].Gone, moved && !written:
			delete(known, external)
		case written && known[external].ID == "":
			known[external] = Known{ID: would, Run: run}
		}
	}
}

// correctStored brings the names of stored documents to what they would be by now.
func (d *dryRun) correctStored(stored map[string]cairn.Version) {
	for name := range d.moved {
		delete(stored, name)
	}
	for _, f := range d.plan.Fates {
		if f.Gone {
			delete(stored, f.External)
		} else if stored[f.External] == "" {
			stored[f.External] = cairn.Version(would)
		}
	}
}

// note takes over what a batch would write.
func (d *dryRun) note(b Batch, permissionsOnly bool) {
	former := make(map[string]string, len(b.Moves))
	for _, from := range slices.Sorted(maps.Keys(b.Moves)) {
		to := b.Moves[from]
		former[to] = from
		d.move(from, to)
	}
	for _, p := range b.Puts {
		from := former[p.Document.External]
		isNew := p.Document.ID == "" && from == ""
		list := &d.names.Modified
		if isNew {
			list = &d.names.Added
		}
		d.name(list, p.Document.External)
		d.set(Fate{External: p.Document.External, From: from, New: isNew, Own: p.OwnACL}, p.Document.ACL)
	}
	for _, external := range slices.Sorted(maps.Keys(b.ACLs)) {
		acl := b.ACLs[external]
		if permissionsOnly {
			d.name(&d.names.Modified, external)
		}
		if acl == nil {
			d.set(Fate{External: external}, cairn.ACL{})
		} else {
			d.set(Fate{External: external, Own: true}, *acl)
		}
	}
	for _, gone := range [][]string{b.Deletes, b.Withheld} {
		for _, external := range gone {
			d.name(&d.names.Deleted, external)
			d.set(Fate{External: external, Gone: true}, cairn.ACL{})
		}
	}
}

// move gives a document another name. One that had it and is gone stays so.
func (d *dryRun) move(from, to string) {
	d.moved[from] = struct{}{}
	delete(d.at, to)
	if i, ok := d.at[from]; ok { // it was written before
		f := &d.plan.Fates[i]
		f.External, f.From = to, cmp.Or(f.From, from)
		delete(d.at, from)
		d.at[to] = i
	}
}

// name names a document, once, as far as there is room.
func (d *dryRun) name(list *[]string, external string) {
	if len(*list) < previewed && !d.knows(external) {
		*list = append(*list, external)
	}
}

// set notes the fate of a document, instead of one that was noted before.
func (d *dryRun) set(f Fate, own cairn.ACL) {
	bytes := 0
	if f.Own {
		f.ACL = own.Hash()
		if _, ok := d.plan.ACLs[f.ACL]; !ok {
			bytes += sizeOf(own)
		}
	}
	i, again := d.at[f.External]
	if !again {
		bytes += fateBytes + len(f.External) + len(f.From)
	}
	if bytes > d.room {
		d.cut++
		return
	}
	d.room -= bytes
	if f.Own {
		d.plan.ACLs[f.ACL] = own
	}
	if again {
		f.From, f.New = cmp.Or(d.plan.Fates[i].From, f.From), d.plan.Fates[i].New
		d.plan.Fates[i] = f
		return
	}
	d.at[f.External] = len(d.plan.Fates)
	d.plan.Fates = append(d.plan.Fates, f)
}

// sizeOf returns about how many bytes an ACL takes.
func sizeOf(a cairn.ACL) int {
	bytes := aclBytes
	for _, keys := range append([][]cairn.PrincipalKey{a.Deny}, a.Allow...) {
		bytes += aclBytes / 4
		for _, k := range keys {
			bytes += keyBytes + len(k)
		}
	}
	return bytes
}

// end returns what is to be said of a run that ended with err; of a dry run what it would
// have done up to then.
func (r *syncRun) end(ctx context.Context, err error) (Result, error) {
	r.result.Warnings = r.warned.list()
	if r.dry == nil {
		return r.result, err
	}
	r.result.Preview = &r.dry.names
	if ctx.Err() != nil {
		return r.result, err
	}
	access, failed := r.Store.PreviewRun(ctx, r.Source, r.dry.plan)
	if failed != nil {
		return r.result, errors.Join(err, failed)
	}
	access.Uncounted = r.dry.cut
	r.result.Preview.Access = &access
	return r.result, err
}
