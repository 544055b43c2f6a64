// Package migrations holds the schema of the database and brings a database up
// to it: numbered SQL files run by goose under an advisory lock, River's own
// schema at a pinned version, then the roles, grants and policies, which are
// named by database and set anew each time.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/template"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed 0*.sql
var numbered embed.FS

//go:embed roles.sql
var rolesSQL string

// riverVersion is the version of River's schema that migration 2 installs. A
// newer River gets a migration of its own.
const riverVersion = 8

// Roles names the roles of one database.
type Roles struct {
	Search string // reads text for a viewer; row-level security decides
	Worker string // the application and its jobs
	Index  string // reads what the index is made of
}

// RolesOf returns the names of the roles of a database.
func RolesOf(database string) Roles {
	return Roles{Search: database + "_search", Worker: database + "_worker", Index: database + "_index"}
}

// Up brings the database at url to the current schema and sets its roles. It
// may be called by several processes at once and again at any time. The url's
// login owns the database's objects and may create roles.
func Up(ctx context.Context, url string, log *slog.Logger) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("parse database URL: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	if err := requireVector(ctx, db); err != nil {
		return err
	}
	provider, err := newProvider(url, db)
	if err != nil {
		return err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		log.Info("migrated", "version", r.Source.Version, "took", r.Duration)
	}
	return setRoles(ctx, db, config.Database)
}

// Pending reports whether the database at url lacks a migration.
func Pending(ctx context.Context, url string) (bool, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return false, fmt.Errorf("parse database URL: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := newProvider(url, db)
	if err != nil {
		return false, err
	}
	return provider.HasPending(ctx)
}

func newProvider(url string, db *sql.DB) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	river := goose.NewGoMigration(2, &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error {
		return migrateRiver(ctx, url)
	}}, nil)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, numbered,
		goose.WithSessionLocker(locker), goose.WithGoMigrations(river))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return provider, nil
}

func migrateRiver(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("river: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: riverVersion}); err != nil {
		return fmt.Errorf("river: %w", err)
	}
	return nil
}

// requireVector makes sure of the extension. It is no trusted extension: where
// the login may not create it, the error says what an administrator must run.
func requireVector(ctx context.Context, db *sql.DB) error {
	var version sql.NullString
	err := db.QueryRowContext(ctx, `SELECT (SELECT extversion FROM pg_extension WHERE extname = 'vector')`).Scan(&version)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	if version.Valid {
		return requireVersion(version.String)
	}
	if _, err := db.ExecContext(ctx, `CREATE EXTENSION IF NOT EXISTS vector`); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "42501" {
			return errors.New("the extension pgvector is missing and this login may not create it: have a database administrator run CREATE EXTENSION vector in this database")
		}
		return fmt.Errorf("create extension vector (is pgvector 0.8 or later installed on the database server?): %w", err)
	}
	return nil
}

func requireVersion(version string) error {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return fmt.Errorf("pgvector has the unknown version %q: %w", version, err)
	}
	if major == 0 && minor < 8 {
		return fmt.Errorf("pgvector %s is too old: have a database administrator install 0.8 or later and run ALTER EXTENSION vector UPDATE", version)
	}
	return nil
}

// SetRoles makes the roles of the database at url, with grants and policies. Up
// does it too; a database that was copied from another needs it alone.
func SetRoles(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("parse database URL: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	return setRoles(ctx, db, config.Database)
}

// rolesLock keeps two servers from setting the roles of a database at once.
const rolesLock = 0x6361_6972_6e01

func setRoles(ctx context.Context, db *sql.DB, database string) error {
	script, err := rolesScript(RolesOf(database))
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("set roles: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, rolesLock); err != nil {
		return fmt.Errorf("set roles: %w", err)
	}
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return fmt.Errorf("set roles: %w", err)
	}
	return tx.Commit()
}

func rolesScript(r Roles) (string, error) {
	t, err := template.New("roles").Parse(rolesSQL)
	if err != nil {
		return "", fmt.Errorf("roles.sql: %w", err)
	}
	quoted := Roles{Search: quote(r.Search), Worker: quote(r.Worker), Index: quote(r.Index)}
	var b strings.Builder
	if err := t.Execute(&b, quoted); err != nil {
		return "", fmt.Errorf("roles.sql: %w", err)
	}
	return b.String(), nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
