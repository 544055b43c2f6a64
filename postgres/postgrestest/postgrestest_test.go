package postgrestest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/migrations"
)

func TestMain(m *testing.M) { Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestNewIsMigratedAndSeparate(t *testing.T) {
	first, second := New(t), New(t)
	conn := connect(t, first.URL)
	if _, err := conn.Exec(t.Context(), `create table mine ()`); err != nil {
		t.Fatalf("the owner cannot create a table: %v", err)
	}
	var there bool
	if err := connect(t, second.URL).QueryRow(t.Context(), `select to_regclass('mine') is not null`).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there {
		t.Error("the table of one test shows in the database of another")
	}
	if err := connect(t, first.URL).QueryRow(t.Context(), `select to_regclass('documents') is not null`).Scan(&there); err != nil || !there {
		t.Errorf("the schema is there: %v, %v", there, err)
	}
}

func TestOwnerEntersTheRolesAndIsNoSuperuser(t *testing.T) {
	db := New(t)
	conn := connect(t, db.URL)
	var super string
	if err := conn.QueryRow(t.Context(), `show is_superuser`).Scan(&super); err != nil || super != "off" {
		t.Errorf("is_superuser = %q, %v; want off", super, err)
	}
	roles := migrations.RolesOf(db.Name)
	for _, role := range []string{roles.Search, roles.Worker, roles.Index} {
		if _, err := conn.Exec(t.Context(), `set role `+quote(role)); err != nil {
			t.Errorf("set role %s: %v", role, err)
		}
	}
}

func TestEmptyHasVectorAndNoTables(t *testing.T) {
	conn := connect(t, Empty(t).URL)
	var tables int
	var vector bool
	err := conn.QueryRow(t.Context(), `
		select (select count(*) from pg_tables where schemaname = 'public'),
		       exists (select from pg_extension where extname = 'vector')`).Scan(&tables, &vector)
	if err != nil || tables != 0 || !vector {
		t.Errorf("tables = %d, vector = %v, %v; want 0, true", tables, vector, err)
	}
}

func TestDroppedWithItsRoles(t *testing.T) {
	var db *DB
	t.Run("use", func(t *testing.T) { db = New(t) })
	var left int
	err := connect(t, server(t).admin).QueryRow(t.Context(), `
		select (select count(*) from pg_database where datname = $1) +
		       (select count(*) from pg_roles where starts_with(rolname, $1 || '_'))`, db.Name).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d databases and roles left, %v; want 0", left, err)
	}
}

func TestSweepDropsWhatKilledTestsLeft(t *testing.T) {
	s := server(t)
	conn := connect(t, s.admin)
	old := testPrefix + "1000000000_abandoned"
	if err := s.create(t.Context(), conn, old, s.empty); err != nil {
		t.Fatal(err)
	}
	fresh := New(t)
	if err := sweep(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	var names []string
	err := conn.QueryRow(t.Context(), `select coalesce(array_agg(datname::text), '{}') from pg_database where datname = any($1)`,
		[]string{old, fresh.Name}).Scan(&names)
	if err != nil || len(names) != 1 || names[0] != fresh.Name {
		t.Errorf("after the sweep: %v, %v; want only %s", names, err, fresh.Name)
	}
}

// The bound is generous for a busy machine; an idle one needs a quarter.
func TestNewIsQuick(t *testing.T) {
	New(t) // starts the server
	const n = 5
	begun := time.Now()
	for range n {
		New(t)
	}
	each := time.Since(begun) / n
	t.Logf("%v a database", each.Round(time.Millisecond))
	if each > time.Second {
		t.Errorf("a database takes %v", each)
	}
}

func TestPrivateServer(t *testing.T) {
	if os.Getenv("CAIRN_TEST_POSTGRES") == "local" {
		t.Skip("all the other tests run on it")
	}
	begun := time.Now()
	c, stop, err := openLocal(t.Context())
	if err != nil {
		t.Skipf("no private server: %v", err)
	}
	t.Cleanup(stop)
	t.Logf("up in %v", time.Since(begun).Round(time.Millisecond))
	connect(t, c.clone(t, c.migrated).URL)
}
