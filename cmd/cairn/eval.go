package main

import (
	"context"
	"errors"
	"fmt"
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
	c := &cobra.Command{Use: "eval", Short: "Measure retrieval and answers on a data set", Args: cobra.NoArgs}
	c.AddCommand(evalRunCommand(e), evalAnswersCommand(e))
	return c
}

func evalRunCommand(e *environment) *cobra.Command {
	var dir, mode string
	var limit int
	c := &cobra.Command{
		Use:   "run --dir DIR",
		Short: "Measure search: nDCG, recall, reciprocal rank, times",
		Long: `Measure search on a folder in the layout of BEIR: corpus.jsonl, queries.jsonl and qrels.tsv.
The corpus is indexed in a database of its own, which is removed afterwards.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("mode", mode, "lexical", "dense", "hybrid"); err != nil {
				return err
			}
			return e.withScratch(cmd.Context(), func(ctx context.Context, p *parts) error {
				return e.evalRun(ctx, p, dir, cairn.Mode(mode), limit)
			})
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the data set")
	c.Flags().StringVar(&mode, "mode", "hybrid", "lexical, dense or hybrid")
	c.Flags().IntVar(&limit, "limit", 0, "measure the first so many queries only")
	_ = c.MarkFlagRequired("dir") // the flag exists
	return c
}

// evaluator is who searches and asks in a measurement.
var evaluator = cairn.Viewer{Account: "eval", Keys: []cairn.PrincipalKey{cairn.Everyone}}

func (e *environment) evalRun(ctx context.Context, p *parts, dir string, mode cairn.Mode, limit int) error {
	set, err := eval.Load(dir)
	if err != nil {
		return err
	}
	ingested, names, err := p.fill(ctx, set.Connector())
	if err != nil {
		return err
	}
	report, err := eval.Run(ctx, set, func(ctx context.Context, text string, limit int) ([]string, error) {
		found, err := p.retriever.Search(ctx, cairn.Query{Viewer: evaluator, Text: text, Mode: mode, Limit: limit})
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(found.Passages))
		for i, passage := range found.Passages {
			ids[i] = names[passage.Document]
		}
		return ids, nil
	}, limit)
	if err != nil {
		return err
	}
	report.Mode, report.Ingest = mode, ingested
	return e.print(report, fmt.Sprintf(
		"documents %d, queries %d, mode %s\nnDCG@10 %.4f   recall@5 %.4f   recall@20 %.4f   MRR@10 %.4f\nsearch p50 %.1f ms, p95 %.1f ms, p99 %.1f ms\ningested in %.1f s, %.0f documents/s",
		report.Documents, report.Queries, report.Mode, report.NDCG10, report.Recall5, report.Recall20, report.MRR10,
		report.Took.P50, report.Took.P95, report.Took.P99, ingested.Seconds, ingested.DocumentsPerSecond))
}

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
	began := time.Now()
	result, err := p.syncer.Run(ctx, ingest.Sync{Source: source, Connector: c})
	if err != nil {
		return eval.Ingest{}, nil, err
	}
	took.Seconds = time.Since(began).Seconds()
	if err := p.index.Maintain(ctx); err != nil {
		return eval.Ingest{}, nil, err
	}
	took.DocumentsPerSecond = float64(result.Counts.Scanned) / took.Seconds
	names, err = p.db.ExternalNames(ctx, source.ID)
	return took, names, err
}
