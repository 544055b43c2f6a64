package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server"
)

// TestIndexCommandsDoNotMigrate: the database has the schema of another version of
// Cairn, whose servers may be at work.
func TestIndexCommandsDoNotMigrate(t *testing.T) {
	for name, c := range map[string]struct{ change, want string }{
		"none":  {`DROP TABLE goose_db_version`, "the database has schema 0 and this program needs"},
		"older": {`DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`, "or run cairn migrate"},
		"newer": {`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`, "use the program of the servers, which is newer"},
	} {
		t.Run(name, func(t *testing.T) {
			made := postgrestest.New(t)
			conn, err := pgx.Connect(t.Context(), made.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
			if _, err := conn.Exec(t.Context(), c.change); err != nil {
				t.Fatal(err)
			}
			state := func() (s string) {
				err := conn.QueryRow(t.Context(), `SELECT coalesce(to_regclass('goose_db_version')::text, '') || (SELECT count(*) FROM pg_class)`).Scan(&s)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			before := state()
			t.Setenv("CAIRN_DATABASE_URL", made.URL)
			for _, command := range []string{"verify", "rebuild"} {
				var out bytes.Buffer
				if code := run(t.Context(), []string{"index", command}, strings.NewReader(""), &out, &out); code == exitDone || !strings.Contains(out.String(), c.want) {
					t.Errorf("index %s ends with exit code %d:\n%s", command, code, &out)
				}
			}
			if after := state(); after != before {
				t.Errorf("before %s, after %s", before, after)
			}
		})
	}
}

// TestIndexCommandsMakeNoDatabase: there is none where the settings say.
func TestIndexCommandsMakeNoDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	t.Setenv("CAIRN_DATABASE_URL", "")
	t.Setenv("CAIRN_DATA_DIR", dir)
	for _, command := range []string{"verify", "rebuild"} {
		var out bytes.Buffer
		code := run(t.Context(), []string{"index", command}, strings.NewReader(""), &out, &out)
		if code == exitDone || !strings.Contains(out.String(), "there is no database in "+dir) {
			t.Errorf("index %s ends with exit code %d:\n%s", command, code, &out)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("index %s makes %s (%v)", command, dir, err)
		}
	}
}

// TestIndexCommandsKeepTheSpace: whoever checks and rebuilds the index has another
// embedding model in the environment than the servers. The commands work on the
// space of the servers, and it stays the active one.
func TestIndexCommandsKeepTheSpace(t *testing.T) {
	ctx := t.Context()
	settings := server.DefaultSettings()
	settings.DataDir = t.TempDir()
	settings.DatabaseURL = server.NewSecret(postgrestest.New(t).URL)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := openParts(ctx, settings, slog.New(slog.DiscardHandler))
	check(err)
	t.Cleanup(func() { check(p.close(t.Context())) })
	own, err := p.db.ActiveSpace(ctx)
	check(err)
	source, err := p.db.CreateSource(ctx, cairn.Source{Name: "shelf", Kind: "push", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	check(err)
	_, err = p.pusher.Put(ctx, source.ID, ingest.Push{External: "falcon", Text: "Falcons nest on the tower."})
	check(err)
	_, err = p.db.UseSpace(ctx, "other", own.Dim, nil) // it was tried once
	check(err)
	_, err = p.db.UseSpace(ctx, own.Model, own.Dim, nil)
	check(err)

	for name, value := range map[string]string{
		"CAIRN_DATABASE_URL": settings.DatabaseURL.Reveal(), "CAIRN_DATA_DIR": settings.DataDir,
		"CAIRN_EMBED_URL": "http://127.0.0.1:1", "CAIRN_EMBED_MODEL": "other", "CAIRN_EMBED_PREFIXES": "none",
	} {
		t.Setenv(name, value)
	}
	for _, command := range []string{"verify", "rebuild", "rebuild", "verify"} {
		var out bytes.Buffer
		if code := run(ctx, []string{"index", command}, strings.NewReader(""), &out, &out); code != exitDone {
			t.Fatalf("index %s ends with exit code %d:\n%s", command, code, &out)
		}
		active, err := p.db.ActiveSpace(ctx)
		check(err)
		if active.Model != own.Model {
			t.Fatalf("index %s makes %q the active space, it was %q", command, active.Model, own.Model)
		}
	}
	hits, err := postgres.NewIndex(p.db, own).Nearest(ctx, cairn.Query{Viewer: cairn.Viewer{Keys: []cairn.PrincipalKey{cairn.Everyone}}}, make([]float32, own.Dim), 10)
	check(err)
	if len(hits) != 1 {
		t.Errorf("%d chunks are found by their vectors, want 1", len(hits))
	}
}
