package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// groupCommand returns `cairn group`.
func groupCommand(e *environment) *cobra.Command {
	return family("group", "Groups that Cairn keeps itself: add, fill, list, remove",
		groupAddCommand(e), groupSetCommand(e), groupListCommand(e), groupRemoveCommand(e))
}

func (e *environment) printGroup(g client.Group) error {
	if e.json {
		return e.printReply(g.JSON)
	}
	within := ""
	if n := len(g.Groups); n > 0 {
		within = fmt.Sprintf(" and %d groups", n)
	}
	e.screen().Printf("%s has %d members%s. In an ACL it is %s\n", terminal.Line(g.Name), len(g.Members), within, terminal.Line(g.Principal))
	return nil
}

func groupAddCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "add NAME", Short: "Add a group without members", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			g, err := c.AddGroup(ctx, args[0])
			if err != nil {
				return err
			}
			return e.printGroup(g)
		}),
	}
}

func groupSetCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "set NAME EMAIL… group:DIRECTORY:NAME…", Short: "Say who belongs to a group; without anybody it is emptied",
		Long: `Say who belongs to a group: people by their addresses, and the members of other groups, as
group:cairn:hr or group:scim:Engineering. Without anybody it is emptied.`,
		Args: cobra.MinimumNArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			g, err := c.SetGroup(ctx, args[0], args[1:])
			if errors.Is(err, cairn.ErrNotFound) {
				return advised{err, "there is no group, or no account or group to belong to it, of these names that you may see: " + terminal.Line(strings.Join(args, ", "))}
			}
			if err != nil {
				return err
			}
			return e.printGroup(g)
		}),
	}
}

func groupListCommand(e *environment) *cobra.Command {
	var directory string
	c := &cobra.Command{
		Use: "list", Short: "List the groups", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			l, err := c.Groups(ctx, directory)
			if err != nil {
				return err
			}
			empty := "There are no groups. Add one with: cairn group add NAME"
			if directory != "" {
				empty = "There are no groups in the directory " + terminal.Line(directory) + "."
			}
			return printList(e, l, empty, []string{"NAME", "PRINCIPAL", "MEMBERS"}, groupRow)
		}),
	}
	c.Flags().StringVar(&directory, "directory", "", "whose groups: scim, oidc, or the name of a source (default: those kept here)")
	return c
}

// shownMembers is how many members stand in a row.
const shownMembers = 5

func groupRow(g client.Group) []string {
	all := slices.Clone(g.Groups)
	for _, m := range g.Members {
		all = append(all, m.Email)
	}
	members := all[:min(len(all), shownMembers)]
	if n := len(all) - len(members); n > 0 {
		members = append(members, fmt.Sprintf("and %d more", n))
	}
	return []string{g.Name, g.Principal, strings.Join(members, ", ")}
}

func groupRemoveCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Short: "Remove a group, and what it let its members read", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.DeleteGroup(ctx, args[0]); err != nil {
				return missing(err, "group", args[0])
			}
			return e.print(map[string]any{"name": args[0], "deleted": true}, terminal.Line(args[0])+" is removed.")
		}),
	}
}
