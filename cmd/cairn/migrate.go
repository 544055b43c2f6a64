package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/migrations"
	"github.com/cairnhq/cairn/postgres/local"
	"github.com/cairnhq/cairn/server"
)

// migrateCommand returns `cairn migrate`.
func migrateCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to the schema of this version",
		Long: `Bring the database to the schema of this version, and set its roles, grants and
policies. serve does it too. It may be run again, and by several at once.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			settings, err := e.settings()
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(e.stderr, nil))
			url, stop, err := databaseURL(cmd.Context(), settings, log)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, stop()) }()
			if err := migrations.Up(cmd.Context(), url, log); err != nil {
				return err
			}
			return e.print(map[string]bool{"migrated": true}, "The database has the schema of this version.")
		},
	}
}

// databaseURL returns the database of the settings. The private one is started
// for as long as stop has not been called.
func databaseURL(ctx context.Context, s server.Settings, log *slog.Logger) (url string, stop func() error, err error) {
	if s.DatabaseURL.Set() {
		return s.DatabaseURL.Reveal(), func() error { return nil }, nil
	}
	private, err := local.Start(ctx, local.Config{DataDir: s.DataDir, BinDir: s.PostgresBin, Log: log})
	if errors.Is(err, local.ErrInUse) {
		return "", nil, fmt.Errorf("%w: stop cairn serve first (it migrates by itself when it starts)", err)
	}
	if err != nil {
		return "", nil, err
	}
	return private.URL(), func() error { return private.Stop(context.WithoutCancel(ctx)) }, nil
}
