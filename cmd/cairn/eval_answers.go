package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/files"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/eval"
)

func evalAnswersCommand(e *environment) *cobra.Command {
	var dir, model string
	var limit int
	var verbose bool
	gate := answersGate{missed: -1}
	c := &cobra.Command{
		Use:   "answers --dir DIR",
		Short: "Measure answers: how often a cited passage holds the answer, and what is not found",
		Long: `Measure answers. DIR is either a data set in the layout of BEIR, where a cited document
should be a judged one, or a folder with documents/ and questions.jsonl as in
examples/acme, where a cited passage should hold the reference answer.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.withScratch(cmd.Context(), func(ctx context.Context, p *parts) error {
				report, err := p.evalAnswers(ctx, dir, model, limit)
				if err != nil {
					return err
				}
				if err := e.printAnswers(report, verbose); err != nil {
					return err
				}
				return gate.check(report)
			})
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the data set")
	c.Flags().StringVar(&model, "model", "", "who answers (default: the configured model, else extractive)")
	c.Flags().IntVar(&limit, "limit", 0, "ask the first so many questions only")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "print every question with its answer")
	c.Flags().IntVar(&gate.right, "min-right", 0, "fail when fewer answerable questions get the answer")
	c.Flags().IntVar(&gate.missed, "max-missed", -1, "fail when more answerable questions are not found")
	c.Flags().IntVar(&gate.declined, "min-declined", 0, "fail when fewer other questions are not found")
	_ = c.MarkFlagRequired("dir") // the flag exists
	return c
}

// answersGate is what a measurement must reach.
type answersGate struct{ right, missed, declined int }

func (g answersGate) check(r eval.AnswersReport) error {
	if r.Right < g.right || g.missed >= 0 && r.Missed > g.missed || r.Declined < g.declined {
		return fmt.Errorf("under the gate: right %d of at least %d, missed %d of at most %d, declined %d of at least %d",
			r.Right, g.right, r.Missed, g.missed, r.Declined, g.declined)
	}
	return nil
}

func (p *parts) evalAnswers(ctx context.Context, dir, model string, limit int) (eval.AnswersReport, error) {
	questions, source, err := loadQuestions(dir)
	if err != nil {
		return eval.AnswersReport{}, err
	}
	_, names, err := p.fill(ctx, source)
	if err != nil {
		return eval.AnswersReport{}, err
	}
	account, err := p.db.LocalAccount(ctx)
	if err != nil {
		return eval.AnswersReport{}, err
	}
	viewer := evaluator
	viewer.Account = account.Account.ID
	ask := func(ctx context.Context, text string) (cairn.Answer, error) {
		return p.askOnce(ctx, viewer, text, model)
	}
	return eval.Answers(ctx, questions, names, ask, limit)
}

// loadQuestions returns the questions of a folder and what they are about.
func loadQuestions(dir string) ([]eval.Question, connectors.Connector, error) {
	if _, err := os.Stat(filepath.Join(dir, "questions.jsonl")); err != nil {
		set, err := eval.Load(dir)
		if err != nil {
			return nil, nil, err
		}
		return set.Questions(), set.Connector(), nil
	}
	questions, err := eval.LoadQuestions(filepath.Join(dir, "questions.jsonl"))
	if err != nil {
		return nil, nil, err
	}
	path, err := filepath.Abs(filepath.Join(dir, "documents"))
	if err != nil {
		return nil, nil, err
	}
	source, err := files.Kind().Open(connectors.Environment{}, map[string]string{"path": path})
	return questions, source, err
}

// askOnce asks a question and waits for the whole answer.
func (p *parts) askOnce(ctx context.Context, v cairn.Viewer, text, model string) (cairn.Answer, error) {
	started, err := p.asker.Start(ctx, answer.Ask{Viewer: v, Question: text, Model: model})
	if err != nil {
		return cairn.Answer{}, err
	}
	for e, err := range p.asker.Events(ctx, v, started.Message, 0) {
		if err != nil {
			return cairn.Answer{}, err
		}
		if e.Type == answer.EventDone {
			return *e.Answer, nil
		}
	}
	return cairn.Answer{}, fmt.Errorf("the answer to %q did not end", text)
}

func (e *environment) printAnswers(r eval.AnswersReport, verbose bool) error {
	if e.json {
		return e.printJSON(r)
	}
	if verbose {
		for _, v := range r.Verdicts {
			printVerdict(e.stdout, v)
		}
	}
	_, err := fmt.Fprintf(e.stdout, "answerable %d: a cited passage holds the answer %d, not found %d\nnot answerable %d: not found %d\n",
		r.Answerable, r.Right, r.Missed, r.Unanswerable, r.Declined)
	return err
}

func printVerdict(w io.Writer, v eval.Verdict) {
	mark := "wrong"
	if v.Right {
		mark = "right"
	}
	fmt.Fprintf(w, "%s  %s  %s\n", mark, v.Question.ID, v.Question.Text)
	fmt.Fprintf(w, "       expected: %s\n       outcome %s: %s\n", v.Question.Answer, v.Outcome, strings.ReplaceAll(v.Text, "\n", " / "))
	for _, c := range v.Cited {
		fmt.Fprintf(w, "       cited %s\n", c)
	}
	fmt.Fprintln(w)
}
