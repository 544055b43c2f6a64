package migrations

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed" // roles.sql
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

//go:embed roles.sql
var rolesSQL string

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

// SetRoles makes the roles of the database at url, with grants and policies,
// unless they are as they should be. Up does it too; a database that was copied
// from another needs it alone.
func SetRoles(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("parse database URL: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	return setRoles(ctx, db, config.Database, lockPatience)
}

const (
	// rolesLock keeps two servers from setting the roles of a database at once.
	rolesLock = 0x6361_6972_6e01
	// lockPatience is how long setting the roles tries to get at tables that
	// others are using.
	lockPatience = time.Minute
	// lockPause is between two tries: those who queued behind one go first.
	lockPause = 500 * time.Millisecond
)

// setRoles replaces all policies, for which it needs every table for itself. A
// wait for a table makes everybody wait who comes later, so that it is short and
// tried again until patience has passed.
func setRoles(ctx context.Context, db *sql.DB, database string, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; {
		err := trySetRoles(ctx, db, RolesOf(database))
		var pg *pgconn.PgError
		if err == nil || !errors.As(err, &pg) || pg.Code != "55P03" { // lock_not_available
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the tables are in use: end long transactions (see pg_stat_activity) and try again: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
}

// trySetRoles runs the script, unless what it made the last time is still there.
func trySetRoles(ctx context.Context, db *sql.DB, roles Roles) error {
	script, err := rolesScript(roles)
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
	if _, err := tx.ExecContext(ctx, `SET LOCAL lock_timeout = '2s'`); err != nil {
		return fmt.Errorf("set roles: %w", err)
	}
	now, err := rolesMark(ctx, tx, roles, script)
	if err != nil {
		return err
	}
	var noted string
	err = tx.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = 'roles'`).Scan(&noted)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("set roles: %w", err)
	}
	if now == noted {
		return tx.Commit()
	}
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return fmt.Errorf("set roles: %w", err)
	}
	if now, err = rolesMark(ctx, tx, roles, script); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO settings (name, value) VALUES ('roles', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, now)
	if err != nil {
		return fmt.Errorf("set roles: %w", err)
	}
	return tx.Commit()
}

// rolesMark identifies a script, the schema it is for, who runs it, and what
// roles, grants and policies there are. The roles are named in the script and
// in the grants, so that the mark of a copied database is another one.
func rolesMark(ctx context.Context, tx *sql.Tx, roles Roles, script string) (string, error) {
	var state string
	err := tx.QueryRowContext(ctx, `
		SELECT current_user || string_agg(fact, chr(10) ORDER BY fact COLLATE "C") FROM (
			SELECT format('policy %s %s %s %s %s %s %s', tablename, policyname, permissive, roles, cmd, qual, with_check)
			FROM pg_policies WHERE schemaname = 'public'
			UNION ALL
			SELECT format('table %s %s %s %s', relname, relrowsecurity, relowner::regrole, relacl)
			FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
			UNION ALL
			SELECT format('column %s %s %s', c.relname, a.attname, a.attacl)
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			WHERE c.relnamespace = 'public'::regnamespace AND a.attacl IS NOT NULL
			UNION ALL
			SELECT format('schema %s %s', nspname, nspacl) FROM pg_namespace WHERE nspname = 'public'
			UNION ALL
			SELECT format('member of %s', r.rolname) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
			WHERE r.rolname IN ($1, $2, $3) AND m.member = (SELECT oid FROM pg_roles WHERE rolname = current_user)
		) f (fact)`, roles.Search, roles.Worker, roles.Index).Scan(&state)
	if err != nil {
		return "", fmt.Errorf("set roles: %w", err)
	}
	sum := sha256.Sum256([]byte(Fingerprint() + "\n" + script + "\n" + state))
	return hex.EncodeToString(sum[:]), nil
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
