package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// Who makes a request is found out while all other connections wait for something, and
// while somebody changes what shows who it is.
func TestCallersAreKnownWhileWorkWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	now := time.Now()
	ann := f.account("ann@acme.test", cairn.RoleMember)
	f.source("inbox", cairn.Allow(cairn.Everyone))
	token, session := f.token(ann.ID), auth.HashOf("session")
	f.check(f.CreateSession(t.Context(), session, auth.Session{Account: ann.ID, Created: now, Expires: now.Add(time.Hour), Used: now}))
	_, err := f.LocalAccount(t.Context()) // makes it
	f.check(err)
	made, _, err := f.TokenByHash(t.Context(), token)
	f.check(err)
	tx, err := f.worker.Begin(t.Context())
	f.check(err)
	_, err = tx.Exec(t.Context(), `UPDATE tokens SET name = 'other'`)
	f.check(err)
	_, err = tx.Exec(t.Context(), `UPDATE sessions SET used_at = now()`)
	f.check(err)
	for range f.worker.Config().MaxConns - 1 {
		conn, err := f.worker.Acquire(t.Context())
		f.check(err)
		defer conn.Release()
	}
	defer func() { f.check(tx.Rollback(context.Background())) }()
	for name, ask := range map[string]func(ctx context.Context) error{
		"the token":          func(ctx context.Context) error { _, _, err := f.TokenByHash(ctx, token); return err },
		"the session":        func(ctx context.Context) error { _, _, err := f.SessionByHash(ctx, session); return err },
		"the local account":  func(ctx context.Context) error { _, err := f.LocalAccount(ctx); return err },
		"use of the token":   func(ctx context.Context) error { return f.TouchToken(ctx, made.ID, now) },
		"use of the session": func(ctx context.Context) error { return f.TouchSession(ctx, session, now) },
		"who may push":       func(ctx context.Context) error { _, err := f.SourceNamed(ctx, "inbox"); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if err := ask(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}
