package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// tokenCommand returns `cairn token`.
func tokenCommand(e *environment) *cobra.Command {
	return family("token", "Bearer tokens for programs and this command line: create, list, revoke",
		tokenCreateCommand(e), tokenListCommand(e), tokenRevokeCommand(e))
}

func tokenCreateCommand(e *environment) *cobra.Command {
	var req client.TokenRequest
	var scopes []string
	var code string
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a token and print its secret, this once",
		Long: `Make a token. The secret is printed on standard output, this once; all else goes to standard
error, so that TOKEN=$(cairn token create --user ann@example.com) works.

It ends with the token that this command line uses, at the latest: when that expires or is
revoked, as by cairn logout and the next cairn login. For one that is to last, as of a program,
sign in for this command alone with a code of yours (cairn user code): --code CODE.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, s := range scopes {
				if err := oneOf("scope", s, "search", "ask", "read", "write", "scim", "admin"); err != nil {
					return err
				}
				req.Scopes = append(req.Scopes, cairn.Scope(s))
			}
			if _, err := time.ParseDuration(req.TTL); req.TTL != "" && err != nil {
				return usageError{fmt.Errorf("--ttl is %q; write it as in 720h", req.TTL)}
			}
			create := func(ctx context.Context, c *client.Client, _ []string) error { return e.createToken(ctx, c, req) }
			if code == "" {
				return e.online(create)(cmd, args)
			}
			return e.inSession(cmd.Context(), code, create)
		},
	}
	c.Flags().StringVar(&code, "code", "", "sign in with this one-time code for this command alone, so that the token lasts")
	c.Flags().StringVar(&req.User, "user", "", "whose token it is: e-mail address or id (default: your own)")
	c.Flags().StringVar(&req.Name, "name", "", "what it is for")
	c.Flags().StringSliceVar(&scopes, "scope", nil, "search, ask, read, write, scim or admin; may be repeated (default search, ask, read)")
	c.Flags().StringVar(&req.TTL, "ttl", "", "how long it is valid, as in 720h (default 2160h, at most 8784h)")
	return c
}

// createToken makes a token and prints its secret.
func (e *environment) createToken(ctx context.Context, c *client.Client, req client.TokenRequest) error {
	t, err := c.AddToken(ctx, req)
	if err != nil {
		return missing(err, "account", req.User)
	}
	if e.json {
		return e.printReply(t.JSON)
	}
	if asked, err := time.ParseDuration(cmp.Or(req.TTL, "2160h")); err == nil && t.ExpiresAt.Sub(t.CreatedAt) < asked-time.Minute {
		e.note("It ends with the token by which it was made: see --code in cairn token create --help.")
	}
	e.note("Token %s for %s, until %s. It is shown this once:", terminal.Line(t.ID), scopeNames(t.Scopes), moment(&t.ExpiresAt))
	_, err = fmt.Fprintln(e.stdout, terminal.Line(t.Secret))
	return err
}

// inSession calls do with a client that is signed in with a one-time code until it returns.
func (e *environment) inSession(ctx context.Context, code string, do func(context.Context, *client.Client, []string) error) error {
	settings, err := e.settings()
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{URL: serverURL(settings), HTTPClient: newSessionClient()})
	if err != nil {
		return err
	}
	if _, err := c.Login(ctx, code, ""); err != nil {
		return advise(err, "cairn user code makes another code.")
	}
	err = do(ctx, c, nil)
	if err := c.Logout(ctx); err != nil {
		e.note("The session of this command was not ended: %s", terminal.Line(err.Error()))
	}
	return err
}

func scopeNames(scopes []cairn.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return terminal.Line(strings.Join(names, ", "))
}

func tokenListCommand(e *environment) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List your tokens", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			l, err := c.Tokens(ctx, all)
			if err != nil {
				return err
			}
			return printList(e, l, "There are no tokens. Make one with: cairn token create --user EMAIL",
				[]string{"ID", "NAME", "SCOPES", "STATE", "LAST USED", "ACCOUNT"}, tokenRow)
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "those of everybody (administrators)")
	return c
}

func tokenRow(t client.Token) []string {
	state := "until " + day(&t.ExpiresAt)
	switch {
	case t.RevokedAt != nil:
		state = "revoked " + day(t.RevokedAt)
	case time.Now().After(t.ExpiresAt):
		state = "expired " + day(&t.ExpiresAt)
	}
	return []string{t.ID, t.Name, scopeNames(t.Scopes), state, moment(t.LastUsedAt), t.AccountID}
}

func tokenRevokeCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke a token: it is refused from now on", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.RevokeToken(ctx, args[0]); err != nil {
				return missing(err, "token", args[0])
			}
			return e.print(map[string]any{"id": args[0], "revoked": true}, terminal.Line(args[0])+" is revoked.")
		}),
	}
}
