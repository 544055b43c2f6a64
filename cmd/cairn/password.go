package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
	"github.com/cairnhq/cairn/server/auth/password"
)

// passwordCommand returns `cairn password`.
func passwordCommand(e *environment) *cobra.Command {
	var code, email string
	c := &cobra.Command{
		Use:   "password --code CODE | --email EMAIL",
		Short: "Set the password with which you sign in",
		Long: `Set the password with which you sign in, where the server has passwords. You say who you
are with a one-time code or, with --email, with the password until now. Passwords are typed
at the terminal, or read from standard input, one a line: the one until now, then the new one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if code == "" && email == "" {
				return usageError{errors.New("--code is missing, or --email to give the password until now")}
			}
			settings, err := e.settings()
			if err != nil {
				return err
			}
			c, err := client.New(client.Config{URL: serverURL(settings), HTTPClient: newSessionClient()})
			if err != nil {
				return err
			}
			return advise(e.setPassword(cmd.Context(), c, code, email), "An administrator makes a one-time code with cairn user code.")
		},
	}
	c.Flags().StringVar(&code, "code", "", "a one-time code")
	c.Flags().StringVar(&email, "email", "", "your e-mail address")
	return c
}

// setPassword asks for what is needed, signs in, sets the password and signs out.
func (e *environment) setPassword(ctx context.Context, c *client.Client, code, email string) error {
	current := ""
	var err error
	if code == "" {
		if current, err = e.secret("Password until now: "); err != nil {
			return err
		}
	}
	next, err := e.newPassword(email)
	if err != nil {
		return err
	}
	me, err := signInWith(ctx, c, code, email, current)
	if err != nil {
		return err
	}
	if err := c.SetPassword(ctx, current, next); err != nil {
		return errors.Join(err, c.Logout(ctx))
	}
	if err := c.Logout(ctx); err != nil {
		e.note("The session of this command was not ended: %s", terminal.Line(err.Error()))
	}
	return e.print(map[string]any{"account_id": me.ID, "email": me.Email},
		fmt.Sprintf("The password of %s is set. Other sessions of the account have ended.", terminal.Line(me.Email)))
}

// newPassword asks for a password that the server will take: before a code is used.
func (e *environment) newPassword(email string) (string, error) {
	next, err := e.secret(fmt.Sprintf("New password (%d characters or more): ", password.MinCharacters))
	if err != nil {
		return "", err
	}
	if err := password.Check(next, email); err != nil {
		return "", err
	}
	if !terminal.IsTerminal(e.stdin) {
		return next, nil
	}
	again, err := e.secret("The same again: ")
	if err == nil && again != next {
		err = errors.New("the two are not the same; nothing was changed")
	}
	return next, err
}

// signInWith signs in with a code or, without one, with an address and a password.
func signInWith(ctx context.Context, c *client.Client, code, email, text string) (client.Me, error) {
	if code != "" {
		return c.Login(ctx, code, email)
	}
	return c.LoginWithPassword(ctx, email, text)
}

// secret asks for a text that is not shown while it is typed.
func (e *environment) secret(prompt string) (string, error) {
	onScreen := terminal.IsTerminal(e.stdin)
	if onScreen {
		fmt.Fprint(e.stderr, prompt)
	}
	text, err := terminal.ReadSecret(e.stdin)
	if onScreen {
		fmt.Fprintln(e.stderr)
	}
	if err != nil {
		return "", fmt.Errorf("read a password from standard input: %w", err)
	}
	return text, nil
}

// userResetCommand returns `cairn user reset`.
func userResetCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "reset EMAIL", Short: "Remove an account's password, end its sessions and print a new code", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.ResetPassword(ctx, args[0]); err != nil {
				return missing(err, "account", args[0])
			}
			code, err := c.SignInCode(ctx, args[0])
			if err != nil {
				return fmt.Errorf("the password is removed, but there is no code (%w); cairn user code %s makes one", err, args[0])
			}
			if e.json {
				return e.printReply(code.JSON)
			}
			e.screen().Printf("%s has no password and no sessions any more; tokens stay (cairn token list --all).\n", terminal.Line(args[0]))
			e.printCode(c, code)
			return nil
		}),
	}
}
