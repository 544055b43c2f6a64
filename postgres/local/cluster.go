package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// clusterMajor returns the major version that wrote the cluster, 0 when there
// is none yet.
func clusterMajor(cluster string) (int, error) {
	text, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION says %q: not a data directory of PostgreSQL", cluster, text)
	}
	return major, nil
}

// createCluster makes the cluster unless it is there. It is made under another
// name and renamed when complete, so that a start killed halfway leaves
// nothing that looks like data.
func (s *Server) createCluster(ctx context.Context) error {
	if major, err := clusterMajor(s.cluster); err != nil || major != 0 {
		return err
	}
	if err := os.Remove(s.cluster); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is no data directory of PostgreSQL and not empty; move it away: %w", s.cluster, err)
	}
	partial, err := s.partialDir()
	if err != nil {
		return err
	}
	cmd := s.owner.command(ctx, s.bin.program("initdb"), s.initArguments(partial)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		_ = os.RemoveAll(partial) // again at the next start
		return fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	return os.Rename(partial, s.cluster)
}

// partialDir makes the folder that becomes the cluster. Its name is new each
// time: the initdb of a killed start may still be writing to its own.
func (s *Server) partialDir() (string, error) {
	leftovers, _ := filepath.Glob(s.cluster + ".partial-*") // a bad pattern finds nothing
	for _, dir := range leftovers {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	dir := s.cluster + ".partial-" + strings.ToLower(rand.Text()[:8])
	return dir, s.owner.mkdir(dir)
}

// initArguments are initdb's: UTF-8, the order of code points (a collation of
// the operating system changes with it and breaks indexes), checksums.
func (s *Server) initArguments(dir string) []string {
	args := []string{
		"-D", dir, "-U", adminRole, "--auth-local=peer", "--auth-host=reject",
		"--encoding=UTF8", "--data-checksums", "--no-instructions",
	}
	if s.bin.Major >= 17 {
		args = append(args, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
	} else {
		args = append(args, "--locale="+defaultLocale())
	}
	if s.settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	return args
}

// prepare makes the login role, the database and the extension where they are
// missing, as superuser: the role that Cairn then uses can do none of that.
func (s *Server) prepare(ctx context.Context) error {
	if err := s.asAdmin(ctx, "postgres", createDatabase); err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	if err := s.asAdmin(ctx, database, createExtension); err != nil {
		return fmt.Errorf("prepare the extension vector: %w", err)
	}
	return nil
}

func (s *Server) asAdmin(ctx context.Context, db string, do func(context.Context, *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.url(adminRole, db))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(ctx, conn)
}

func createDatabase(ctx context.Context, conn *pgx.Conn) error {
	var role, db bool
	err := conn.QueryRow(ctx, `
		select exists (select from pg_roles where rolname = 'cairn'),
		       exists (select from pg_database where datname = 'cairn')`).Scan(&role, &db)
	if err != nil {
		return err
	}
	if !role {
		if _, err := conn.Exec(ctx, `create role cairn login nosuperuser nocreatedb createrole`); err != nil {
			return err
		}
	}
	if !db {
		if _, err := conn.Exec(ctx, `create database cairn owner cairn`); err != nil {
			return err
		}
	}
	// Each database of the cluster is its owner's alone.
	_, err = conn.Exec(ctx, `revoke connect, temporary on database cairn from public`)
	return err
}

func createExtension(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `create extension if not exists vector`); err != nil {
		return err
	}
	var old bool // the programs may be newer than the extension of the last start
	err := conn.QueryRow(ctx, `
		select installed_version is distinct from default_version
		from pg_available_extensions where name = 'vector'`).Scan(&old)
	if err != nil || !old {
		return err
	}
	_, err = conn.Exec(ctx, `alter extension vector update`)
	return err
}
