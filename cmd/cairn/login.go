package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// loginCommand returns `cairn login`.
func loginCommand(e *environment) *cobra.Command {
	var l login
	c := &cobra.Command{
		Use:   "login [--code CODE | --email EMAIL | --token]",
		Short: "Sign this command line in: in your browser, or with a one-time code, a password or a token",
		Long: `Sign this command line in. It prints an address and a code: open the one in a browser on any
machine, sign in there as usual, and enter the other. Elsewhere give a one-time code: that of
the first administrator, which the server prints at its start, or one that an administrator
made with cairn user code. With --email alone it asks for your password, or reads it from
standard input. With --token you give a token that was made for you, at the prompt or on
standard input. The token is kept in the keyring of this machine, else in your configuration
folder, readable by you alone, and presented to this server and to no other. cairn logout
removes it, and revokes it if login has made it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.check(); err != nil {
				return err
			}
			settings, err := e.settings()
			if err != nil {
				return err
			}
			l.url = serverURL(settings)
			err = l.run(cmd.Context(), e)
			if err == nil && settings.Token.Set() {
				e.note("CAIRN_TOKEN is set and goes first: unset it to use this token.")
			}
			return advise(err, l.advice())
		},
	}
	c.Flags().StringVar(&l.code, "code", "", "the one-time code")
	c.Flags().StringVar(&l.email, "email", "", "your e-mail address: without a code, or as the first administrator")
	c.Flags().BoolVar(&l.given, "token", false, "keep a token that was made for you")
	c.Flags().StringVar(&l.name, "name", "", "what the token is called (default: cairn login and this machine's name)")
	c.Flags().StringVar(&l.ttl, "ttl", "720h", "how long the token is valid, 1m to 8784h")
	return c
}

// login is what a person asks for.
type login struct {
	url, code, email, name, ttl string
	given                       bool // a token is given
}

// check refuses what the server would refuse after the code was used.
func (l login) check() error {
	if l.given && (l.code != "" || l.email != "") {
		return usageError{errors.New("--token stands alone: a token needs no --code and no --email")}
	}
	if ttl, err := time.ParseDuration(l.ttl); err != nil || ttl < time.Minute || ttl > 366*24*time.Hour {
		return usageError{fmt.Errorf("--ttl is %q; give 1m to 8784h, as in 720h", l.ttl)}
	}
	if len(l.name) > 200 {
		return usageError{errors.New("--name is longer than 200 bytes")}
	}
	return nil
}

// run signs in, makes a token in the session and stores it.
func (l login) run(ctx context.Context, e *environment) error {
	path, err := signedInFile()
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{URL: l.url, HTTPClient: newSessionClient()})
	if err != nil {
		return err
	}
	if err := canWrite(filepath.Dir(path)); err != nil { // else the code would be used up
		return fmt.Errorf("no token can be kept (set HOME to a folder that you may write to): %w", err)
	}
	if at := encrypted(c.URL()); at.State == "warn" && !onThisMachine(c.URL()) {
		e.note("warning: %s.", at.Message)
	}
	switch {
	case l.given:
		return l.keepGiven(ctx, e, path)
	case l.inBrowserAlone():
		return l.inBrowser(ctx, e, c, path)
	}
	password := ""
	if l.code == "" {
		if password, err = e.secret("Password: "); err != nil {
			return err
		}
	}
	me, err := signInWith(ctx, c, l.code, l.email, password)
	if err != nil {
		return err
	}
	token, err := c.AddToken(ctx, client.TokenRequest{Name: l.called(), Scopes: loginScopes(), TTL: l.ttl})
	if err != nil {
		return fmt.Errorf("you are signed in, but no token could be made: %w", err)
	}
	where, err := e.replaceSignedIn(ctx, path, signedIn{URL: c.URL(), ID: token.ID, Token: token.Secret})
	if err != nil {
		return err
	}
	if err := c.Logout(ctx); err != nil {
		e.note("The session of this command was not ended: %s", terminal.Line(err.Error()))
	}
	return e.printLogin(c.URL(), where, me, token)
}

// inBrowserAlone reports whether nothing was given to sign in with.
func (l login) inBrowserAlone() bool { return !l.given && l.code == "" && l.email == "" }

// advice is for who was not signed in.
func (l login) advice() string {
	if l.inBrowserAlone() {
		return "Begin again with cairn login, or give a one-time code with --code."
	}
	return "The server prints that of the first administrator at its start; others come from cairn user code."
}

// called is the name of the token.
func (l login) called() string { return cmp.Or(l.name, loginName()) }

func loginScopes() []cairn.Scope { return append(cairn.DefaultScopes(), cairn.ScopeAdmin) }

// inBrowser waits until somebody who is signed in in a browser lets this command line in.
func (l login) inBrowser(ctx context.Context, e *environment, c *client.Client, path string) error {
	d, err := c.BeginDevice(ctx, client.DeviceRequest{Name: l.called(), Scopes: loginScopes(), TTL: l.ttl})
	if err != nil {
		return err
	}
	e.note("Open  %s\nEnter %s\n\nWaiting until somebody lets this command line in, for %d minutes.",
		terminal.Line(d.URL), terminal.Line(d.Code), int(time.Until(d.Expires).Round(time.Minute)/time.Minute))
	token, err := c.AwaitDevice(ctx, d)
	if err != nil {
		return err
	}
	in, err := client.New(client.Config{URL: l.url, Token: token.Secret})
	if err != nil {
		return err
	}
	me, err := in.Me(ctx)
	if err != nil {
		return err
	}
	where, err := e.replaceSignedIn(ctx, path, signedIn{URL: c.URL(), ID: token.ID, Token: token.Secret})
	if err != nil {
		return err
	}
	return e.printLogin(c.URL(), where, me, token)
}

// keepGiven keeps a token that somebody has made, when the server takes it.
func (l login) keepGiven(ctx context.Context, e *environment, path string) error {
	text, err := e.secret("Token: ")
	if err != nil {
		return err
	}
	text = strings.TrimSpace(text)
	c, err := client.New(client.Config{URL: l.url, Token: text})
	if err != nil {
		return err
	}
	me, err := c.Me(ctx)
	if err != nil {
		return err
	}
	where, err := e.replaceSignedIn(ctx, path, signedIn{URL: c.URL(), Token: text})
	if err != nil {
		return err
	}
	return e.printLogin(c.URL(), where, me, client.NewToken{})
}

// replaceSignedIn keeps a token in place of the one before, which it revokes, and returns
// where it is.
func (e *environment) replaceSignedIn(ctx context.Context, path string, now signedIn) (string, error) {
	if before, err := readSignedIn(); err == nil {
		if err := before.revoke(ctx); err != nil {
			e.note("The token %s for %s could not be revoked: %s", before.ID, before.URL, err)
		}
		if before.Keyring {
			if err := forgetInKeychain(before.URL); err != nil {
				e.note("The token for %s is still in the keyring: %s", before.URL, err)
			}
		}
	}
	where, err := now.keep(path)
	if err != nil {
		return "", fmt.Errorf("keep the token: %w", err)
	}
	return where, nil
}

func (e *environment) printLogin(url, path string, me client.Me, token client.NewToken) error {
	name := cmp.Or(terminal.Line(me.Email), terminal.Line(me.ID))
	text := fmt.Sprintf("Signed in at %s as %s (%s). The token is kept in %s",
		url, name, terminal.Line(string(me.Role)), path)
	if until := day(&token.ExpiresAt); until != "" {
		text += " until " + until
	}
	text += "."
	if me.Role == cairn.RoleAdmin {
		text += "\nTo sign a browser in: cairn user code " + name
	}
	if me.Email == "" {
		e.note("The account has no e-mail address. Its name in commands is its id, %s.", name)
	}
	return e.print(map[string]any{
		"url": url, "account_id": me.ID, "email": me.Email, "role": me.Role, "token_id": token.ID, "expires_at": token.ExpiresAt, "file": path,
	}, text)
}

// loginName tells a token from those of other machines.
func loginName() string {
	host, err := os.Hostname()
	if err != nil {
		return "cairn login"
	}
	return "cairn login on " + host
}

// logoutCommand returns `cairn logout`.
func logoutCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "Revoke and remove the token of cairn login", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := readSignedIn()
			if errors.Is(err, os.ErrNotExist) {
				return e.print(map[string]any{"signed_out": false}, "There is no token of cairn login.")
			}
			if err != nil {
				return err
			}
			if err := s.revoke(cmd.Context()); err != nil {
				return fmt.Errorf("the token is kept, because %s did not revoke it: %w", s.URL, advise(err, ""))
			}
			path, err := signedInFile()
			if err != nil {
				return err
			}
			if err := s.forget(path); err != nil {
				return fmt.Errorf("the token is revoked, but: %w", err)
			}
			if s.ID == "" {
				e.note("The token was not made by cairn login and is still valid: cairn token revoke ends it.")
			}
			return e.print(map[string]any{"signed_out": true, "url": s.URL}, "Signed out of "+terminal.Line(s.URL)+".")
		},
	}
}

// newSessionClient returns an HTTP client that keeps the session of one server.
func newSessionClient() *http.Client {
	return &http.Client{
		Jar: &sessionJar{}, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// sessionJar returns the cookies of one server to it, also those that are for
// https alone: on its own machine, a server that browsers reach over https is
// signed in to over http.
type sessionJar struct{ cookies []*http.Cookie }

// SetCookies implements http.CookieJar.
func (j *sessionJar) SetCookies(_ *url.URL, cookies []*http.Cookie) { j.cookies = cookies }

// Cookies implements http.CookieJar.
func (j *sessionJar) Cookies(*url.URL) []*http.Cookie { return j.cookies }
