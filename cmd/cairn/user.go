package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// userCommand returns `cairn user`.
func userCommand(e *environment) *cobra.Command {
	return family("user", "Accounts: add, list, disable, erase",
		userAddCommand(e), userListCommand(e), userCodeCommand(e),
		userSwitchCommand(e, "disable", "Disable an account: its sessions and tokens end", true),
		userSwitchCommand(e, "enable", "Enable an account again", false),
		userResetCommand(e), userBindingsCommand(e), userConfirmCommand(e), userDismissCommand(e), userEraseCommand(e))
}

func userAddCommand(e *environment) *cobra.Command {
	var req client.UserRequest
	var role string
	c := &cobra.Command{
		Use: "add EMAIL", Short: "Add an account and print the code with which it signs in once", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := oneOf("role", role, "admin", "auditor", "member"); err != nil {
				return err
			}
			req.Email, req.Role = args[0], cairn.Role(role)
			u, err := c.AddUser(ctx, req)
			if err != nil {
				return err
			}
			code, err := c.SignInCode(ctx, u.ID)
			if err != nil {
				return fmt.Errorf("%s is added, but without a code to sign in (%w); cairn user code %s makes one", u.Email, err, u.Email)
			}
			if e.json {
				return e.printUserWithCode(u, code)
			}
			e.screen().Printf("%s is added (%s).\n", terminal.Line(u.Email), u.Role)
			e.printCode(c, code)
			return nil
		}),
	}
	c.Flags().StringVar(&role, "role", "", "admin, auditor or member (the default)")
	choices(c, "role", "admin", "auditor", "member")
	c.Flags().StringVar(&req.Name, "name", "", "the person's name")
	return c
}

// printUserWithCode joins the two replies in one document.
func (e *environment) printUserWithCode(u client.User, code client.SignInCode) error {
	both := make(map[string]json.RawMessage)
	for _, reply := range []json.RawMessage{code.JSON, u.JSON} {
		if err := json.Unmarshal(reply, &both); err != nil {
			return fmt.Errorf("join the replies: %w", err)
		}
	}
	b, err := json.Marshal(both)
	if err != nil {
		return fmt.Errorf("join the replies: %w", err)
	}
	return e.printReply(b)
}

func (e *environment) printCode(c *client.Client, code client.SignInCode) {
	out := e.screen()
	out.Printf("Sign in at %s/login with the code\n\n  %s\n\n(once, until %s UTC).\n", c.URL(), out.Bold(terminal.Line(code.Code)), moment(&code.ExpiresAt))
}

func userCodeCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "code EMAIL", Short: "Make a new code with which an account signs in once", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			code, err := c.SignInCode(ctx, args[0])
			if err != nil {
				return missing(err, "account", args[0])
			}
			if e.json {
				return e.printReply(code.JSON)
			}
			e.printCode(c, code)
			return nil
		}),
	}
}

func userListCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the accounts", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			l, err := c.Users(ctx)
			if err != nil {
				return err
			}
			return printList(e, l, "There are no accounts.", []string{"EMAIL", "NAME", "ROLE", "STATE", "SINCE", "ID"}, userRow)
		}),
	}
}

func userRow(u client.User) []string {
	state := "active"
	if u.Disabled {
		state = "disabled"
	}
	return []string{u.Email, u.Name, string(u.Role), state, day(&u.CreatedAt), u.ID}
}

// userSwitchCommand returns `cairn user disable` or `enable`.
func userSwitchCommand(e *environment, verb, short string, disabled bool) *cobra.Command {
	return &cobra.Command{
		Use: verb + " EMAIL", Short: short, Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			u, err := c.DisableUser(ctx, args[0], disabled)
			if err != nil {
				return missing(err, "account", args[0])
			}
			if e.json {
				return e.printReply(u.JSON)
			}
			e.screen().Printf("%s is %sd.\n", terminal.Line(u.Email), verb)
			return nil
		}),
	}
}
