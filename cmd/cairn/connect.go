package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth"
)

// online makes a command of what asks a server: it connects, and adds to an
// error what the person can do.
func (e *environment) online(do func(ctx context.Context, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		settings, err := e.settings()
		if err != nil {
			return err
		}
		token, why := accessToken(settings)
		c, err := client.New(client.Config{URL: serverURL(settings), Token: token})
		if err != nil {
			return err
		}
		return advise(do(cmd.Context(), c, args), why)
	}
}

// serverURL returns where the server is: CAIRN_URL or, when only CAIRN_ADDR was
// changed, the address on which a server with these settings listens.
func serverURL(s server.Settings) string {
	usual := server.DefaultSettings()
	if s.URL == usual.URL && s.Addr != usual.Addr {
		return ownURL(s)
	}
	return s.URL
}

// ownURL returns the address of the server of these settings on this machine.
func ownURL(s server.Settings) string {
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return s.URL
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	return "http://" + net.JoinHostPort(host, port)
}

// onThisMachine reports whether an address can only be this machine's.
func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// accessToken returns the token to present: CAIRN_TOKEN, or that of cairn login
// to the server that it is for, or, to a server on this machine and to no other,
// that of its local mode. When there is none, why says how to get one.
func accessToken(s server.Settings) (token, why string) {
	if s.Token.Set() {
		return strings.TrimSpace(s.Token.Reveal()), "The token in CAIRN_TOKEN was sent; cairn token create makes another."
	}
	if kept, err := readSignedInFile(); err == nil && kept.isFor(serverURL(s)) {
		if kept, err = kept.unlocked(); err != nil {
			return "", "No token was sent: " + err.Error() + "."
		}
		return kept.Token, "The token of cairn login was sent; sign in again with cairn login, or remove it with cairn logout."
	}
	const make = "sign in with cairn login, or set CAIRN_TOKEN to a token, which an administrator makes with cairn token create --user YOUR-ADDRESS"
	if !onThisMachine(serverURL(s)) {
		return "", "No token was sent: " + make + "."
	}
	path := filepath.Join(s.DataDir, auth.LocalTokenFile)
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		return strings.TrimSpace(string(b)), "The token in " + path + " was sent. If the server has another data directory, set CAIRN_DATA_DIR to it; else " + make + "."
	case errors.Is(err, fs.ErrPermission):
		return "", "No token was sent, because " + path + " belongs to another user: run this as that user, or " + make + "."
	}
	return "", "No token was sent, because there is no " + path + ": set CAIRN_DATA_DIR to the server's data directory, or " + make + "."
}

// missing says what was not found, because the server says only that something
// was not: whatever may not be seen answers like what does not exist.
func missing(err error, what, name string) error {
	if !errors.Is(err, cairn.ErrNotFound) {
		return err
	}
	return advised{err, fmt.Sprintf("there is no %s %q that you may see", what, terminal.Line(name))}
}

// notPushed is missing for a source that somebody pushes to.
func notPushed(err error, source string) error {
	if !errors.Is(err, cairn.ErrNotFound) {
		return err
	}
	return advised{err, fmt.Sprintf("there is no source %q that you may push to: check its name, and that its setting writers has your account (cairn source test tells)", terminal.Line(source))}
}

// advised is an error that says what to do about it.
type advised struct {
	error
	message string
}

func (a advised) Error() string { return a.message }
func (a advised) Unwrap() error { return a.error }

// advise adds to an error of the server what to do, and makes what it quotes
// harmless to print.
func advise(err error, why string) error {
	if err == nil || errors.Is(err, errNothingFound) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return advised{err, "interrupted"}
	}
	message := terminal.Line(err.Error())
	switch {
	case errors.Is(err, cairn.ErrUnauthenticated):
		message += ". " + why
	case errors.Is(err, cairn.ErrDenied):
		message += ". Ask an administrator, or use a token that may: cairn token create --scope …"
	}
	return advised{err, message}
}
