package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/postgres/local"
	"github.com/cairnhq/cairn/server"
)

// checkPatience bounds each check that waits for something else.
const checkPatience = 5 * time.Second

// examineServer checks the server and how it sees the caller.
func examineServer(ctx context.Context, c *client.Client, why string) []finding {
	ctx, cancel := context.WithTimeout(ctx, 3*checkPatience)
	defer cancel()
	theirs, err := c.Health(ctx)
	if err != nil {
		return []finding{fail("server", "%v", err)}
	}
	var found []finding
	if err := c.Ready(ctx); err != nil {
		found = append(found, fail("server", "it runs at %s, but is not ready: %v; its log says why", c.URL(), err))
	} else {
		found = append(found, ok("server", "ready at %s, its database reachable and migrated", c.URL()))
	}
	found = append(found, clock(theirs, time.Now()))
	me, err := c.Me(ctx)
	if err != nil {
		return append(found, fail("sign-in", "%v", advise(err, why)))
	}
	who := me.Email
	if who == "" {
		who = me.Name
	}
	return append(found, ok("sign-in", "as %s (%s), by %s", who, me.Role, me.Via))
}

// clock compares the server's clock, known to the second, with this machine's.
func clock(theirs, ours time.Time) finding {
	if theirs.IsZero() {
		return warn("clock", "the server does not tell its time")
	}
	if off := ours.Sub(theirs).Round(time.Second); off.Abs() > time.Minute {
		return warn("clock", "this machine's clock and the server's are %s apart; expiry and \"yesterday\" go wrong: set both by NTP", off.Abs())
	}
	return ok("clock", "agrees with the server's")
}

// encrypted looks at how a token travels to another machine.
func encrypted(address string) finding {
	if strings.HasPrefix(strings.ToLower(address), "http://") {
		return warn("connection", "%s is not encrypted, so that others can read the token on its way; use https", address)
	}
	return ok("connection", "encrypted")
}

// dataDirectory checks that files can be written where the server keeps its own.
func dataDirectory(dir string) finding {
	const name = "data directory"
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return warn(name, "%s does not exist yet; cairn serve makes it", dir)
	case err != nil:
		return fail(name, "%v", err)
	case !info.IsDir():
		return fail(name, "%s is no folder; set CAIRN_DATA_DIR to one", dir)
	}
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return fail(name, "%s cannot be written to by this user (%v); run doctor as the server's user, or chown it", dir, err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return fail(name, "%v", err)
	}
	return ok(name, "%s can be written to", dir)
}

// What is left on the disk, in bytes: below the first Cairn still works, below
// the second PostgreSQL may stop at any time.
const (
	littleSpace = 2 << 30
	hardlyAny   = 200 << 20
	mebibyte    = 1 << 20
)

// freeSpace looks at the disk of the data directory or, before it exists, of the
// folder that will hold it.
func freeSpace(dir string) finding {
	const name = "free disk"
	dir, err := filepath.Abs(dir)
	if err != nil {
		return warn(name, "%v", err)
	}
	for {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		if errors.Is(err, unix.ENOENT) && filepath.Dir(dir) != dir {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			return warn(name, "%s: %v", dir, err)
		}
		return enough(name, dir, st.Bavail*uint64(st.Bsize))
	}
}

func enough(name, dir string, free uint64) finding {
	mib := free / mebibyte
	switch {
	case free < hardlyAny:
		return fail(name, "%d MiB at %s; PostgreSQL stops when there is none: make room", mib, dir)
	case free < littleSpace:
		return warn(name, "%d MiB at %s; make room soon", mib, dir)
	}
	return ok(name, "%d MiB at %s", mib, dir)
}

// database checks that the database named can be reached or, when there is none,
// that a private one can be run.
func database(ctx context.Context, s server.Settings) finding {
	const name = "database"
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	if !s.DatabaseURL.Set() {
		found, err := local.Find(ctx, s.PostgresBin)
		if err != nil {
			return fail(name, "%v", err)
		}
		return ok(name, "private: PostgreSQL %s with pgvector %s in %s", found.Version(), found.Vector, found.Dir)
	}
	conn, err := pgx.Connect(ctx, s.DatabaseURL.Reveal())
	if err != nil {
		var bad *pgconn.ParseConfigError
		if errors.As(err, &bad) { // it quotes the connection string
			return fail(name, "CAIRN_DATABASE_URL cannot be read; write it as in postgres://cairn:PASSWORD@host:5432/cairn")
		}
		return fail(name, "CAIRN_DATABASE_URL: %v", err)
	}
	defer conn.Close(ctx)
	config := conn.Config()
	return ok(name, "%s on %s, as %s", config.Database, config.Host, config.User)
}

// endpoint asks a model's server for its list of models, which costs nothing.
func endpoint(ctx context.Context, name string, m server.ModelSettings) finding {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	base := m.URL
	if base == "" {
		base = "https://api.openai.com/v1"
		if m.Provider == "anthropic" {
			base = "https://api.anthropic.com/v1"
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+"/models", nil)
	if err != nil {
		return fail(name, "its URL cannot be used: %v", err)
	}
	if key := m.APIKey.Reveal(); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
		if m.Provider == "anthropic" {
			req.Header.Del("Authorization")
			req.Header.Set("X-Api-Key", key)
			req.Header.Set("Anthropic-Version", "2023-06-01")
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return fail(name, "%s does not answer: %v; without it answers are extractive", m.Model, err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return fail(name, "the server of %s refuses the API key (%s)", m.Model, res.Status)
	case res.StatusCode >= 500:
		return fail(name, "the server of %s is in trouble (%s)", m.Model, res.Status)
	}
	return ok(name, "the server of %s answers; cairn models test %s asks it something", m.Model, m.Model)
}
