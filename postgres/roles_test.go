package postgres

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/migrations"
)

// reader holds a lock on the documents, as every statement that reads them does,
// until the returned function is called.
func (f *fixture) reader() (end func()) {
	f.t.Helper()
	tx, err := f.worker.Begin(context.Background())
	f.check(err)
	_, err = tx.Exec(context.Background(), `SELECT count(*) FROM documents`)
	f.check(err)
	return func() { _ = tx.Rollback(context.Background()) }
}

func (f *fixture) policies() int {
	f.t.Helper()
	return f.count(`SELECT count(*) FROM pg_policies WHERE schemaname = 'public'`)
}

// owner runs a statement as the login that owns the tables.
func (f *fixture) owner(sql string) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.made.URL)
	f.check(err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(f.t.Context(), sql)
	f.check(err)
}

func TestStartDoesNotWaitForReaders(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	defer f.reader()()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	if err := migrations.Up(ctx, f.made.URL, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 1900*time.Millisecond {
		t.Errorf("a start with nothing to change took %v", took)
	}
}

// TestRolesAreSetWhenTheyDiffer changes the policies, grants and settings of a
// database in ways that the roles are to be set anew for.
func TestRolesAreSetWhenTheyDiffer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.policies()
	for _, damage := range []string{
		`DROP POLICY viewer ON documents`,
		`REVOKE SELECT ON bodies FROM ` + pgx.Identifier{f.roles.Search}.Sanitize(),
		`GRANT SELECT ON tokens TO ` + pgx.Identifier{f.roles.Search}.Sanitize(),
		`GRANT SELECT (title) ON documents TO ` + pgx.Identifier{f.roles.Index}.Sanitize(),
		`CREATE TABLE later (); ALTER TABLE later ENABLE ROW LEVEL SECURITY`,
		`DROP TABLE later; UPDATE settings SET value = 'of another database'`,
	} {
		f.owner(damage)
		f.check(migrations.SetRoles(t.Context(), f.made.URL))
		if got := f.count(`SELECT count(*) FROM pg_policies WHERE tablename = 'documents' AND policyname = 'viewer'`); got != 1 {
			t.Errorf("%s: %d policies of the viewer on documents", damage, got)
		}
		if !f.may(`has_table_privilege($1, 'bodies', 'SELECT')`, f.roles.Search) || f.may(`has_table_privilege($1, 'tokens', 'SELECT')`, f.roles.Search) {
			t.Errorf("%s: the grants of the search role are not restored", damage)
		}
	}
	if after := f.policies(); after != before {
		t.Errorf("%d policies, want %d", after, before)
	}
}

func (f *fixture) may(condition, role string) (ok bool) {
	f.t.Helper()
	f.check(f.worker.QueryRow(f.t.Context(), `SELECT `+condition, role).Scan(&ok))
	return ok
}

// TestSettingRolesLetsOthersWork has a reader in the way of new policies: others
// wait for a short while at most, and the roles are set when the reader is done.
func TestSettingRolesLetsOthersWork(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.owner(`UPDATE settings SET value = ''`)
	end := f.reader()
	defer end()
	set := make(chan error, 1)
	go func() { set <- migrations.SetRoles(context.Background(), f.made.URL) }()
	time.Sleep(300 * time.Millisecond) // it waits for the reader now
	began := time.Now()
	f.count(`SELECT count(*) FROM documents`)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("another reader waited for %v", took)
	}
	select {
	case err := <-set:
		t.Fatalf("the roles were set while somebody read: %v", err)
	default:
	}
	end()
	select {
	case err := <-set:
		f.check(err)
	case <-time.After(10 * time.Second):
		t.Fatal("the roles were not set when the reader was done")
	}
}
