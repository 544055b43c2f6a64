package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// grantCommand returns `cairn grant`.
func grantCommand(e *environment) *cobra.Command {
	return family("grant", "Break-glass grants: let somebody read what the permissions deny, for a while",
		grantAddCommand(e), grantListCommand(e), grantRemoveCommand(e))
}

func grantAddCommand(e *environment) *cobra.Command {
	var req client.GrantRequest
	c := &cobra.Command{
		Use:   "add --source NAME|--document ID --reason TEXT [--user USER] [--ttl DURATION]",
		Short: "Let an account read a source or a document for a while",
		Long: `Let an account read every document of a source, or one document, whatever the permissions
say: denials too. It ends by itself. The audit log tells of the grant and of every document
that is shown under it; the reason is kept for auditors.`,
		Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			if (req.Source == "") == (req.DocumentID == "") {
				return usageError{errors.New("name what is granted: either --source or --document")}
			}
			if err := need("reason", req.Reason); err != nil {
				return err
			}
			if _, err := time.ParseDuration(req.TTL); req.TTL != "" && err != nil {
				return usageError{fmt.Errorf("--ttl is %q; write it as in 90m", req.TTL)}
			}
			g, err := c.AddGrant(ctx, req)
			if err != nil {
				return missing(err, "account, source or document", cmp.Or(req.Source, req.DocumentID))
			}
			if e.json {
				return e.printReply(g.JSON)
			}
			e.screen().Printf("%s may read %s until %s.\nGrant %s; to end it before: cairn grant rm %[4]s\n",
				terminal.Line(grantee(g)), terminal.Line(granted(g)), moment(&g.ExpiresAt), terminal.Line(g.ID))
			return nil
		}),
	}
	c.Flags().StringVar(&req.User, "user", "", "who may read: e-mail address or id (default: yourself)")
	c.Flags().StringVar(&req.Source, "source", "", "name of a source, of which every document is granted")
	c.Flags().StringVar(&req.DocumentID, "document", "", "id of one document")
	c.Flags().StringVar(&req.Reason, "reason", "", "why, for auditors")
	c.Flags().StringVar(&req.TTL, "ttl", "", "how long, as in 90m (default 1h, at most 24h)")
	return c
}

// grantee names who holds a grant.
func grantee(g client.Grant) string { return cmp.Or(g.User.Email, g.User.Name, g.User.ID) }

// granted names what a grant lets read.
func granted(g client.Grant) string {
	if g.DocumentID != "" {
		return "document " + g.DocumentID
	}
	return "source " + g.Source
}

func grantListCommand(e *environment) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List the grants that live, newest first", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			l, err := c.Grants(ctx, all)
			if err != nil {
				return err
			}
			return printList(e, l, "There are no grants.", []string{"ID", "USER", "WHAT", "STATE", "BY", "REASON"}, grantRow)
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "those that have ended, too")
	return c
}

func grantRow(g client.Grant) []string {
	state := "until " + moment(&g.ExpiresAt)
	switch {
	case g.RevokedAt != nil:
		state = "revoked " + moment(g.RevokedAt)
	case !g.Lives:
		state = "expired " + moment(&g.ExpiresAt)
	}
	return []string{g.ID, grantee(g), granted(g), state, g.By, g.Reason}
}

func grantRemoveCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "rm ID", Short: "End a grant before its time", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.RevokeGrant(ctx, args[0]); err != nil {
				return missing(err, "grant that lives", args[0])
			}
			return e.print(map[string]any{"id": args[0], "revoked": true}, terminal.Line(args[0])+" is revoked.")
		}),
	}
}
