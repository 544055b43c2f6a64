// Package migrations holds the schema of the database and brings a database up
// to it: numbered SQL files run by goose under an advisory lock, River's own
// schema at a pinned version, then the roles, grants and policies, which are
// named by database and set anew when they are not as they should be.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"

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

// riverVersion is the version of River's schema that migration 2 installs. A
// newer River gets a migration of its own.
const riverVersion = 8

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
	return setRoles(ctx, db, config.Database, lockPatience)
}

// Check returns an error that says what to do unless the database at url has the
// schema of this version. It changes nothing.
func Check(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("parse database URL: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := newProvider(url, db)
	if err != nil {
		return err
	}
	var known bool
	var theirs int64
	err = db.QueryRowContext(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&known)
	if err == nil && known {
		err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&theirs)
	}
	if err != nil {
		return fmt.Errorf("schema of the database: %w", err)
	}
	sources := provider.ListSources()
	switch ours := sources[len(sources)-1].Version; {
	case theirs < ours:
		return fmt.Errorf("the database has schema %d and this program needs %d: use the program of the servers, or run cairn migrate when they are stopped", theirs, ours)
	case theirs > ours:
		return fmt.Errorf("the database has schema %d and this program knows %d: use the program of the servers, which is newer", theirs, ours)
	}
	return nil
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
