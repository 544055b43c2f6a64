// Package store keeps corpora in databases of their own, filled once and used
// again by later runs: filling takes minutes.
package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/migrations"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/local"
	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/exact"
)

// Spec is what a store holds.
type Spec struct {
	Name    string // without white space
	Corpus  corpus.Corpus
	Vectors corpus.Vectorer // nil: none
}

// Store is an open database that holds a corpus.
type Store struct {
	Spec
	Filled

	Dir   string // a data directory of Cairn, with files of the benchmarks beside
	DB    *postgres.DB
	Space postgres.Space
	local *local.Server
}

// Filled says what filling the store took.
type Filled struct {
	Docs, Chunks int
	Seconds      float64 // to write everything
	Maintenance  float64 // seconds that packing took afterwards; 0 where there is none
}

// filledFile marks a store that is complete.
const filledFile = "filled.json"

// Root returns the folder of all stores: dir, or the user's cache when that is
// empty. As root it is one that PostgreSQL, running as another user, can enter.
func Root(dir string) (string, error) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		if os.Geteuid() == 0 {
			cache = "/var/cache"
		}
		dir = filepath.Join(cache, "cairn", "bench")
	}
	return filepath.Abs(dir)
}

// Open opens the store of a corpus below root, and fills it first when it is not
// there or was made by another schema, analysis or model, telling progress how
// many documents it has written.
func Open(ctx context.Context, root string, spec Spec, log *slog.Logger, progress func(docs int)) (*Store, error) {
	key, err := keyOf(ctx, spec)
	if err != nil {
		return nil, err
	}
	s := &Store{Spec: spec, Dir: filepath.Join(root, spec.Name+"-"+key)}
	if err := s.read(); errors.Is(err, fs.ErrNotExist) {
		if err := s.fill(ctx, root, log, progress); err != nil {
			return nil, fmt.Errorf("fill %s: %w", s.Dir, err)
		}
	} else if err != nil {
		return nil, err
	}
	if err := s.start(ctx, nil, log); err != nil {
		return nil, err
	}
	if _, err := s.pack(ctx); err != nil { // what another version of the code left
		s.Close(ctx)
		return nil, err
	}
	return s, nil
}

// keyOf identifies everything that a store depends on.
func keyOf(ctx context.Context, spec Spec) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode([]any{spec.Corpus.Settings(), migrations.Fingerprint()}); err != nil {
		return "", err
	}
	for d := range spec.Corpus.Documents() { // the analysis and the model, by what they make of a document
		put, err := prepare(ctx, spec, &d)
		if err != nil {
			return "", err
		}
		if err := json.NewEncoder(h).Encode(put.Chunks); err != nil {
			return "", err
		}
		break
	}
	if spec.Vectors != nil {
		fmt.Fprintln(h, spec.Vectors.Model())
	}
	return hex.EncodeToString(h.Sum(nil))[:keySize], nil
}

// keySize is the number of digits of a key.
const keySize = 12

func (s *Store) read() error {
	b, err := os.ReadFile(filepath.Join(s.Dir, filledFile))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, &s.Filled)
}

// start starts the database and opens it.
func (s *Store) start(ctx context.Context, settings map[string]string, log *slog.Logger) (err error) {
	defer func() {
		if err != nil {
			s.Close(ctx)
		}
	}()
	if s.local, err = local.Start(ctx, local.Config{DataDir: s.Dir, Settings: settings, Log: log}); err != nil {
		return err
	}
	if err := migrations.Up(ctx, s.local.URL(), log); err != nil {
		return err
	}
	if s.DB, err = postgres.Open(ctx, s.local.URL(), log); err != nil {
		return err
	}
	if s.Vectors == nil {
		s.Space, err = s.DB.UseSpace(ctx, "bench-none", corpus.Dim, nil)
		return err
	}
	var frame postgres.Frame
	if e, ok := s.Vectors.(corpus.Embedded); ok {
		frame = func(ctx context.Context) (dense.Frame, error) {
			return dense.FrameOf(func(texts []string) ([][]float32, error) { return e.Embed(ctx, llm.RoleDocument, texts) })
		}
	}
	s.Space, err = s.DB.UseSpace(ctx, s.Vectors.Model(), s.Vectors.Dim(), frame)
	return err
}

// Close stops the database in order, even when ctx has ended.
func (s *Store) Close(ctx context.Context) {
	if s.DB != nil {
		s.DB.Close()
	}
	if s.local != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_ = s.local.Stop(ctx) // it stops by all means
	}
	s.DB, s.local = nil, nil
}

// Index returns a new index over the store, loaded, and how long that took.
func (s *Store) Index(ctx context.Context) (*postgres.Index, time.Duration, error) {
	x := postgres.NewIndex(s.DB, s.Space)
	began := time.Now()
	err := x.Load(ctx)
	return x, time.Since(began), err
}

// Exact reads everything that was stored into memory; vectors only where asked for.
func (s *Store) Exact(vectors bool) (*exact.Chunks, error) {
	dim := 0
	if vectors {
		dim = s.Space.Dim
	}
	return exact.Open(s.Dir, dim)
}

// Admin connects to a database of the store's cluster as superuser.
func (s *Store) Admin(ctx context.Context, database string) (*pgx.Conn, error) {
	u, err := url.Parse(s.local.AdminURL())
	if err != nil {
		return nil, err
	}
	u.Path = "/" + database
	return pgx.Connect(ctx, u.String())
}

// Database is the name of Cairn's own database in the cluster.
const Database = "cairn"

// Size returns the bytes of Cairn's database on disk.
func (s *Store) Size(ctx context.Context) (bytes int64, err error) {
	conn, err := s.Admin(ctx, Database)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&bytes)
	return bytes, err
}
