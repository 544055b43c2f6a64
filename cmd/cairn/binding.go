package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

func userBindingsCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "bindings", Short: "List identities that wait for confirmation",
		Long: `List identities of the identity provider that tried to sign in with the e-mail address of an
account which another identity has: a person whose account there was made anew, or somebody
else who was given the address. They are refused. Find out who it is, then

  cairn user confirm ID    the account is this identity's from now on, not the other's
  cairn user dismiss ID    this identity is refused for good`,
		Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			l, err := c.Bindings(ctx)
			if err != nil {
				return err
			}
			return printList(e, l, "No identity waits for confirmation.",
				[]string{"EMAIL", "NAME THERE", "SUBJECT", "ISSUER", "ATTEMPTS", "FIRST", "LAST", "ID"}, bindingRow)
		}),
	}
}

func bindingRow(b client.Binding) []string {
	return []string{b.User.Email, b.Name, b.Subject, b.Issuer, strconv.Itoa(b.Attempts), moment(&b.FirstAt), moment(&b.LastAt), b.ID}
}

func userConfirmCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "confirm ID", Short: "Give the account to an identity of cairn user bindings", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			u, err := c.ConfirmBinding(ctx, args[0])
			if err != nil {
				return missing(err, "waiting identity", args[0])
			}
			if e.json {
				return e.printReply(u.JSON)
			}
			e.screen().Printf("%s is confirmed and can sign in; sessions of the account have ended.\n", terminal.Line(u.Email))
			return nil
		}),
	}
}

func userDismissCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "dismiss ID", Short: "Refuse an identity of cairn user bindings for good", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.DismissBinding(ctx, args[0]); err != nil {
				return missing(err, "waiting identity", args[0])
			}
			return e.print(map[string]any{"dismissed": args[0]}, "Dismissed: it is refused for good.")
		}),
	}
}
