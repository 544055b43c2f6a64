package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// chatCommand returns `cairn chat`.
func chatCommand(e *environment) *cobra.Command {
	var req client.AskRequest
	c := &cobra.Command{
		Use:   "chat",
		Short: "Ask one question after the other, with the sources beside the answers",
		Long: `Ask one question after the other; each can refer to those before it. Tab shows the sources of
the last answer, Ctrl-O your earlier conversations; Ctrl-C stops an answer, then quits.

Where standard input or output is no terminal, every line of standard input is a question,
and the answers are printed. Exit code 3 says that nothing was found for any of them.`,
		Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			if e.json || !e.screen().Terminal || !terminal.IsTerminal(e.stdin) {
				return e.chatLines(ctx, c, req)
			}
			return e.chatScreen(ctx, c, req)
		}),
	}
	c.Flags().StringVar(&req.ConversationID, "conversation", "", "go on with this conversation")
	c.Flags().StringVar(&req.Model, "model", "", "let this model answer: see cairn models list")
	c.Flags().StringSliceVar(&req.Sources, "source", nil, "use this source alone; may be repeated")
	return c
}

// chatLines answers a question a line.
func (e *environment) chatLines(ctx context.Context, c *client.Client, req client.AskRequest) error {
	lines := bufio.NewScanner(e.stdin)
	lines.Buffer(nil, maxQuestion)
	prompt := func() {
		if terminal.IsTerminal(e.stdin) {
			fmt.Fprint(e.stderr, "> ")
		}
	}
	answers := []json.RawMessage{}
	found := false
	for prompt(); lines.Scan(); prompt() {
		if req.Question = strings.TrimSpace(lines.Text()); req.Question == "" {
			continue
		}
		answer, err := e.chatAnswer(ctx, c, req, len(answers) == 0)
		if err != nil {
			return err
		}
		answers = append(answers, answer.JSON)
		req.ConversationID = answer.ConversationID
		found = found || answer.Outcome != cairn.OutcomeNotFound
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the questions: %w", err)
	}
	if e.json {
		reply := struct {
			Conversation string            `json:"conversation_id"`
			Answers      []json.RawMessage `json:"answers"`
		}{req.ConversationID, answers}
		if err := e.printJSON(reply); err != nil {
			return err
		}
	}
	if len(answers) > 0 && !found {
		return errNothingFound
	}
	return nil
}

// chatAnswer asks one of several questions, and shows the answer unless all are to be
// one document.
func (e *environment) chatAnswer(ctx context.Context, c *client.Client, req client.AskRequest, first bool) (client.Answer, error) {
	if e.json {
		return answerOf(ctx, c, req)
	}
	if !first {
		e.screen().Printf("\n")
	}
	return e.ask(ctx, c, req, false)
}
