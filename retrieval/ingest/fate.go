package ingest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
)

// fate is what would have become of one document by now.
type fate struct {
	name     string
	stored   string // the name under which it can be found in the store; empty: it cannot
	hidden   bool   // it is in the store all the same
	moved    bool   // it would have another name
	written  bool   // with its text
	revision string // of that
	own      bool
	acl      [32]byte
	gone     bool
}

// What things take beside their texts.
const (
	fateBytes = 256
	aclBytes  = 128
	keyBytes  = 16
)

// has reports whether a name is still that of a document, if it ever was.
func (d *dryRun) has(name string) bool {
	f, ok := d.at[name]
	return f != nil || !ok
}

// move gives documents other names, all at once: one may get that of another.
func (d *dryRun) move(moves map[string]string, found map[string]bool) {
	moved := make(map[string]*fate, len(moves))
	for _, from := range slices.Sorted(maps.Keys(moves)) {
		if !d.has(from) {
			continue
		}
		f := d.at[from]
		if f == nil && d.take(fateBytes+2*len(from)) {
			f = d.add(from, found[from])
			f.hidden = !found[from]
		}
		if f != nil { // else it is told as what is put under its new name
			d.at[from], moved[moves[from]] = nil, f
		}
	}
	for to, f := range moved {
		f.name, f.moved = to, true
		d.at[to] = f // one that had the name is gone, and stays so
	}
}

// set notes what is said of the document that has a name by now, and that it is there,
// and returns it; nil when there is no room. One that was not noted before can be found
// in the store, or is new.
func (d *dryRun) set(name string, found bool, own *cairn.ACL) *fate {
	f, bytes := d.at[name], 0
	var acl [32]byte
	if own != nil {
		acl = own.Hash()
		if _, ok := d.acls[acl]; !ok {
			bytes += sizeOf(*own)
		}
	}
	if f == nil {
		bytes += fateBytes + len(name)
	}
	if !d.take(bytes) {
		d.cut++
		return nil
	}
	if f == nil {
		_, moved := d.at[name]
		f = d.add(name, found && !moved)
	}
	if own != nil {
		d.acls[acl] = *own
	}
	f.own, f.acl, f.gone = own != nil, acl, false
	return f
}

func (d *dryRun) add(name string, found bool) *fate {
	f := &fate{name: name}
	if found {
		f.stored = name
	}
	d.at[name] = f
	d.fates = append(d.fates, f)
	return f
}

// take takes room. When there is too little, none is left for others.
func (d *dryRun) take(bytes int) bool {
	if bytes > d.room {
		d.room = 0
		return bytes == 0
	}
	d.room -= bytes
	return true
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

// plan returns what would have become of all documents.
func (d *dryRun) plan() Plan {
	p := Plan{Fates: make([]Fate, len(d.fates)), ACLs: d.acls, Members: d.members}
	for i, f := range d.fates {
		p.Fates[i] = Fate{External: f.name, Stored: f.stored, Own: f.own, ACL: f.acl, Gone: f.gone}
		if f.gone {
			p.Fates[i].External = cmp.Or(f.stored, f.name)
		}
	}
	return p
}

// previewed is how many documents of a kind a dry run names.
const previewed = 100

// names returns the names of the first documents that would be added, changed and
// removed; permissions alone are a change where the run brings nothing else.
func (d *dryRun) names(permissionsOnly bool) cairn.RunPreview {
	var out cairn.RunPreview
	for _, f := range d.fates {
		list, name := &out.Modified, f.name
		switch {
		case f.gone && f.stored == "":
			continue // it came and went
		case f.gone:
			list, name = &out.Deleted, f.stored
		case f.stored == "" && !f.hidden:
			list = &out.Added
		case !f.written && !f.moved && !permissionsOnly:
			continue
		}
		if len(*list) < previewed {
			*list = append(*list, name)
		}
	}
	return out
}
