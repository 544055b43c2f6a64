package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// askCommand returns `cairn ask`.
func askCommand(e *environment) *cobra.Command {
	var req client.AskRequest
	var stream bool
	var file string
	c := &cobra.Command{
		Use:   "ask QUESTION",
		Short: "Ask a question; every sentence of the answer has its source",
		Long: `Ask a question. The answer comes sentence by sentence, each with the number of the
passage that supports it. "-" reads the question from standard input.

What is piped in beside a question goes with it, up to 16,000 characters: a log, an error
message, a draft. It is taken for your own words: it helps to find and to understand, but
nothing is cited from it.

Exit code 3 says that nothing was found.`,
		Args: cobra.MinimumNArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if stream && !e.json {
				return usageError{errors.New("--stream belongs to --json")}
			}
			var err error
			if req.Question, err = e.question(args); err != nil {
				return err
			}
			if blank(req.Question) {
				return usageError{errors.New("the question is empty; give at least a word")}
			}
			if req.Context, err = e.context(args, file); err != nil {
				return err
			}
			answer, err := e.ask(ctx, c, req, stream)
			if err != nil {
				return err
			}
			return outcome(answer)
		}),
	}
	c.Flags().StringVar(&req.ConversationID, "conversation", "", "go on with this conversation")
	c.Flags().StringVar(&req.Model, "model", "", "let this model answer: see cairn models list")
	c.Flags().StringSliceVar(&req.Sources, "source", nil, "use this source alone; may be repeated")
	c.Flags().StringVar(&file, "context", "", "a file whose text goes with the question; - is standard input, however long it takes")
	c.Flags().BoolVar(&stream, "stream", false, "with --json: one event a line, as they come")
	return c
}

// maxQuestion bounds what is read from standard input, in bytes.
const maxQuestion = 64 << 10

func (e *environment) question(args []string) (string, error) {
	if len(args) != 1 || args[0] != "-" {
		return strings.Join(args, " "), nil
	}
	b, err := io.ReadAll(io.LimitReader(e.stdin, maxQuestion))
	if err != nil {
		return "", fmt.Errorf("read the question: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// ask asks and shows the answer while it comes.
func (e *environment) ask(ctx context.Context, c *client.Client, req client.AskRequest, stream bool) (client.Answer, error) {
	show := e.answerView(req, stream)
	message := ""
	for event, err := range c.Ask(ctx, req) {
		if shown := show.event(event); err == nil {
			err = shown
		}
		if err != nil {
			show.abandon()
			if ctx.Err() != nil && message != "" {
				stopAnswer(ctx, c, message)
			}
			return client.Answer{}, err
		}
		switch event.Name {
		case "start":
			var started client.Started
			if err := event.Decode(&started); err != nil {
				return client.Answer{}, err
			}
			message = started.MessageID
		case "done":
			var answer client.Answer
			if err := event.Decode(&answer); err != nil {
				return client.Answer{}, err
			}
			return answer, show.done(answer)
		}
	}
	return client.Answer{}, errors.New("the answer has no end; ask again")
}

// stopAnswer tells the server that nobody waits any more. It may fail: then the
// answer is made in vain.
func stopAnswer(ctx context.Context, c *client.Client, message string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = c.StopAnswer(ctx, message)
}

// outcome returns what an answer means for the exit code.
func outcome(a client.Answer) error {
	switch {
	case a.Outcome == cairn.OutcomeNotFound:
		return errNothingFound
	case a.Outcome == cairn.OutcomeBlocked:
		return errors.New("a rule of this server forbids the question or the answer")
	case a.State == cairn.MessageFailed:
		return errors.New("the answer could not be finished; ask again")
	case a.State == cairn.MessageStopped:
		return errors.New("the answer was stopped before its end")
	}
	return nil
}

// view shows an answer in one of the ways.
type view interface {
	// event takes each event in turn.
	event(client.Event) error
	// done takes the whole answer after the last event.
	done(client.Answer) error
	// abandon is called instead when there is no whole answer.
	abandon()
}

func (e *environment) answerView(req client.AskRequest, stream bool) view {
	switch {
	case stream:
		return eventLines{e.stdout}
	case e.json:
		return wholeAnswer{e}
	}
	p := &prose{out: e.screen(), err: terminal.NewScreen(e.stderr), req: req}
	p.flow = terminal.NewFlow(p.out, "")
	return p
}

// eventLines writes every event as a line of JSON.
type eventLines struct{ w io.Writer }

func (v eventLines) event(e client.Event) error {
	if e.Name == "" { // beside an error that is none of the answer's
		return nil
	}
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("print the event: %w", err)
	}
	_, err = v.w.Write(append(terminal.JSON(b), '\n'))
	return err
}
func (eventLines) done(client.Answer) error { return nil }
func (eventLines) abandon()                 {}

// wholeAnswer writes the answer as one document.
type wholeAnswer struct{ e *environment }

func (wholeAnswer) event(client.Event) error { return nil }
func (v wholeAnswer) done(a client.Answer) error {
	return v.e.printReply(a.JSON)
}
func (wholeAnswer) abandon() {}
