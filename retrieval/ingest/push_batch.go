package ingest

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
)

// Edit is a document that a program brings, or the removal of one.
type Edit struct {
	Push
	Delete bool // of Push, External alone counts
}

// Outcome is what became of an Edit.
type Outcome struct {
	Pushed // zero for a removal
	// Err is why the edit was not made: ErrInvalid for a document that cannot be
	// read or stored, ErrNotFound for the removal of what the source does not have.
	Err error
}

// Batch makes edits as if one after the other, and yields the outcome of each in
// order when it is stored: then it can be found, or no longer. An edit that fails
// does not stop the others. A document that is stored just so is left as it is.
// An error ends the sequence; the edits without an outcome may have been made or
// not, and can be sent again.
func (p *Pusher) Batch(ctx context.Context, source cairn.SourceID, edits []Edit) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		for g, err := range p.groups(ctx, source, edits) {
			if err == nil {
				err = p.store(ctx, source, g)
			}
			if err != nil {
				yield(Outcome{}, err)
				return
			}
			for _, o := range g.outcomes {
				if !yield(o, nil) {
					return
				}
			}
		}
	}
}

// groups yields the edits in groups that are prepared; the next one is prepared
// while the last one is being stored.
func (p *Pusher) groups(ctx context.Context, source cairn.SourceID, edits []Edit) iter.Seq2[*group, error] {
	return func(yield func(*group, error) bool) {
		s, err := p.Sources.SourceByID(ctx, source)
		if err != nil {
			yield(nil, err)
			return
		}
		known, err := p.Store.Known(ctx, source, names(edits))
		if err != nil {
			yield(nil, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		prepared := make(chan *group)
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error {
			defer close(prepared)
			for _, part := range divide(edits) {
				next := newGroup(part)
				if err := p.prepare(ctx, s, known, next); err != nil {
					return err
				}
				select {
				case prepared <- next:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
		more := true
		for next := range prepared {
			if more = yield(next, nil); !more {
				break
			}
		}
		if !more {
			cancel()
		}
		if err := g.Wait(); err != nil && more {
			yield(nil, err)
		}
		cancel()
	}
}

func names(edits []Edit) []string {
	all := make([]string, len(edits))
	for i, e := range edits {
		all[i] = e.External
	}
	return all
}

// group is edits that are stored together. What slices have at an index belongs
// to the edit there.
type group struct {
	edits    []Edit
	outcomes []Outcome
	puts     [][]Put // the document and what is attached to it; none where there is nothing to store
	known    []Known
	same     []bool // the document is stored just so, but for its ACL and times
}

func newGroup(edits []Edit) *group {
	n := len(edits)
	return &group{edits, make([]Outcome, n), make([][]Put, n), make([]Known, n), make([]bool, n)}
}

// part returns a group of the edits from..to of g.
func (g *group) part(from, to int) *group {
	return &group{g.edits[from:to], g.outcomes[from:to], g.puts[from:to], g.known[from:to], g.same[from:to]}
}

// prepare reads the documents of a group and derives what the index keeps of
// those that have changed. known loses what it says of the group's documents:
// it will not be true of later edits of them.
func (p *Pusher) prepare(ctx context.Context, s cairn.Source, known map[string]Known, g *group) error {
	readers, readCtx := errgroup.WithContext(ctx)
	readers.SetLimit(max(runtime.GOMAXPROCS(0), 2))
	for i, e := range g.edits {
		if e.Delete {
			continue
		}
		readers.Go(func() error {
			g.puts[i], g.outcomes[i].Err = p.read(readCtx, s, e.Push)
			return readCtx.Err()
		})
	}
	if err := readers.Wait(); err != nil {
		return err
	}
	for i, e := range g.edits {
		g.known[i] = known[e.External]
		delete(known, e.External)
		g.same[i] = g.unchanged(i)
	}
	return p.derive(ctx, g, func(i int) bool { return !g.same[i] })
}

// unchanged reports whether the document at i is stored just so. A mail may have
// lost an attachment, and what has the name of an attachment may have become one
// by an edit before: both are written in any case.
func (g *group) unchanged(i int) bool {
	k := g.known[i]
	return len(g.puts[i]) == 1 && k.ID != "" && g.puts[i][0].Fingerprint == k.Fingerprint &&
		g.puts[i][0].Document.Kind != cairn.KindMail && !strings.Contains(g.edits[i].External, attachmentMark)
}

// derive gives chunks to the documents of a group that are chosen.
func (p *Pusher) derive(ctx context.Context, g *group, chosen func(i int) bool) error {
	var puts []Put
	for i := range g.edits {
		if chosen(i) {
			puts = append(puts, g.puts[i]...)
		}
	}
	if err := p.Prepare.index(ctx, puts); err != nil {
		return err
	}
	for i := range g.edits {
		if chosen(i) {
			puts = puts[copy(g.puts[i], puts):]
		}
	}
	return nil
}

// store stores a group and completes its outcomes.
func (p *Pusher) store(ctx context.Context, source cairn.SourceID, g *group) error {
	if err := p.erase(ctx, source, g); err != nil {
		return err
	}
	return p.commit(ctx, source, g)
}

// commit writes the documents of a group. A group in which a document has just
// been changed by somebody else is written as a whole; one that cannot be stored
// is tried in halves, until the document is found that is to blame.
func (p *Pusher) commit(ctx context.Context, source cairn.SourceID, g *group) error {
	b := g.batch(source)
	if len(b.Puts)+len(b.Touches)+len(b.ACLs) == 0 {
		g.complete(nil)
		return nil
	}
	stored, err := p.Store.Commit(ctx, b)
	switch n := len(g.edits); {
	case err == nil:
		g.complete(stored)
	case errors.Is(err, cairn.ErrConflict) && len(b.Expect) > 0:
		if err := p.derive(ctx, g, func(i int) bool { return g.same[i] }); err != nil {
			return err
		}
		clear(g.same)
		return p.commit(ctx, source, g)
	case errors.Is(err, cairn.ErrInvalid) && n > 1:
		if err := p.commit(ctx, source, g.part(0, n/2)); err != nil {
			return err
		}
		return p.commit(ctx, source, g.part(n/2, n))
	case errors.Is(err, cairn.ErrInvalid):
		g.outcomes[0].Err = err
	default:
		return err
	}
	return nil
}

func (p *Pusher) erase(ctx context.Context, source cairn.SourceID, g *group) error {
	var externals []string
	for _, e := range g.edits {
		if e.Delete {
			externals = append(externals, e.External)
		}
	}
	if len(externals) == 0 {
		return nil
	}
	erased, err := p.Store.Erase(ctx, source, externals)
	if err != nil {
		return err
	}
	there := make(map[string]bool, len(erased))
	for _, external := range erased {
		there[external] = true
	}
	for i, e := range g.edits {
		if e.Delete && !there[e.External] {
			g.outcomes[i].Err = cairn.ErrNotFound
		}
	}
	return nil
}

// batch returns what is to be written of the group's documents.
func (g *group) batch(source cairn.SourceID) Batch {
	b := Batch{Source: source, Touches: map[string]Touch{}, ACLs: map[string]*cairn.ACL{}, Expect: map[string]string{}}
	for i, e := range g.edits {
		if !g.same[i] {
			b.Puts = append(b.Puts, g.puts[i]...)
			continue
		}
		k, put := g.known[i], g.puts[i][0]
		touched := !e.Modified.IsZero() && !put.Document.Modified.Truncate(time.Microsecond).Equal(k.Modified)
		if touched {
			b.Touches[e.External] = Touch{Revision: put.Revision, Modified: put.Document.Modified}
		}
		if own := put.OwnACL; k.Withheld || own != k.OwnACL || own && put.Document.ACL.Hash() != k.ACL {
			b.ACLs[e.External] = nil
			if own {
				b.ACLs[e.External] = &put.Document.ACL
			}
		} else if !touched {
			continue
		}
		b.Expect[e.External] = k.Fingerprint
	}
	return b
}

// complete enters what became of the documents; stored is what became of the puts
// of batch, in their order.
func (g *group) complete(stored []Stored) {
	for i, puts := range g.puts {
		switch {
		case g.same[i]:
			g.outcomes[i].Pushed = Pushed{ID: g.known[i].ID, Version: g.known[i].Version}
		case len(puts) > 0:
			g.outcomes[i].Pushed = Pushed{ID: stored[0].ID, Version: puts[0].Document.Version, Created: stored[0].Created}
			stored = stored[len(puts):]
		}
	}
}
