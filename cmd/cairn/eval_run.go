package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/eval"
	"github.com/cairnhq/cairn/retrieval/eval/report"
)

// measuring is what `cairn eval run` was told.
type measuring struct {
	dir, save, report string
	modes             []string
	limit             int
	minNDCG           float64
}

func evalRunCommand(e *environment) *cobra.Command {
	var m measuring
	c := &cobra.Command{
		Use:   "run --dir DIR",
		Short: "Measure search: nDCG, recall, reciprocal rank, times",
		Long: `Measure search on a folder in the layout of BEIR: corpus.jsonl, queries.jsonl and qrels.tsv;
each may be packed (corpus.jsonl.gz). The corpus is indexed in a database of its own, which is
removed afterwards.

--save keeps what was found for every query, for cairn eval compare; --report makes a page to
look at. Both files hold texts of questions and titles of documents. With several modes each
has files of its own: run.json becomes run-lexical.json and so on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			modes, err := m.allModes()
			if err != nil {
				return err
			}
			set, err := eval.Load(m.dir)
			if err != nil {
				return err
			}
			if err := m.canKeep(); err != nil {
				return err
			}
			return e.withScratch(cmd.Context(), func(ctx context.Context, p *parts) error {
				runs, err := p.measure(ctx, set, modes, m.limit)
				if err != nil {
					return err
				}
				return e.finish(m, runs)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&m.dir, "dir", "", "folder of the data set")
	f.StringSliceVar(&m.modes, "mode", []string{"hybrid"}, "lexical, dense or hybrid; may be repeated; all: each of them")
	f.IntVar(&m.limit, "limit", 0, "measure the first so many queries only")
	f.StringVar(&m.save, "save", "", "write the run to this file")
	f.StringVar(&m.report, "report", "", "write a report to this HTML file")
	f.Float64Var(&m.minNDCG, "min-ndcg", 0, "fail when nDCG@10 is lower")
	_ = c.MarkFlagRequired("dir") // the flag exists
	return c
}

// allModes returns the modes to measure, each once, both legs before hybrid.
func (m measuring) allModes() ([]cairn.Mode, error) {
	if m.limit < 0 {
		return nil, usageError{fmt.Errorf("--limit is %d; it can be 0 (all) or more", m.limit)}
	}
	for _, mode := range m.modes {
		if err := oneOf("mode", mode, "lexical", "dense", "hybrid", "all"); err != nil {
			return nil, err
		}
	}
	modes := slices.DeleteFunc(eval.Modes(), func(mode cairn.Mode) bool {
		return !slices.Contains(m.modes, string(mode)) && !slices.Contains(m.modes, "all")
	})
	return modes, nil
}

// canKeep refuses files that cannot be written, before anything is measured for them.
func (m measuring) canKeep() error {
	for _, path := range []string{m.save, m.report} {
		if path == "" {
			continue
		}
		if err := writable(filepath.Dir(path)); err != nil {
			return fmt.Errorf("%s cannot be written: %w", path, err)
		}
	}
	return nil
}

// measure brings a set into the empty database and measures it in each mode.
func (p *parts) measure(ctx context.Context, set *eval.Set, modes []cairn.Mode, limit int) ([]eval.Run, error) {
	ingested, names, err := p.fill(ctx, set.Connector())
	if err != nil {
		return nil, err
	}
	runs := make([]eval.Run, len(modes))
	for i, mode := range modes {
		run, err := eval.Measure(ctx, set, p.searchFor(mode, names), limit)
		if err != nil {
			return nil, err
		}
		run.Mode, run.Report.Mode, run.Report.Ingest = mode, mode, ingested
		run.Version, run.At = fullVersion(), time.Now().UTC().Truncate(time.Second)
		runs[i] = run
	}
	return runs, nil
}

// searchFor returns a search by the source's own names of documents.
func (p *parts) searchFor(mode cairn.Mode, names map[cairn.DocumentID]string) eval.Search {
	return func(ctx context.Context, text string, limit int) ([]eval.Ranked, error) {
		found, err := p.retriever.Search(ctx, cairn.Query{Viewer: evaluator, Text: text, Mode: mode, Limit: limit, Literal: true})
		if err != nil {
			return nil, err
		}
		if found.Mode != mode {
			return nil, cairn.Errorf(cairn.ErrUnavailable, "the embedding model did not answer %q in time, so this would not be a measurement of mode %s; run it again when the model is less busy", text, mode)
		}
		ranked := make([]eval.Ranked, len(found.Passages))
		for i, passage := range found.Passages {
			ranked[i] = eval.Ranked{ID: names[passage.Document], Score: passage.Score}
		}
		return ranked, nil
	}
}

func fullVersion() string {
	v, commit := buildVersion()
	return v + " " + commit
}

// finish prints the figures, writes the files and fails under the gate.
func (e *environment) finish(m measuring, runs []eval.Run) error {
	var text []string
	reports := make([]eval.Report, len(runs))
	var low []string
	for i, run := range runs {
		reports[i] = run.Report
		text = append(text, figures(run.Report))
		if run.Report.NDCG10 < m.minNDCG {
			low = append(low, fmt.Sprintf("%s %.4f", run.Mode, run.Report.NDCG10))
		}
	}
	var reply any = reports[0]
	if len(reports) > 1 {
		reply = map[string]any{"runs": reports}
	}
	if err := e.print(reply, strings.Join(text, "\n\n")); err != nil {
		return err
	}
	for _, run := range runs {
		if err := e.keep(m, run, len(runs) > 1); err != nil {
			return err
		}
	}
	if len(low) > 0 {
		return fmt.Errorf("under the gate: nDCG@10 of at least %.4f is demanded: %s", m.minNDCG, strings.Join(low, ", "))
	}
	return nil
}

// keep writes the files of a run.
func (e *environment) keep(m measuring, run eval.Run, several bool) error {
	name := func(path string) string {
		if ext := filepath.Ext(path); several {
			return strings.TrimSuffix(path, ext) + "-" + string(run.Mode) + ext
		}
		return path
	}
	if m.save != "" {
		if err := run.Save(name(m.save)); err != nil {
			return err
		}
		e.note("The run is kept in %s.", name(m.save))
	}
	if m.report != "" {
		if err := eval.WriteFile(name(m.report), func(w io.Writer) error { return report.WriteRun(w, run) }); err != nil {
			return err
		}
		e.note("The report is %s.", name(m.report))
	}
	return nil
}

func figures(r eval.Report) string {
	return fmt.Sprintf(
		"documents %d, queries %d, mode %s\nnDCG@10 %.4f   recall@5 %.4f   recall@20 %.4f   MRR@10 %.4f\nsearch p50 %.1f ms, p95 %.1f ms, p99 %.1f ms\ningested in %.1f s, %.0f documents/s",
		r.Documents, r.Queries, r.Mode, r.NDCG10, r.Recall5, r.Recall20, r.MRR10,
		r.Took.P50, r.Took.P95, r.Took.P99, r.Ingest.Seconds, r.Ingest.DocumentsPerSecond)
}
