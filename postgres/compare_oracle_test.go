package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/server/api"
)

// probe is what is asked for one account, through one server.
type probe struct {
	*firm
	account *oracleAccount
	server  int
	text    string
	narrow  cairn.Query // of the words alone, with operators and filters
	words   string      // of narrow
	operators
	vector []float32
	limit  int
	read   []string // books
}

// enough is more than there are books.
const enough = 100

// compare compares everything that the accounts may see with the model, all at once.
func (f *firm) compare(accounts ...*oracleAccount) {
	f.number()
	f.done["compare"] += len(accounts)
	var g errgroup.Group
	for _, a := range accounts {
		p := f.drawProbe(a)
		g.Go(func() error { return p.run(context.Background()) })
	}
	f.check(g.Wait())
	for _, a := range f.gone[max(0, len(f.gone)-2):] {
		if v, err := viewerOf(context.Background(), f.acting(), a.token); !errors.Is(err, cairn.ErrNotFound) {
			f.rt.Fatalf("the token of %s, who is gone, is that of %v (%v)", a.Email, v, err)
		}
	}
}

func (f *firm) drawProbe(a *oracleAccount) probe {
	p := probe{
		firm: f, account: a, server: rapid.IntRange(0, 1).Draw(f.rt, "server"), text: drawText(f.rt, "query", 4),
		vector: drawVector(f.rt), limit: rapid.SampledFrom([]int{1, 3, 10, enough}).Draw(f.rt, "limit"),
		narrow: cairn.Query{Filters: drawFilters(f.rt)},
	}
	p.operators = drawOperators(f.rt)
	p.narrow.Text, p.words = p.query(p.text)
	if len(f.books) > 0 {
		p.read = rapid.SliceOfN(rapid.SampledFrom(f.titles()), 0, 2).Draw(f.rt, "read")
	}
	return p
}

// run returns how what the account gets differs from the model.
func (p probe) run(ctx context.Context) error {
	v, err := p.viewer(ctx)
	if err != nil {
		return err
	}
	p.narrow.Viewer = v
	for _, compare := range []func(context.Context, cairn.Viewer) error{p.results, p.legs, p.reads, p.documents, p.messages} {
		if err := compare(ctx, v); err != nil {
			return fmt.Errorf("%s, of %v: %w", p.account.Email, v.Keys, err)
		}
	}
	return nil
}

// viewer compares the keys of the account on both servers, and returns a viewer who
// claims to hold every grant that there ever was.
func (p probe) viewer(ctx context.Context) (v cairn.Viewer, err error) {
	var want cairn.Viewer
	if a := p.account; !a.Disabled {
		want = cairn.Viewer{Account: a.ID, Keys: slices.Concat(
			[]cairn.PrincipalKey{cairn.AccountKey(a.ID), cairn.UserKey(a.Email)}, p.of(a), []cairn.PrincipalKey{cairn.Everyone})}
	}
	for _, db := range p.servers {
		v, err = viewerOf(ctx, db, p.account.token)
		if p.account.Disabled && errors.Is(err, cairn.ErrNotFound) {
			continue // its tokens are revoked
		}
		if err != nil {
			return v, err
		}
		v.Grants = nil
		if d := gocmp.Diff(want, v); d != "" {
			return v, fmt.Errorf("%s (-want +got):\n%s", p.account.Email, d)
		}
	}
	want.Grants = p.granted
	return want, nil
}

// results compares what is found in every mode when the limit is no limit.
func (p probe) results(ctx context.Context, v cairn.Viewer) error {
	q := cairn.Query{Viewer: v, Text: p.text, Limit: enough}
	vectors, err := p.embedder.Embed(ctx, llm.RoleQuery, []string{q.Text})
	if err != nil {
		return err
	}
	words, near := p.bm25(q, enough), p.products(q, vectors[0], enough)
	for mode, hits := range map[cairn.Mode][]retrieval.Hit{
		cairn.ModeLexical: words, cairn.ModeDense: near, cairn.ModeHybrid: slices.Concat(words, near),
	} {
		want := []string{}
		for name, b := range p.books {
			if slices.ContainsFunc(hits, func(h retrieval.Hit) bool { return h.Chunk == b.chunk }) {
				want = append(want, name)
			}
		}
		q.Mode = mode
		found, err := p.retrievers[p.server].Search(ctx, q)
		if err != nil {
			return err
		}
		got := []string{}
		for _, r := range found.Passages {
			got = append(got, r.Title)
		}
		if d := sameSet(want, got); d != "" || found.More {
			return fmt.Errorf("%q, %s, more: %t (-want +got):\n%s", q.Text, mode, found.More, d)
		}
	}
	return nil
}

func sameSet(want, got []string) string {
	slices.Sort(want)
	slices.Sort(got)
	return gocmp.Diff(want, got)
}

// legs compares the order of what each leg finds, within a limit. As few vectors as
// these are all compared exactly, so that none may be missing.
func (p probe) legs(ctx context.Context, _ cairn.Viewer) error {
	q, index := p.narrow, p.replicas[p.server]
	words, err := index.Lexical(ctx, q, p.limit)
	if err != nil {
		return err
	}
	if d := sameHits(p.bm25With(q, p.words, p.operators, p.limit), words.Hits); d != "" {
		return fmt.Errorf("%q, filters %+v, limit %d (-brute force +index):\n%s", q.Text, q.Filters, p.limit, d)
	}
	q.Text = "" // operators are tried above
	near, err := index.Nearest(ctx, q, p.vector, p.limit)
	if err != nil {
		return err
	}
	if d := sameHits(p.products(q, p.vector, p.limit), near); d != "" {
		return fmt.Errorf("nearest, filters %+v, limit %d (-brute force +index):\n%s", q.Filters, p.limit, d)
	}
	return nil
}

// reads compares titles, names of sources and ranges of bodies.
func (p probe) reads(ctx context.Context, v cairn.Viewer) error {
	db, titles, sources := p.servers[p.server], []string{}, []string{}
	var ranges []retrieval.Range
	texts := []retrieval.RangeText{}
	for _, name := range p.titles() {
		b := p.books[name]
		ranges = append(ranges, retrieval.Range{Document: b.id, Version: cairn.VersionOf([]byte(b.text)), Start: 1, End: 3})
		texts = append(texts, retrieval.RangeText{})
		if p.admits(b, v) { // what is only granted is not suggested
			titles = append(titles, name)
		}
		if p.firm.reads(b, v) {
			texts[len(texts)-1] = retrieval.RangeText{Text: []byte(b.text[1:3]), Sections: []cairn.Section{{End: len(b.text)}}}
			sources = append(sources, p.sources[b.source].Name)
		}
	}
	gotTitles, err := db.SuggestTitles(ctx, v, "book", 1000)
	if err != nil {
		return err
	}
	gotSources, _, err := db.ReadableSources(ctx, v, api.Page{Limit: 9})
	if err != nil {
		return err
	}
	gotTexts, err := db.Bodies(ctx, v, ranges)
	if err != nil {
		return err
	}
	slices.Sort(sources)
	if d := sameSet(titles, titlesOf(gotTitles)) + sameSet(slices.Compact(sources), append([]string{}, gotSources...)) + gocmp.Diff(texts, append([]retrieval.RangeText{}, gotTexts...)); d != "" {
		return fmt.Errorf("reads (-want +got):\n%s", d)
	}
	return nil
}

func (p probe) documents(ctx context.Context, v cairn.Viewer) error {
	for _, name := range p.read {
		b := p.books[name]
		_, err := p.servers[p.server].Document(ctx, v, b.id, "")
		if readable := p.firm.reads(b, v); readable && err != nil || !readable && !errors.Is(err, cairn.ErrNotFound) {
			return fmt.Errorf("reads %s, of %+v: %w", name, p.aclOf(b), err)
		}
	}
	return nil
}

// messages compares which of the last answers are shown.
func (p probe) messages(ctx context.Context, v cairn.Viewer) error {
	for _, q := range p.questions[max(0, len(p.questions)-4):] {
		got, err := p.servers[p.server].Message(ctx, v, q.id)
		if q.owner != p.account || q.owner.Disabled {
			if !errors.Is(err, cairn.ErrNotFound) {
				return fmt.Errorf("a message of %s: %+v, %w", q.owner.Email, got, err)
			}
			continue
		}
		shown := 0 // documents of the evidence
		for _, b := range p.books {
			for _, e := range q.evidence {
				if e.id == b.id && p.readsEdition(e, b, v) {
					shown++
				}
			}
		}
		readable := shown == len(q.evidence)
		if err != nil || got.Withheld == readable || readable && len(got.Answer.Citations) != len(q.evidence) {
			return fmt.Errorf("message with evidence %v: %+v, %w; want readable: %t", q.evidence, got, err, readable)
		}
	}
	return nil
}
