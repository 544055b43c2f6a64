package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// secretCommand returns `cairn secret`.
func secretCommand(e *environment) *cobra.Command {
	return family("secret", "How the secret settings of sources are kept", secretRotateCommand(e))
}

func secretRotateCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Seal all secret settings with a new key",
		Long: `Seal all secret settings of sources with a new key. Cairn makes it where it made the first
one; where CAIRN_SECRET_KEY_FILE or CAIRN_SECRET_KEY provides the keys, put the new one before
the others and give it to every server first. Older keys are kept for older backups: remove
their lines when there are none. Sources can be read and changed meanwhile.`,
		Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			r, err := c.RotateSecrets(ctx)
			if err != nil {
				return err
			}
			if e.json {
				err = e.printReply(r.JSON)
			} else {
				e.screen().Printf("%d secrets are sealed with the key %s now.\n", r.Sealed, terminal.Line(r.Key))
			}
			if err == nil && r.Lost > 0 {
				err = fmt.Errorf("%d secrets cannot be opened, because their key is gone: set them anew with cairn source set NAME --secret", r.Lost)
			}
			return err
		}),
	}
}

// maxSecretFile is more than any key has.
const maxSecretFile = 64 << 10

// secretValues reads what --secret gives: name=FILE, name=- for standard input, or name
// alone to be asked. A line end at the end of a file of one line is left out.
func (e *environment) secretValues(given []string, into map[string]string) error {
	for _, g := range given {
		name, file, named := strings.Cut(g, "=")
		if name = strings.TrimSpace(name); name == "" || named && file == "" {
			return usageError{fmt.Errorf("--secret %q: write it as name=FILE, name=- for standard input, or name to be asked", g)}
		}
		if _, twice := into[name]; twice {
			return usageError{fmt.Errorf("the setting %s is given twice", name)}
		}
		value, err := e.secretValue(name, file)
		if err != nil {
			return err
		}
		if value == "" {
			return fmt.Errorf("the secret %s is empty", name)
		}
		into[name] = value
	}
	return nil
}

func (e *environment) secretValue(name, file string) (string, error) {
	var from io.Reader
	switch file {
	case "":
		return e.secret(name + ": ")
	case "-":
		from = e.stdin
	default:
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read the secret %s: %w", name, err)
		}
		defer f.Close()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxSecretFile+1))
	if err == nil && len(b) > maxSecretFile {
		err = errors.New("it is too long")
	}
	if err != nil {
		return "", fmt.Errorf("read the secret %s: %w", name, err)
	}
	if text := strings.TrimRight(string(b), "\r\n"); !strings.Contains(text, "\n") {
		return text, nil
	}
	return string(b), nil // a key of several lines, with the end that its format asks for
}
