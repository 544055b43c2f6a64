package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// modelsCommand returns `cairn models`.
func modelsCommand(e *environment) *cobra.Command {
	return family("models", "The models that answer: list, test", modelsListCommand(e), modelsTestCommand(e))
}

func modelsListCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the models that can be asked for by name", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			m, err := c.Models(ctx)
			if err != nil {
				return err
			}
			l := client.List[client.Model]{Items: m.Models, Reply: m.Reply}
			return printList(e, l, "There are no models.", []string{"NAME", "DEFAULT"}, func(m client.Model) []string {
				if m.Default {
					return []string{m.Name, "yes"}
				}
				return []string{m.Name, ""}
			})
		}),
	}
}

func modelsTestCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "test NAME",
		Short: "Let a model answer a trivial question",
		Long: `Let a model answer a question about the first document at hand, and say whether it was the
model that answered. With --json it prints the answer.`,
		Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			found, err := c.Search(ctx, client.SearchRequest{Query: "introduction overview", Limit: 1})
			if err != nil {
				return err
			}
			if len(found.Results) == 0 {
				return cairn.Errorf(cairn.ErrNotFound, "there is no document to ask about; add a source first")
			}
			a, err := answerOf(ctx, c, client.AskRequest{
				Question: fmt.Sprintf("What is %q about?", found.Results[0].Title), Model: args[0],
			})
			if err != nil {
				return err
			}
			if e.json {
				err = e.printReply(a.JSON)
			}
			return e.printTest(args[0], a, err)
		}),
	}
}

// answerOf asks and waits for the whole answer.
func answerOf(ctx context.Context, c *client.Client, req client.AskRequest) (client.Answer, error) {
	var a client.Answer
	for event, err := range c.Ask(ctx, req) {
		if err != nil {
			return a, err
		}
		if event.Name == "done" {
			err = event.Decode(&a)
			return a, err
		}
	}
	return a, nil
}

// printTest says whether the model named did answer.
func (e *environment) printTest(name string, a client.Answer, err error) error {
	if err != nil {
		return err
	}
	why := ""
	for _, n := range a.Notices {
		why += ": " + terminal.Line(n.Message)
	}
	switch {
	case a.State != cairn.MessageComplete:
		return fmt.Errorf("%s did not finish its answer%s", terminal.Line(name), why)
	case a.Model != name:
		return fmt.Errorf("%s answered in place of %s%s", terminal.Line(a.Model), terminal.Line(name), why)
	case !e.json:
		e.screen().Printf("%s answered in %.1f s (%d tokens in, %d out).\n", terminal.Line(name), float64(a.TookMS)/1000, a.Usage.InputTokens, a.Usage.OutputTokens)
	}
	return nil
}
