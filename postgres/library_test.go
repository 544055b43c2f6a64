package postgres

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// library is a corpus with a model of what it holds, for search by brute force
// over plain lists, written without the index.
type library struct {
	*corpus
	sources  []cairn.Source
	servers  []*DB // of the replicas
	replicas []*Index
	books    map[string]*book        // that can be found
	changed  bool                    // since the ids of chunks were read
	done     map[string]int          // how often each kind of step was taken
	grants   map[cairn.GrantID]given // that live
	granted  []cairn.GrantID         // that were ever made, which everybody claims to hold
}

// given is a grant of a book, or of all of a source.
type given struct {
	account  cairn.AccountID
	source   int
	document cairn.DocumentID
}

// book is a document with what the reference knows of it.
type book struct {
	id         cairn.DocumentID
	source     int
	text       string
	acl        cairn.ACL
	inherits   bool // the ACL is the source's
	withheld   bool // its permissions admit nobody until it is told of again
	kind       cairn.Kind
	author     string
	language   string
	attributes map[string]string
	modified   time.Time
	vector     []float32
	chunk      int64
	tf         map[uint64]float64
	length     int
}

// eager packs and merges much sooner than serve does.
var eager = upkeep{packFrom: 3, packAtMost: 5, small: 6, together: 3, largest: 40, looseCodes: 1}

func newLibrary(t testing.TB) *library {
	t.Helper()
	l := &library{corpus: newCorpus(t), books: make(map[string]*book), done: make(map[string]int), grants: make(map[cairn.GrantID]given)}
	l.sources = []cairn.Source{l.src, l.source("cellar", cairn.Allow(cairn.Everyone))}
	l.servers, l.replicas = []*DB{l.DB, l.DB}, make([]*Index, 2)
	for i := range l.replicas {
		l.reopen(i)
	}
	return l
}

// reopen makes a replica begin anew.
func (l *library) reopen(i int) {
	l.replicas[i] = NewIndex(l.servers[i], l.space)
	l.replicas[i].upkeep = eager
}

// maintain packs and merges, and notes whether there was anything to pack and merge.
func (l *library) maintain(x *Index) {
	l.t.Helper()
	fresh, segments := l.count(`SELECT count(*) FROM fresh`), l.segmentIDs()
	l.check(x.Maintain(context.Background()))
	if l.count(`SELECT count(*) FROM fresh`) < fresh {
		l.done["pack"]++
	}
	after := l.segmentIDs()
	if slices.ContainsFunc(segments, func(id int32) bool { return !slices.Contains(after, id) }) {
		l.done["merge"]++
	}
}

func (l *library) erase(name string) {
	l.t.Helper()
	_, err := l.store.Erase(context.Background(), l.sources[l.books[name].source].ID, []string{name})
	l.check(err)
	delete(l.books, name)
}

// give makes a grant.
func (l *library) give(g given) {
	l.t.Helper()
	source := l.sources[g.source].ID
	if g.document != "" {
		source = ""
	}
	id := l.grant(g.account, source, g.document)
	l.grants[id], l.granted = g, append(l.granted, id)
}

// end ends a grant.
func (l *library) end(id cairn.GrantID) {
	l.t.Helper()
	l.expire(id)
	delete(l.grants, id)
}

func (l *library) put(name string, b *book) {
	l.t.Helper()
	l.commit(name, b, ingest.Batch{})
}

// commit stores a book with the rest of a batch.
func (l *library) commit(name string, b *book, batch ingest.Batch) {
	l.t.Helper()
	body := []byte(b.text)
	d := cairn.Document{
		ID: cairn.DocumentID(cairn.NewID()), External: name, Version: cairn.VersionOf(body), Kind: b.kind, Title: name, Author: b.author,
		Language: b.language, Body: body, Sections: []cairn.Section{{End: len(body)}}, ACL: b.acl, Modified: b.modified, Attributes: b.attributes,
	}
	chunks := ingest.Derive(&d, []cairn.Chunk{{End: len(body)}})
	chunks[0].Vector = b.vector
	terms, err := lexical.DecodeTerms(chunks[0].Terms)
	l.check(err)
	b.tf, b.length = make(map[uint64]float64), chunks[0].Length
	for _, t := range terms {
		b.tf[t.Hash] = float64(t.TF)
	}
	batch.Source = l.sources[b.source].ID
	batch.Puts = []ingest.Put{{Document: d, OwnACL: !b.inherits, Chunks: chunks}}
	stored, err := l.store.Commit(context.Background(), batch)
	l.check(err)
	b.id = stored[0].ID
	l.books[name], l.changed = b, true
}

// number reads the ids that the chunks got.
func (l *library) number() {
	l.t.Helper()
	if !l.changed {
		return
	}
	rows, err := l.worker.Query(context.Background(), `SELECT d.external_id, c.id FROM chunks c JOIN documents d ON d.id = c.document_id`)
	l.check(err)
	defer rows.Close()
	for rows.Next() {
		var name string
		var chunk int64
		l.check(rows.Scan(&name, &chunk))
		l.books[name].chunk = chunk
	}
	l.check(rows.Err())
	l.changed = false
}

// admits says whether permissions let a viewer read a book.
func (l *library) admits(b *book, v cairn.Viewer) bool { return !b.withheld && l.aclOf(b).Admits(v) }

// aclOf returns the ACL of a book, or that which it would have if it were not withheld.
func (l *library) aclOf(b *book) cairn.ACL {
	if b.inherits {
		return l.sources[b.source].ACL
	}
	return b.acl
}

// reads says whether a viewer may read a book, by permissions or by a grant.
func (l *library) reads(b *book, v cairn.Viewer) bool {
	return l.admits(b, v) || l.holdsGrant(b, v)
}

// holdsGrant says whether a grant lets a viewer read a book.
func (l *library) holdsGrant(b *book, v cairn.Viewer) bool {
	return slices.ContainsFunc(v.Grants, func(id cairn.GrantID) bool {
		g, lives := l.grants[id]
		return lives && g.account == v.Account && (g.document == b.id || g.document == "" && g.source == b.source)
	})
}

func (l *library) visible(v cairn.Viewer) (all []*book) {
	for _, b := range l.books {
		if l.reads(b, v) {
			all = append(all, b)
		}
	}
	return all
}
