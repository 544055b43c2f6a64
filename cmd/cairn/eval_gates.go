package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/eval"
)

// evalGatesCommand returns `cairn eval gates`, for developers of Cairn.
func evalGatesCommand(e *environment) *cobra.Command {
	var table string
	c := &cobra.Command{
		Use:    "gates --table FILE",
		Short:  "Measure sets in every mode and fail under their gates",
		Long:   `Measure the sets that a table of gates names, in every mode, and fail when one is under its gate.`,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			gates, err := eval.LoadGates(table)
			if err != nil {
				return err
			}
			return e.evalGates(cmd.Context(), filepath.Dir(table), gates)
		},
	}
	c.Flags().StringVar(&table, "table", "", "file of the gates")
	_ = c.MarkFlagRequired("table") // the flag exists
	return c
}

// gated is what was measured on one set.
type gated struct {
	set        string
	runs       map[cairn.Mode]eval.Run
	comparison eval.Comparison // hybrid against its better leg
}

func (e *environment) evalGates(ctx context.Context, dir string, gates []eval.Gate) error {
	var measured []gated
	var problems []string
	for _, set := range setsOf(gates) {
		g, err := e.measureAll(ctx, filepath.Join(dir, set), set)
		if err != nil {
			return fmt.Errorf("%s: %w", set, err)
		}
		under, err := eval.Check(set, gates, g.runs)
		if err != nil {
			return fmt.Errorf("%s: %w", set, err)
		}
		measured, problems = append(measured, g), append(problems, under...)
	}
	if err := e.printGates(measured, gates, problems); err != nil {
		return err
	}
	if len(problems) > 0 {
		return errors.New("under the gate:\n  " + strings.Join(problems, "\n  "))
	}
	return nil
}

func setsOf(gates []eval.Gate) []string {
	var sets []string
	for _, g := range gates {
		if !slices.Contains(sets, g.Set) {
			sets = append(sets, g.Set)
		}
	}
	return sets
}

// measureAll measures a set in every mode, in a database of its own.
func (e *environment) measureAll(ctx context.Context, dir, name string) (gated, error) {
	g := gated{set: name, runs: make(map[cairn.Mode]eval.Run)}
	set, err := eval.Load(dir)
	if err != nil {
		return g, err
	}
	e.note("Measuring %s: %d documents, %d queries.", name, len(set.Documents), len(set.Queries))
	err = e.withScratch(ctx, func(ctx context.Context, p *parts) error {
		runs, err := p.measure(ctx, set, eval.Modes(), 0)
		for _, run := range runs {
			g.runs[run.Mode] = run
		}
		return err
	})
	if err != nil {
		return g, err
	}
	g.comparison, err = eval.HybridAgainstLeg(g.runs)
	return g, err
}

func (e *environment) printGates(measured []gated, gates []eval.Gate, problems []string) error {
	if e.json {
		return e.printJSON(gatesReply(measured, problems))
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SET\tMODE\tNDCG@10\tGATE\tRECALL@5\tRECALL@20\tMRR@10\tP50 MS\tP95 MS\tDOCUMENTS/S")
	for _, g := range measured {
		for _, mode := range eval.Modes() {
			r := g.runs[mode].Report
			fmt.Fprintf(w, "%s\t%s\t%.4f\t%s\t%.4f\t%.4f\t%.4f\t%.1f\t%.1f\t%.0f\n", g.set, mode, r.NDCG10, gateOf(gates, g.set, mode),
				r.Recall5, r.Recall20, r.MRR10, r.Took.P50, r.Took.P95, r.Ingest.DocumentsPerSecond)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout)
	return printLegs(e.stdout, measured)
}

func printLegs(out io.Writer, measured []gated) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SET\tBETTER LEG\tHYBRID - LEG\t95 % INTERVAL\tP\tBETTER\tWORSE\tSAME")
	for _, g := range measured {
		c, d := g.comparison, g.comparison.NDCG10()
		fmt.Fprintf(w, "%s\t%s\t%+.4f\t%+.4f to %+.4f\t%.4f\t%d\t%d\t%d\n", g.set, c.A.Mode, d.Mean, d.Low, d.High, d.P, c.Better, c.Worse, c.Same)
	}
	return w.Flush()
}

func gateOf(gates []eval.Gate, set string, mode cairn.Mode) string {
	for _, g := range gates {
		if g.Set == set && g.Mode == mode {
			return fmt.Sprintf("%.4f", g.Minimum)
		}
	}
	return "-"
}

func gatesReply(measured []gated, problems []string) any {
	type setReply struct {
		Set     string            `json:"set"`
		Reports []eval.Report     `json:"reports"`
		Leg     cairn.Mode        `json:"better_leg"`
		Metrics []eval.Difference `json:"hybrid_against_leg"`
	}
	sets := make([]setReply, len(measured))
	for i, g := range measured {
		sets[i] = setReply{Set: g.set, Leg: g.comparison.A.Mode, Metrics: g.comparison.Metrics}
		for _, mode := range eval.Modes() {
			sets[i].Reports = append(sets[i].Reports, g.runs[mode].Report)
		}
	}
	return map[string]any{"sets": sets, "problems": append([]string{}, problems...)}
}
