// Package postgrestest gives each test a real PostgreSQL database of its own,
// migrated, in a fraction of a second: a copy of a template that is migrated
// once for each state of the schema.
//
// The server is, in this order: the one that CAIRN_TEST_DATABASE_URL names
// (its login must be a superuser); a container, when a Docker engine answers
// (image pgvector/pgvector:pg17; the container cairn-postgrestest-<user id> is
// shared by all packages and left running for the next run, its data lies in
// memory, `docker rm -f` ends it); a private server
// run by package local, one for each test process, without fsync.
// CAIRN_TEST_POSTGRES=local or =docker picks one of the last two.
package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn/postgres/local"
)

// DB is a database that belongs to one test.
type DB struct {
	URL      string // connection string of its owner, no superuser, who may create roles
	AdminURL string // the same database as superuser
	Name     string
}

// New returns a database with the current schema and roles. It is dropped when
// the test ends. Without any PostgreSQL the test is skipped; where CI=true it
// fails. It may be called from parallel tests.
func New(t testing.TB) *DB {
	t.Helper()
	s := server(t)
	return s.clone(t, s.migrated)
}

// Empty returns a database without a schema, but with the extension vector.
func Empty(t testing.TB) *DB {
	t.Helper()
	s := server(t)
	return s.clone(t, s.empty)
}

// Main runs the tests of a package and then stops the private server, if one
// was started. A package calls it from TestMain. Without it the server stops
// with the process and its files stay until a later run sweeps them away.
func Main(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

// shared is the server of this process: a test process is one program, so this
// is the one place where state outlives a test.
var shared struct {
	once sync.Once
	*cluster
	stop func()
	err  error
}

// startTimeout covers fetching the image on a slow line.
const startTimeout = 3 * time.Minute

// server returns the server of this process and starts it on first use.
func server(t testing.TB) *cluster {
	t.Helper()
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		shared.cluster, shared.stop, shared.err = open(ctx)
	})
	switch {
	case shared.err == nil:
		return shared.cluster
	case errors.Is(shared.err, local.ErrNoBinaries) && os.Getenv("CI") != "true":
		t.Skipf("no PostgreSQL for tests: %v", shared.err)
	default:
		t.Fatalf("PostgreSQL for tests: %v", shared.err)
	}
	return nil
}

// open finds a server and makes sure of its templates.
func open(ctx context.Context) (*cluster, func(), error) {
	if url := os.Getenv("CAIRN_TEST_DATABASE_URL"); url != "" {
		c, err := openURL(ctx, url, "wal_log")
		return c, nil, err
	}
	choice := os.Getenv("CAIRN_TEST_POSTGRES")
	switch choice {
	case "", "docker", "local":
	default:
		return nil, nil, fmt.Errorf("CAIRN_TEST_POSTGRES is %q; use docker or local", choice)
	}
	if choice == "docker" || choice == "" && engineAnswers(ctx) {
		c, err := openContainer(ctx)
		if err == nil || choice == "docker" {
			return c, nil, err
		}
		fmt.Fprintf(os.Stderr, "postgrestest: the Docker engine cannot run %s, using a private server: %v\n", image, err)
	}
	return openLocal(ctx)
}

// randomName returns a database name that nobody else uses. It holds the time,
// by which the leftovers of killed tests are recognised.
func randomName() string {
	return fmt.Sprintf("%s%d_%s", testPrefix, time.Now().Unix(), strings.ToLower(rand.Text()[:8]))
}
