package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// slackCommand returns `cairn slack`.
func slackCommand(e *environment) *cobra.Command {
	return family("slack", "Who somebody in Slack is: list, approve, remove",
		slackListCommand(e), slackApproveCommand(e), slackRemoveCommand(e))
}

func slackListCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who was approved in Slack", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			l, err := c.SlackPeople(ctx)
			if err != nil {
				return err
			}
			return printList(e, l, "Nobody was approved by hand. People with addresses in CAIRN_SLACK_DOMAINS need not be.",
				[]string{"WORKSPACE", "EMAIL IN SLACK", "ACCOUNT", "BY", "AT"}, func(p client.SlackPerson) []string {
					return []string{p.Workspace, p.Email, p.User.Email, p.ApprovedBy, moment(&p.ApprovedAt)}
				})
		}),
	}
}

func slackApproveCommand(e *environment) *cobra.Command {
	var workspace, user string
	c := &cobra.Command{
		Use: "approve EMAIL", Short: "Answer somebody in Slack as an account",
		Long: `Answer somebody in Slack as an account: a full member of the workspace whom Slack has confirmed
the address EMAIL for. What was said of the address before is replaced. People with addresses
in CAIRN_SLACK_DOMAINS need not be approved: they are the accounts with their addresses.`,
		Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			user := cmp.Or(user, args[0])
			p, err := c.ApproveSlackPerson(ctx, workspace, args[0], user)
			if err != nil {
				return missing(err, "account", user)
			}
			if e.json {
				return e.printReply(p.JSON)
			}
			e.screen().Printf("%s in %s is answered as %s.\n", terminal.Line(p.Email), terminal.Line(p.Workspace), terminal.Line(p.User.Email))
			return nil
		}),
	}
	c.Flags().StringVar(&user, "user", "", "address or id of the account (default: the one with the same address)")
	return inWorkspace(c, &workspace)
}

func slackRemoveCommand(e *environment) *cobra.Command {
	var workspace string
	c := &cobra.Command{
		Use: "remove EMAIL", Short: "Take what was approved back", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.RemoveSlackPerson(ctx, workspace, args[0]); err != nil {
				return missing(err, "person in Slack", args[0])
			}
			return e.print(map[string]any{"removed": args[0]}, "Removed: nobody in the workspace is answered by this, unless CAIRN_SLACK_DOMAINS says so.")
		}),
	}
	return inWorkspace(c, &workspace)
}

// inWorkspace gives a command the flag that names the workspace.
func inWorkspace(c *cobra.Command, workspace *string) *cobra.Command {
	c.Flags().StringVar(workspace, "workspace", "", "id of the workspace, such as T0123ABCD")
	_ = c.MarkFlagRequired("workspace") // the flag exists
	return c
}
