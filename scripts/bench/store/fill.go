package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/exact"
)

// batchSize is the number of documents of a transaction.
const batchSize = 500

// prepare makes of a document what ingestion stores of it.
func prepare(ctx context.Context, spec Spec, d *corpus.Doc) (ingest.Put, error) {
	put := ingest.Put{Document: d.Document, OwnACL: true, Revision: "1", Fingerprint: "bench"}
	pieces, texts := d.Pieces()
	if len(pieces) == 0 {
		return put, nil
	}
	vectors := make([][]float32, len(pieces))
	if spec.Vectors != nil {
		var err error
		if vectors, err = spec.Vectors.Vectors(ctx, d, texts); err != nil {
			return put, err
		}
	}
	ranges := make([]cairn.Chunk, len(pieces))
	for i, p := range pieces {
		ranges[i] = cairn.Chunk{Start: p.Start, End: p.End}
	}
	put.Chunks = ingest.Derive(&d.Document, ranges)
	for i := range put.Chunks {
		put.Chunks[i].Vector = vectors[i]
	}
	return put, nil
}

// fill makes the store in its folder.
func (s *Store) fill(ctx context.Context, root string, log *slog.Logger, progress func(docs int)) error {
	if err := s.clear(root); err != nil {
		return err
	}
	err := s.start(ctx, map[string]string{"synchronous_commit": "off", "max_wal_size": "4GB", "autovacuum": "off"}, log)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	kept, err := exact.Create(s.Dir)
	if err != nil {
		return err
	}
	defer kept.Close()
	// Notes which analysis the index is made by, or it would be made anew.
	if err := postgres.NewIndex(s.DB, s.Space).Maintain(ctx); err != nil {
		return err
	}
	f := &filler{Store: s, kept: kept, writer: postgres.NewIngest(s.DB, s.Space), sources: map[string]cairn.SourceID{}, waiting: map[string][]ingest.Put{}}
	if err := f.makeAccounts(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := f.run(ctx, progress); err != nil {
		return err
	}
	s.Seconds = time.Since(began).Seconds()
	if s.Maintenance, err = s.pack(ctx); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if err := kept.Close(); err != nil {
		return err
	}
	b, err := json.Marshal(s.Filled)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, filledFile), b, 0o600)
}

// clear removes what is left of an earlier attempt and stores of the same name
// that nobody can use any more, and makes the folders.
func (s *Store) clear(root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(root, s.Name+"-"+strings.Repeat("?", keySize)))
	if err != nil {
		return err
	}
	for _, dir := range old {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return os.Mkdir(s.Dir, 0o711)
}

// filler brings the documents of a corpus into a store.
type filler struct {
	*Store
	kept    *exact.Writer
	writer  *postgres.Ingest
	sources map[string]cairn.SourceID
	waiting map[string][]ingest.Put // by source
}

// makeAccounts makes the sources and, for each share, a group with one account.
func (f *filler) makeAccounts(ctx context.Context) error {
	for _, name := range f.Corpus.Sources() {
		source, err := f.DB.CreateSource(ctx, cairn.Source{
			Name: name, Kind: "push", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.GroupKey("cairn", "nobody")),
		})
		if err != nil {
			return err
		}
		f.sources[name] = source.ID
	}
	for _, share := range corpus.Shares() {
		account, err := f.DB.CreateAccount(ctx, cairn.Account{Email: Email(share), Name: share.Name, Role: cairn.RoleMember})
		if err != nil {
			return err
		}
		if err := f.DB.CreateGroup(ctx, share.Key); err != nil {
			return err
		}
		if err := f.DB.SetGroup(ctx, share.Key, []cairn.AccountID{account.ID}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Email returns the address of the account of a share.
func Email(s corpus.Share) string { return s.Key + "@bench.example" }

// prepared are documents ready to be written, with their sources.
type prepared struct {
	docs []corpus.Doc
	puts []ingest.Put
}

// run prepares documents on all processors and writes them in order.
func (f *filler) run(ctx context.Context, progress func(docs int)) error {
	progress(0)
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan prepared, runtime.GOMAXPROCS(0))
	g.Go(func() error { // nobody else sends
		defer close(queue)
		var docs []corpus.Doc
		for d := range f.Corpus.Documents() {
			if docs = append(docs, d); len(docs) == batchSize {
				if err := f.hand(ctx, g, queue, docs); err != nil {
					return err
				}
				docs = nil
			}
		}
		return f.hand(ctx, g, queue, docs)
	})
	g.Go(func() error {
		for next := range queue {
			select {
			case p := <-next:
				if err := f.write(ctx, p); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
			if f.Docs%10_000 == 0 {
				progress(f.Docs)
			}
		}
		return f.flush(ctx, 1)
	})
	return g.Wait()
}

// hand prepares docs in a goroutine; their place in the queue keeps the order.
func (f *filler) hand(ctx context.Context, g *errgroup.Group, queue chan<- chan prepared, docs []corpus.Doc) error {
	place := make(chan prepared, 1)
	select {
	case queue <- place:
	case <-ctx.Done():
		return ctx.Err()
	}
	g.Go(func() error {
		p := prepared{docs: docs, puts: make([]ingest.Put, len(docs))}
		for i := range docs {
			var err error
			if p.puts[i], err = prepare(ctx, f.Spec, &docs[i]); err != nil {
				return err
			}
		}
		place <- p
		return nil
	})
	return nil
}

func (f *filler) write(ctx context.Context, p prepared) error {
	for i, put := range p.puts {
		for _, c := range put.Chunks {
			if err := f.kept.Add(p.docs[i].Number, c.Length, c.Terms, c.Vector); err != nil {
				return err
			}
		}
		f.Docs++
		f.Chunks += len(put.Chunks)
		source := p.docs[i].Source
		f.waiting[source] = append(f.waiting[source], put)
	}
	return f.flush(ctx, batchSize)
}

// flush writes what waits, of each source with at least so many documents.
func (f *filler) flush(ctx context.Context, atLeast int) error {
	for source, puts := range f.waiting {
		if len(puts) < atLeast {
			continue
		}
		if _, err := f.writer.Commit(ctx, ingest.Batch{Source: f.sources[source], Puts: puts}); err != nil {
			return err
		}
		f.waiting[source] = nil
	}
	return nil
}

// Maintainer packs and merges until there is nothing to do.
type Maintainer interface {
	Maintain(ctx context.Context) error
}

// pack packs and merges what is not yet, and tells how many seconds that took; 0
// where there is nothing of the kind.
func (s *Store) pack(ctx context.Context) (seconds float64, err error) {
	began := time.Now()
	for _, part := range []any{s.DB, postgres.NewIndex(s.DB, s.Space)} {
		if m, ok := part.(Maintainer); ok {
			if err := m.Maintain(ctx); err != nil {
				return 0, fmt.Errorf("maintain: %w", err)
			}
			seconds = time.Since(began).Seconds()
		}
	}
	return seconds, nil
}

// settle brings the database into the state in which it stays: with statistics,
// without dead rows, on disk.
func (s *Store) settle(ctx context.Context) error {
	conn, err := s.Admin(ctx, Database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range []string{`VACUUM ANALYZE`, `CHECKPOINT`} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
