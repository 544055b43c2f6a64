package postgrestest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/migrations"
)

const (
	testPrefix     = "cairn_test_"
	templatePrefix = "cairn_template_"
	// keepFor is how long the database of a test may live; older ones belong
	// to tests that were killed.
	keepFor = time.Hour
	// templateLock keeps two test processes from building one template.
	templateLock = 0x6361_6972_6e74
)

// cluster is a server on which databases for tests are made.
type cluster struct {
	admin    string // connection string of a superuser
	owner    string // the login that owns the databases of tests
	password string // of owner, "" where none is asked
	strategy string // of create database: file_copy is ten times quicker where files lie in memory
	empty    string // template with the extension vector alone
	migrated string // template with the current schema
}

// openURL prepares the server that a superuser's connection string names. The
// password of the owner is derived from the superuser's, so that every test
// process finds the same one.
func openURL(ctx context.Context, admin, strategy string) (*cluster, error) {
	u, err := url.Parse(admin)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("the address of the test server is no URL of the form postgres://user:password@host/database")
	}
	password, _ := u.User.Password()
	sum := sha256.Sum256([]byte("cairn test owner " + password))
	c := &cluster{admin: admin, owner: "cairn_test", password: hex.EncodeToString(sum[:16]), strategy: strategy}
	return c, c.prepare(ctx)
}

// prepare makes the owner and the templates where they are missing.
func (c *cluster) prepare(ctx context.Context) error {
	c.empty = templatePrefix + "empty"
	c.migrated = templatePrefix + migrations.Fingerprint()
	return c.asAdmin(ctx, func(conn *pgx.Conn) error {
		// The lock is the session's and ends with it.
		if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, templateLock); err != nil {
			return err
		}
		if err := c.ensureOwner(ctx, conn); err != nil {
			return fmt.Errorf("owner of test databases: %w", err)
		}
		if err := c.ensureTemplate(ctx, conn, c.empty, "template1", createExtension); err != nil {
			return err
		}
		migrate := func(ctx context.Context, _, owner string) error {
			return migrations.Up(ctx, owner, slog.New(slog.DiscardHandler))
		}
		if err := c.ensureTemplate(ctx, conn, c.migrated, c.empty, migrate); err != nil {
			return err
		}
		return sweep(ctx, conn)
	})
}

func (c *cluster) ensureOwner(ctx context.Context, conn *pgx.Conn) error {
	var super, there bool
	err := conn.QueryRow(ctx, `
		select rolsuper, exists (select from pg_roles where rolname = $1)
		from pg_roles where rolname = current_user`, c.owner).Scan(&super, &there)
	if err != nil {
		return err
	}
	if !super {
		return errors.New("the login of CAIRN_TEST_DATABASE_URL must be a superuser, who can create the extension vector")
	}
	if there {
		return nil
	}
	// The password is hexadecimal digits, so it needs no quoting.
	_, err = conn.Exec(ctx, `create role `+quote(c.owner)+` login createrole password '`+c.password+`'`)
	return err
}

// ensureTemplate makes the template name from another one unless it is there.
// fill gets the connection strings of superuser and owner. The name is given
// at the end, so that a template is complete or missing.
func (c *cluster) ensureTemplate(ctx context.Context, conn *pgx.Conn, name, from string, fill func(ctx context.Context, admin, owner string) error) error {
	var there bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&there); err != nil || there {
		return err
	}
	partial := randomName()
	if err := c.create(ctx, conn, partial, from); err != nil {
		return err
	}
	err := fill(ctx, c.url(c.admin, partial), c.ownerURL(partial))
	if err != nil {
		return errors.Join(fmt.Errorf("template %s: %w", name, err), drop(ctx, conn, partial))
	}
	_, err = conn.Exec(ctx, `alter database `+quote(partial)+` rename to `+quote(name))
	return err
}

func createExtension(ctx context.Context, admin, _ string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `create extension if not exists vector`)
	return err
}

func (c *cluster) create(ctx context.Context, conn *pgx.Conn, name, from string) error {
	_, err := conn.Exec(ctx, `create database `+quote(name)+` owner `+quote(c.owner)+` template `+quote(from)+` strategy `+c.strategy)
	return err
}

// clone copies a template for one test and drops the copy at the test's end.
func (c *cluster) clone(t testing.TB, template string) *DB {
	t.Helper()
	ctx := context.Background()
	name := randomName()
	if err := c.asAdmin(ctx, func(conn *pgx.Conn) error { return c.create(ctx, conn, name, template) }); err != nil {
		t.Fatalf("database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := c.asAdmin(ctx, func(conn *pgx.Conn) error { return drop(ctx, conn, name) }); err != nil {
			t.Errorf("drop the database of the test: %v", err)
		}
	})
	db := &DB{URL: c.ownerURL(name), AdminURL: c.url(c.admin, name), Name: name}
	if template == c.migrated {
		if err := migrations.SetRoles(ctx, db.URL); err != nil { // roles are named by database
			t.Fatalf("roles for the test: %v", err)
		}
	}
	return db
}

// drop removes a database of tests, whoever is connected, and its roles.
func drop(ctx context.Context, conn *pgx.Conn, name string) error {
	if _, err := conn.Exec(ctx, `drop database if exists `+quote(name)+` with (force)`); err != nil {
		return err
	}
	roles := migrations.RolesOf(name)
	_, err := conn.Exec(ctx, `drop role if exists `+quote(roles.Search)+`, `+quote(roles.Worker)+`, `+quote(roles.Index))
	return err
}

// sweep drops the databases that killed tests have left. The caller holds the
// lock.
func sweep(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `select datname from pg_database where starts_with(datname, $1)`, testPrefix)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		stamp, _, _ := strings.Cut(strings.TrimPrefix(name, testPrefix), "_")
		made, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || time.Since(time.Unix(made, 0)) < keepFor {
			continue
		}
		if err := drop(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) asAdmin(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, c.admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return do(conn)
}

func (c *cluster) ownerURL(name string) string {
	u, err := url.Parse(c.url(c.admin, name))
	if err != nil {
		return c.admin // parsed before
	}
	u.User = url.User(c.owner)
	if c.password != "" {
		u.User = url.UserPassword(c.owner, c.password)
	}
	return u.String()
}

// url returns the connection string with another database.
func (c *cluster) url(from, name string) string {
	u, err := url.Parse(from)
	if err != nil {
		return from // refused by pgx with a better message
	}
	u.Path = "/" + name
	return u.String()
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
