package postgres

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/server/api"
)

// oracle knows of every document who may read it, by (cairn.ACL).Admits alone.
type oracle struct {
	documents []oracleDocument
	keys      []cairn.PrincipalKey
	viewers   []cairn.Viewer
	messages  []oracleMessage
	grants    []oracleGrant
}

// oracleGrant is a grant of a source or of a document. Every viewer claims to hold it.
type oracleGrant struct {
	id       cairn.GrantID
	account  cairn.AccountID
	source   string
	document cairn.DocumentID
	ended    bool
}

type oracleDocument struct {
	id     cairn.DocumentID
	source string
	title  string
	acl    cairn.ACL
	hidden bool
}

type oracleMessage struct {
	id        string
	owner     int
	documents []int
}

func (o *oracle) admits(v cairn.Viewer, d oracleDocument) bool {
	granted := slices.ContainsFunc(o.grants, func(g oracleGrant) bool {
		return !g.ended && g.account == v.Account && (g.document == d.id || g.source == d.source)
	})
	return !d.hidden && (granted || d.acl.Admits(v))
}

// TestReadsEqualOracle compares every way to read a document with what its ACL and
// grants say, over random ACLs, viewers, grants and documents that change hands.
func TestReadsEqualOracle(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := oracle{keys: []cairn.PrincipalKey{"everyone", "user:a@acme.test", "group:cairn:x", "group:okta:x", "group:okta:y"}}
	for i, keys := range [][]cairn.PrincipalKey{nil, {"everyone"}, {"everyone", "group:cairn:x"}, {"everyone", "user:a@acme.test", "group:okta:x", "group:okta:y"}} {
		o.viewers = append(o.viewers, f.member(fmt.Sprint("v", i), keys...))
	}
	sources := []cairn.Source{f.source("s0", cairn.ACL{}), f.source("s1", cairn.ACL{}), f.source("s2", cairn.ACL{})}
	conversations := make([]string, len(o.viewers))
	for i, v := range o.viewers {
		conversations[i] = f.conversation(v, "t")
	}
	rapid.Check(t, func(rt *rapid.T) {
		switch rapid.SampledFrom([]string{"add", "add", "acl", "hide", "ask", "grant", "end"}).Draw(rt, "op") {
		case "acl":
			if len(o.documents) > 0 {
				d := &o.documents[rapid.IntRange(0, len(o.documents)-1).Draw(rt, "document")]
				d.acl = o.acl(rt)
				f.setACL(d.id, d.acl)
			}
		case "hide":
			if len(o.documents) > 0 {
				d := &o.documents[rapid.IntRange(0, len(o.documents)-1).Draw(rt, "document")]
				d.hidden = !d.hidden
				f.exec(`UPDATE documents SET hidden_at = CASE WHEN $2 THEN now() END WHERE id = $1`, d.id, d.hidden)
			}
		case "grant":
			o.grant(rt, f, sources)
		case "end":
			if len(o.grants) > 0 {
				g := &o.grants[rapid.IntRange(0, len(o.grants)-1).Draw(rt, "grant")]
				f.expire(g.id)
				g.ended = true
			}
		case "ask":
			m := oracleMessage{owner: rapid.IntRange(0, len(o.viewers)-1).Draw(rt, "owner")}
			var ids []cairn.DocumentID
			for i, d := range o.documents {
				if rapid.IntRange(0, 3).Draw(rt, "evidence") == 0 {
					m.documents, ids = append(m.documents, i), append(ids, d.id)
				}
			}
			m.id = f.message(asked{conversation: conversations[m.owner], question: "q", answer: "a", documents: ids})
			o.messages = append(o.messages, m)
		default:
			s := rapid.SampledFrom(sources).Draw(rt, "source")
			d := oracleDocument{source: s.Name, title: fmt.Sprint("title ", len(o.documents)), acl: o.acl(rt)}
			d.id = f.document(s, d.title, d.title, "text", d.acl)
			o.documents = append(o.documents, d)
		}
		o.compare(rt, f, o.viewers[rapid.IntRange(0, len(o.viewers)-1).Draw(rt, "viewer")])
	})
	for _, v := range append(o.viewers, cairn.Viewer{}) {
		o.compare(t, f, v)
		o.compareDocuments(t, f, v)
		o.compareMessages(t, f, v)
	}
}

// grant makes a grant of a source or of a document.
func (o *oracle) grant(rt *rapid.T, f *fixture, sources []cairn.Source) {
	g := oracleGrant{account: rapid.SampledFrom(o.viewers).Draw(rt, "holder").Account}
	if s := rapid.SampledFrom(sources).Draw(rt, "source"); len(o.documents) == 0 || rapid.Bool().Draw(rt, "whole") {
		g.source = s.Name
		g.id = f.grant(g.account, s.ID, "")
	} else {
		g.document = rapid.SampledFrom(o.documents).Draw(rt, "document").id
		g.id = f.grant(g.account, "", g.document)
	}
	o.grants = append(o.grants, g)
	for i := range o.viewers {
		o.viewers[i].Grants = append(o.viewers[i].Grants, g.id)
	}
}

func (o *oracle) acl(rt *rapid.T) cairn.ACL {
	keys := rapid.SliceOfN(rapid.SampledFrom(o.keys), 0, 3)
	return cairn.ACL{Allow: rapid.SliceOfN(keys, 0, 2).Draw(rt, "allow"), Deny: rapid.SliceOfN(rapid.SampledFrom(o.keys), 0, 1).Draw(rt, "deny")}
}

// compare checks titles, names of sources and ranges of bodies.
func (o *oracle) compare(t rapid.TB, f *fixture, v cairn.Viewer) {
	t.Helper()
	titles, sources, bodies := []string{}, []string{}, make([][]byte, len(o.documents))
	ranges := make([]retrieval.Range, len(o.documents))
	for i, d := range o.documents {
		ranges[i] = retrieval.Range{Document: d.id, Version: cairn.VersionOf([]byte("text")), Start: 1, End: 3}
		if o.admits(v, d) {
			sources, bodies[i] = append(sources, d.source), []byte("ex")
		}
		if !d.hidden && d.acl.Admits(v) { // what is only granted is not suggested
			titles = append(titles, d.title)
		}
	}
	slices.Sort(titles)
	slices.Sort(sources)

	gotTitles, err := f.SuggestTitles(f.t.Context(), v, "title", 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(gotTitles)
	gotSources, _, err := f.ReadableSources(f.t.Context(), v, api.Page{Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	gotBodies, err := f.Bodies(f.t.Context(), v, ranges)
	if err != nil {
		t.Fatal(err)
	}
	d := cmp.Diff(titles, gotTitles) + cmp.Diff(slices.Compact(sources), gotSources) + cmp.Diff(bodies, gotBodies)
	if d != "" {
		t.Fatalf("what %v reads (-want +got):\n%s", v.Keys, d)
	}
}

func (o *oracle) compareDocuments(t *testing.T, f *fixture, v cairn.Viewer) {
	t.Helper()
	for _, d := range o.documents {
		_, err := f.Document(t.Context(), v, d.id, "")
		if admitted := o.admits(v, d); admitted && err != nil || !admitted && !errors.Is(err, cairn.ErrNotFound) {
			t.Errorf("%v reads %v: %v", v.Keys, d.acl, err)
		}
	}
}

func (o *oracle) compareMessages(t *testing.T, f *fixture, v cairn.Viewer) {
	t.Helper()
	for _, m := range o.messages {
		got, err := f.Message(t.Context(), v, m.id)
		if o.viewers[m.owner].Account != v.Account {
			wantError(t, "message of somebody else", err, cairn.ErrNotFound)
			continue
		}
		readable := !slices.ContainsFunc(m.documents, func(i int) bool { return !o.admits(v, o.documents[i]) })
		if err != nil || got.Withheld == readable || (len(got.Answer.Citations) == len(m.documents)) != (readable || len(m.documents) == 0) {
			t.Errorf("message with evidence %v: %+v, %v; want readable: %v", m.documents, got, err, readable)
		}
	}
}
