package postgrestest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/migrations"
	"github.com/cairnhq/cairn/postgres/local"
)

// Restored dumps a database and restores it into a new cluster on a server of its
// own, which ends with the test: the steps are those of docs/operate.md. Where the
// programs for it are missing, or older than the server, the test is skipped.
func Restored(t testing.TB, from *DB) *DB {
	t.Helper()
	ctx := context.Background()
	bin, err := local.Find(ctx, os.Getenv("CAIRN_POSTGRES_BIN"))
	if err != nil {
		t.Skipf("no PostgreSQL for a second cluster: %v", err)
	}
	dump, restore := filepath.Join(bin.Dir, "pg_dump"), filepath.Join(bin.Dir, "pg_restore")
	for _, program := range []string{dump, restore} {
		if _, err := os.Stat(program); err != nil {
			t.Skipf("a dump cannot be made: %v", err)
		}
	}
	skipIfNewer(t, from, bin)
	to := another(t, bin, from.Name)
	file := filepath.Join(t.TempDir(), "cairn.dump")
	run(t, dump, "--dbname="+from.URL, "--format=custom", "--file="+file)
	run(t, restore, "--dbname="+to.URL, "--no-owner", "--no-privileges", "--no-comments", "--exit-on-error", file)
	if err := migrations.Up(ctx, to.URL, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatalf("migrate what was restored: %v", err)
	}
	return to
}

// skipIfNewer skips a test whose database is of a newer PostgreSQL than programs.
func skipIfNewer(t testing.TB, db *DB, bin local.Binaries) {
	t.Helper()
	var major int
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	err = conn.QueryRow(t.Context(), `select current_setting('server_version_num')::int / 10000`).Scan(&major)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if major > bin.Major {
		t.Skipf("pg_dump is of version %s, the server of %d", bin.Version(), major)
	}
}

// another returns an empty database of a name, with the roles that a dump names,
// in a new cluster. Clusters that are copied from the seed would be one to Cairn.
func another(t testing.TB, bin local.Binaries, name string) *DB {
	t.Helper()
	ctx := context.Background()
	dir, err := tempDir()
	if err != nil {
		t.Fatal(err)
	}
	srv, err := local.Start(ctx, local.Config{DataDir: dir, BinDir: bin.Dir, Settings: settings})
	if err != nil {
		t.Fatal(errors.Join(err, os.RemoveAll(dir)))
	}
	t.Cleanup(func() {
		if err := errors.Join(srv.Stop(ctx), os.RemoveAll(dir)); err != nil {
			t.Errorf("stop the second server: %v", err)
		}
	})
	c := privateCluster(srv)
	err = c.asAdmin(ctx, func(conn *pgx.Conn) error {
		roles := migrations.RolesOf(name)
		for _, role := range []string{roles.Search, roles.Worker, roles.Index} {
			// The owner makes them, as he does by hand: he may then enter them.
			_, err := conn.Exec(ctx, `set role `+quote(c.owner)+`; create role `+quote(role)+` nologin; reset role`)
			if err != nil {
				return err
			}
		}
		return c.create(ctx, conn, name, "template1")
	})
	if err != nil {
		t.Fatalf("database to restore into: %v", err)
	}
	db := &DB{URL: c.ownerURL(name), AdminURL: c.url(c.admin, name), Name: name}
	if err := createExtension(ctx, db.AdminURL, ""); err != nil {
		t.Fatalf("database to restore into: %v", err)
	}
	return db
}

// run runs a program that must succeed.
func run(t testing.TB, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
}
