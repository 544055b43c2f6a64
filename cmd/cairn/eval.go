package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/eval"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server"
)

// evalCommand returns `cairn eval`.
func evalCommand(e *environment) *cobra.Command {
	return family("eval", "Measure search and answers on sets of questions",
		evalRunCommand(e), evalCompareCommand(e), evalMakeCommand(e), evalAnswersCommand(e), evalGatesCommand(e))
}

// evaluator is who searches and asks in a measurement.
var evaluator = cairn.Viewer{Account: "eval", Keys: []cairn.PrincipalKey{cairn.Everyone}}

// withScratch runs fn on a database of its own in a folder of its own; both are
// removed afterwards.
func (e *environment) withScratch(ctx context.Context, fn func(ctx context.Context, p *parts) error) (err error) {
	settings, err := e.settings()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "cairn-eval-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // as root, PostgreSQL runs as another user
		return err
	}
	settings.DataDir, settings.DatabaseURL = dir, server.Secret{}
	p, err := openParts(ctx, settings, slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(context.WithoutCancel(ctx))) }()
	return fn(ctx, p)
}

// fill brings a source into an empty database, readable by everybody. names
// tells the source's own name of each document.
func (p *parts) fill(ctx context.Context, c connectors.Connector) (took eval.Ingest, names map[cairn.DocumentID]string, err error) {
	source, err := p.db.CreateSource(ctx, cairn.Source{Name: "eval", Kind: "sample", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	if err != nil {
		return eval.Ingest{}, nil, err
	}
	if err := p.index.Maintain(ctx); err != nil { // notes which analysis the index is made by
		return eval.Ingest{}, nil, err
	}
	began := time.Now()
	result, err := p.syncer.Run(ctx, ingest.Sync{Source: source, Connector: c})
	if err != nil {
		return eval.Ingest{}, nil, err
	}
	if p.filler != nil { // a measurement waits for the vectors of a slow model
		if err := p.filler.All(ctx); err != nil {
			return eval.Ingest{}, nil, err
		}
	}
	took.Seconds = time.Since(began).Seconds()
	if err := p.index.Maintain(ctx); err != nil {
		return eval.Ingest{}, nil, err
	}
	took.DocumentsPerSecond = float64(result.Counts.Scanned) / took.Seconds
	names, err = p.db.ExternalNames(ctx, source.ID)
	return took, names, err
}
