package main

import (
	"context"
	"log/slog"
	"regexp"
	"testing"

	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/server"
)

// TestEveryRouteIsDecidedUpon compares what the program serves, whatever package it is of,
// with the table of docs/access.md: a route that is described nowhere is let in by nobody's
// decision.
func TestEveryRouteIsDecidedUpon(t *testing.T) {
	t.Parallel()
	table := decisions(t)
	settings := server.DefaultSettings()
	settings.DatabaseURL, settings.DataDir = server.NewSecret(postgrestest.New(t).URL), t.TempDir()
	p, err := openParts(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close(context.WithoutCancel(t.Context())) })
	s, _, err := newServer(t.Context(), settings, p)
	if err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`[:*]([a-z]+)`)
	served := s.Routes()
	for _, route := range served {
		if _, ok := table[parameter.ReplaceAllString(route, "{$1}")]; !ok {
			t.Errorf("%s is served and has no row in docs/access.md", route)
		}
	}
	if len(served) < len(table)-len(pages) {
		t.Errorf("%d routes are served, the table has %d", len(served), len(table))
	}
}
