package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// drawKeys draws principals that exist and some that do not.
func (f *firm) drawKeys(label string, most int) []cairn.PrincipalKey {
	keys := []cairn.PrincipalKey{cairn.Everyone, cairn.Everyone, "group:cairn:unknown", cairn.UserKey("p2@acme.test")}
	for _, a := range f.accounts {
		keys = append(keys, cairn.AccountKey(a.ID), cairn.UserKey(a.Email))
	}
	for _, g := range f.groups {
		keys = append(keys, g.key())
	}
	return rapid.SliceOfN(rapid.SampledFrom(keys), 0, most).Draw(f.rt, label)
}

func (f *firm) drawACL() cairn.ACL {
	acl := cairn.Allow(cairn.Everyone)
	if rapid.IntRange(0, 3).Draw(f.rt, "restricted") > 0 {
		acl.Allow = nil
		for range rapid.IntRange(0, 2).Draw(f.rt, "clauses") {
			acl.Allow = append(acl.Allow, f.drawKeys("clause", 4))
		}
	}
	if rapid.IntRange(0, 2).Draw(f.rt, "denies") == 0 {
		acl.Deny = f.drawKeys("deny", 2)
	}
	return acl
}

func (f *firm) drawBook() *book {
	b := drawBook(f.rt)
	b.acl, b.inherits = f.drawACL(), rapid.IntRange(0, 3).Draw(f.rt, "inherits") == 0
	return b
}

// write stores a book, with the rest of a batch.
func (f *firm) write(name string, b *book, batch ingest.Batch) {
	acls, texts := make(map[cairn.DocumentID]cairn.ACL), make(map[cairn.DocumentID]string)
	for id, old := range f.stored {
		acls[id], texts[id] = f.aclOf(old), old.text
	}
	f.commit(name, b, batch)
	if text, ok := texts[b.id]; ok && text != b.text {
		acl := acls[b.id]
		f.former[edition{b.id, text}] = &acl
	}
	delete(f.former, edition{b.id, b.text})
	f.stored[b.id] = b
}

// readsEdition says whether a viewer may read a document in a text that it had: who may
// today, if she could then as well or by a grant.
func (f *firm) readsEdition(e edition, b *book, v cairn.Viewer) bool {
	if !f.reads(b, v) {
		return false
	}
	acl, former := f.former[e]
	return !former || acl != nil && (acl.Admits(v) || f.holdsGrant(b, v))
}

// change does something to a book.
func (f *firm) change(op, name string) {
	b := f.books[name]
	in := ingest.Batch{Source: f.sources[b.source].ID}
	switch op {
	case "edit": // in its source
		again := f.drawBook()
		again.source = b.source
		f.write(name, again, in)
		return
	case "move", "transfer":
		f.move(op, name)
		return
	case "erase":
		f.lose(b)
		if rapid.Bool().Draw(f.rt, "by its id") {
			_, err := f.acting().EraseDocument(context.Background(), b.id, false, "")
			f.check(err)
			delete(f.books, name)
		} else {
			f.erase(name)
		}
		return
	case "ask":
		f.ask()
		return
	case "vector":
		if b.vector == nil {
			f.number()
			b.vector = drawVector(f.rt)
			f.check(f.store.PutVectors(context.Background(), map[int64][]float32{b.chunk: b.vector}))
		}
		return
	case "grant":
		b.acl, b.inherits, b.withheld = f.drawACL(), false, false
		in.ACLs = map[string]*cairn.ACL{name: &b.acl}
	case "inherit":
		b.inherits, b.withheld = true, false
		in.ACLs = map[string]*cairn.ACL{name: nil}
	case "withhold":
		b.withheld = true
		in.Withheld = []string{name}
	case "hide":
		in.Deletes = []string{name}
		delete(f.books, name)
	case "touch":
		b.modified = epoch.AddDate(0, 0, rapid.IntRange(1, 9).Draw(f.rt, "day"))
		in.Touches = map[string]ingest.Touch{name: {Modified: b.modified}}
	default:
		f.rt.Fatalf("there is no operation %s", op)
	}
	_, err := f.store.Commit(context.Background(), in)
	f.check(err)
}

// move gives a document another name, with other permissions, and its id with it in
// its source; in another source it is another document.
func (f *firm) move(op, from string) {
	to := fmt.Sprintf("book-%02d", rapid.IntRange(0, 59).Draw(f.rt, "to"))
	if f.books[to] != nil {
		return
	}
	b := *f.books[from]
	b.withheld = false
	b.acl, b.inherits = f.drawACL(), rapid.Bool().Draw(f.rt, "inherits")
	if op == "move" {
		delete(f.books, from)
		f.write(to, &b, ingest.Batch{Moves: map[string]string{from: to}})
		return
	}
	f.change("hide", from)
	b.source = 1 - b.source
	f.write(to, &b, ingest.Batch{})
}

// giveSomebody lets somebody read a source or a document for a while.
func (f *firm) giveSomebody() {
	a := rapid.SampledFrom(f.accounts).Draw(f.rt, "holder")
	if a.Disabled {
		return
	}
	g := given{account: a.ID, source: rapid.IntRange(0, 1).Draw(f.rt, "source")}
	if len(f.books) > 0 && rapid.Bool().Draw(f.rt, "one") {
		g.document = f.books[rapid.SampledFrom(f.titles()).Draw(f.rt, "book")].id
	}
	f.give(g)
}

// declare changes the permissions of a source, and of the documents without own ones;
// of all, when they were read at the source and no longer are.
func (f *firm) declare() {
	i, acl := rapid.IntRange(0, 1).Draw(f.rt, "source"), f.drawACL()
	was, mode := f.sources[i].ACLMode, cairn.ACLDeclared
	if rapid.IntRange(0, 3).Draw(f.rt, "read at the source") == 0 {
		mode = cairn.ACLFromSource
	}
	changed, err := f.acting().UpdateSource(context.Background(), f.sources[i].ID, func(s *cairn.Source) error {
		s.ACLMode, s.ACL = mode, acl
		return nil
	})
	f.check(err)
	f.sources[i] = changed
	for _, b := range f.stored {
		if b.source == i && was == cairn.ACLFromSource && mode == cairn.ACLDeclared {
			b.inherits = true
		}
	}
}

// eraseSource erases a source with its groups, and makes an empty one of its name.
func (f *firm) eraseSource(i int, acl cairn.ACL) {
	name := f.sources[i].Name
	_, err := f.acting().EraseSource(context.Background(), f.sources[i].ID, "")
	f.check(err)
	for _, g := range slices.Clone(f.groups) {
		if g.directory == name {
			f.drop(g)
		}
	}
	for _, b := range f.stored {
		if b.source == i {
			f.lose(b)
		}
	}
	maps.DeleteFunc(f.books, func(_ string, b *book) bool { return b.source == i })
	maps.DeleteFunc(f.grants, func(_ cairn.GrantID, g given) bool { return g.document == "" && g.source == i })
	f.sources[i] = f.source(name, acl)
}

// losePrivate takes away what nobody but the holder of the keys could read.
func (f *firm) losePrivate(own ...cairn.PrincipalKey) {
	private := func(b *book) bool {
		return slices.ContainsFunc(f.aclOf(b).Allow, func(clause []cairn.PrincipalKey) bool {
			return len(clause) > 0 && !slices.ContainsFunc(clause, func(k cairn.PrincipalKey) bool { return !slices.Contains(own, k) })
		})
	}
	for _, b := range f.stored {
		if private(b) {
			f.lose(b)
		}
	}
	maps.DeleteFunc(f.books, func(_ string, b *book) bool { return private(b) })
	for e, acl := range f.former {
		if acl != nil && private(&book{acl: *acl}) {
			f.former[e] = nil
		}
	}
}

// lose takes away what was made from a document that is erased.
func (f *firm) lose(b *book) {
	delete(f.stored, b.id)
	maps.DeleteFunc(f.former, func(e edition, _ *cairn.ACL) bool { return e.id == b.id })
	f.questions = slices.DeleteFunc(f.questions, func(q question) bool {
		return slices.ContainsFunc(q.evidence, func(e edition) bool { return e.id == b.id })
	})
}

// ask stores an answer that was made from some documents.
func (f *firm) ask() {
	q := question{owner: rapid.SampledFrom(f.accounts).Draw(f.rt, "owner")}
	var documents []cairn.DocumentID
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(f.titles()), 0, 2, rapid.ID[string]).Draw(f.rt, "evidence") {
		b := f.books[name]
		q.evidence = append(q.evidence, edition{b.id, b.text})
		documents = append(documents, b.id)
	}
	conversation := f.conversation(cairn.Viewer{Account: q.owner.ID}, "t")
	q.id = f.message(asked{conversation: conversation, question: "q", answer: "a", documents: documents})
	f.questions = append(f.questions, q)
}
