package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
	"github.com/cairnhq/cairn/retrieval/eval"
	"github.com/cairnhq/cairn/retrieval/eval/report"
)

// errWorse ends a comparison with --fail-if-worse; the figures are printed.
var errWorse = errors.New("the second run is significantly worse in nDCG@10")

func evalCompareCommand(e *environment) *cobra.Command {
	var page string
	var fail bool
	var show int
	c := &cobra.Command{
		Use:   "compare RUN_A RUN_B",
		Short: "Compare two saved runs over the same questions",
		Long: `Compare two runs that cairn eval run --save has kept, over the same folder. Differences are
those of the second run from the first. Whether they are more than chance is told by a paired
bootstrap test with 10,000 resamples (Sakai, SIGIR 2006), always with the same seed.`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := compareFiles(args[0], args[1])
			if err != nil {
				return err
			}
			if page != "" {
				if err := eval.WriteFile(page, func(w io.Writer) error { return report.WriteComparison(w, c) }); err != nil {
					return err
				}
				e.note("The report is %s.", page)
			}
			if err := e.printComparison(c, show); err != nil {
				return err
			}
			if fail && c.SignificantlyWorse() {
				return errWorse
			}
			return nil
		},
	}
	c.Flags().StringVar(&page, "report", "", "write a report to this HTML file")
	c.Flags().BoolVar(&fail, "fail-if-worse", false, "exit with 1 when the second run is significantly worse in nDCG@10")
	c.Flags().IntVar(&show, "show", 10, "print so many of the queries that lost, and of those that won, the most")
	return c
}

func compareFiles(pathA, pathB string) (eval.Comparison, error) {
	a, err := eval.LoadRun(pathA)
	if err != nil {
		return eval.Comparison{}, err
	}
	b, err := eval.LoadRun(pathB)
	if err != nil {
		return eval.Comparison{}, err
	}
	nameA, nameB := filepath.Base(pathA), filepath.Base(pathB)
	if nameA == nameB {
		nameA, nameB = pathA, pathB
	}
	return eval.Compare(a, b, nameA, nameB)
}

func (e *environment) printComparison(c eval.Comparison, show int) error {
	if e.json {
		return e.printJSON(c)
	}
	out := e.screen()
	out.Printf("A  %s\nB  %s\nset %s, %d queries\n\n", runLine(c.A), runLine(c.B), terminal.Line(c.Set.Name), c.Queries)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tA\tB\tB - A\t95 % interval\tp\t")
	for _, d := range c.Metrics {
		mark := ""
		if d.Significant {
			mark = "*"
		}
		fmt.Fprintf(w, "%s\t%.4f\t%.4f\t%+.4f\t%+.4f to %+.4f\t%.4f\t%s\n", d.Metric, d.A, d.B, d.Mean, d.Low, d.High, d.P, mark)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	out.Printf("\n* p below %.2f: %s, %d resamples, seed %d\n", eval.Alpha, c.Method, c.Resamples, c.Seed)
	out.Printf("nDCG@10 of %d queries is better, of %d worse, of %d the same\n", c.Better, c.Worse, c.Same)
	won := slices.Clone(c.Changes[len(c.Changes)-min(max(show, 0), c.Better):])
	slices.Reverse(won)
	printChanges(out, "Lost the most", c.Changes[:min(max(show, 0), c.Worse)])
	printChanges(out, "Won the most", won)
	return nil
}

func runLine(r eval.RunInfo) string {
	return fmt.Sprintf("%s (%s, cairn %s, %s)", terminal.Line(r.Name), terminal.Line(string(r.Mode)), terminal.Line(r.Version), moment(&r.At))
}

// printChanges prints queries with the rank of their first relevant document.
func printChanges(out *terminal.Screen, title string, changes []eval.Change) {
	if len(changes) == 0 {
		return
	}
	out.Printf("\n%s (first relevant document at rank A → B)\n", title)
	rank := func(n int) string {
		if n == 0 {
			return "-"
		}
		return fmt.Sprint(n)
	}
	for _, c := range changes {
		out.Printf("%+.4f  %3s → %-3s  %s\n", c.Difference, rank(c.FirstA), rank(c.FirstB), shorten(terminal.Line(c.Text)))
	}
}

// shorten returns the beginning of a text that must fit on a line.
func shorten(text string) string {
	const most = 90
	if characters := []rune(text); len(characters) > most {
		return string(characters[:most]) + "…"
	}
	return text
}
