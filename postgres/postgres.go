// Package postgres holds every SQL statement of Cairn. It implements the
// interfaces of the packages that need storage; nobody but the wiring in
// cmd/cairn imports it.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxvector "github.com/pgvector/pgvector-go/pgx"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/keyring"
	"github.com/cairnhq/cairn/migrations"
)

// DB is the database of one organisation, seen through three roles. It may be
// used by several goroutines at once.
type DB struct {
	search *pgxpool.Pool // text, for a viewer: only through asViewer
	worker *pgxpool.Pool // the application and its jobs
	index  *pgxpool.Pool // what the index is made of
	lookup *pgxpool.Pool // the same, by keys: its plans are kept
	// callers finds out who makes a request and may go on with it, which every request
	// waits for: apart from work that waits for locks, with statements that do not.
	callers *pgxpool.Pool
	roles   migrations.Roles
	log     *slog.Logger
	// retention says for how long what is no longer used is kept.
	retention Retention
	// keys seal the secrets of sources; nil: none can be read or stored.
	keys *keyring.Ring
	// Classes says which ACL classes admit a viewer.
	classes *Classes
	// memberships says in which groups an account is.
	memberships *memberships
	// identity is the cluster that the index role is connected to.
	identity atomic.Int64
}

// Open connects to a migrated database. It refuses one whose search role could
// see through row-level security.
func Open(ctx context.Context, databaseURL string, log *slog.Logger) (*DB, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse database URL: %w", withoutSecret(err))
	}
	db := &DB{roles: migrations.RolesOf(config.ConnConfig.Database), log: log, retention: DefaultRetention}
	for _, p := range []struct {
		pool    **pgxpool.Pool
		role    string
		conns   int32
		timeout time.Duration
		plans   map[string]string
	}{
		{&db.search, db.roles.Search, 16, 15 * time.Second, planAnew()},
		{&db.worker, db.roles.Worker, 20, 5 * time.Minute, planAnew()},
		{&db.index, db.roles.Index, 4, 15 * time.Second, planAnew()},
		{&db.lookup, db.roles.Index, 12, 15 * time.Second, keepPlans()},
		{&db.callers, db.roles.Worker, 4, 5 * time.Second, planAnew()},
	} {
		*p.pool, err = db.openPool(ctx, databaseURL, p.role, p.conns, p.timeout, p.plans)
		if err != nil {
			db.Close()
			return nil, err
		}
	}
	if err := db.checkSearchRole(ctx); err != nil {
		db.Close()
		return nil, err
	}
	db.classes = newClasses(db.index)
	db.memberships = newMemberships(db.callers)
	return db, nil
}

// Close ends all connections.
func (db *DB) Close() {
	for _, p := range []*pgxpool.Pool{db.search, db.worker, db.index, db.lookup, db.callers} {
		if p != nil {
			p.Close()
		}
	}
}

// Worker returns the pool of the application's role, for River.
func (db *DB) Worker() *pgxpool.Pool { return db.worker }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.worker.Ping(ctx); err != nil {
		return cairn.Errorf(cairn.ErrUnavailable, "the database does not answer")
	}
	return nil
}

func (db *DB) openPool(ctx context.Context, databaseURL, role string, conns int32, timeout time.Duration, plans map[string]string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse database URL: %w", withoutSecret(err))
	}
	config.MaxConns = conns
	config.MaxConnIdleTime = 5 * time.Minute
	params := config.ConnConfig.RuntimeParams
	params["application_name"] = "cairn " + role
	params["statement_timeout"] = fmt.Sprint(timeout.Milliseconds())
	params["idle_in_transaction_session_timeout"] = "60000"
	params["timezone"] = "UTC"
	maps.Copy(params, plans)
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := pgxvector.RegisterTypes(ctx, conn); err != nil {
			return fmt.Errorf("pgvector: %w", err)
		}
		conn.TypeMap().RegisterType(&pgtype.Type{ // else times come in the zone of the machine
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		if _, err := conn.Exec(ctx, `SET ROLE `+pgx.Identifier{role}.Sanitize()); err != nil {
			return fmt.Errorf("enter role %s (run cairn migrate): %w", role, err)
		}
		if role == db.roles.Index {
			return db.identify(ctx, conn)
		}
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database as %s: %w", role, err)
	}
	return pool, nil
}

// checkSearchRole refuses a search role for which row-level security is off.
func (db *DB) checkSearchRole(ctx context.Context) error {
	var super, bypass, owner bool
	err := db.asViewer(ctx, cairn.Viewer{}, nil, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT r.rolsuper, r.rolbypassrls,
			       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
			               AND pg_has_role(current_user, c.relowner, 'USAGE'))
			FROM pg_roles r WHERE r.rolname = current_user`).Scan(&super, &bypass, &owner)
	})
	if err != nil {
		return fmt.Errorf("check the search role: %w", err)
	}
	switch {
	case super:
		return fmt.Errorf("the role %s is a superuser, so that row-level security would not hold: run ALTER ROLE %[1]q NOSUPERUSER", db.roles.Search)
	case bypass:
		return fmt.Errorf("the role %s has BYPASSRLS, so that row-level security would not hold: run ALTER ROLE %[1]q NOBYPASSRLS", db.roles.Search)
	case owner:
		return fmt.Errorf("the role %s owns tables or belongs to the role that does, so that row-level security would not hold: take it out of that role", db.roles.Search)
	}
	return nil
}

// withoutSecret keeps a password out of the error of a URL that does not parse.
func withoutSecret(err error) error {
	var parse *url.Error
	if errors.As(err, &parse) {
		return parse.Err
	}
	var config *pgconn.ParseConfigError
	if errors.As(err, &config) {
		return errors.New("it is not of the form postgres://user:password@host:port/database")
	}
	return err
}

// notFound turns pgx's error for no rows into ErrNotFound.
func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return cairn.ErrNotFound
	}
	return err
}

// nilTime returns nil for the zero time, which the database keeps as null.
func nilTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// orZero returns the zero time for null.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
