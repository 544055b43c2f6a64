package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/cmd/cairn/internal/clientconfig"
	"github.com/cairnhq/cairn/server"
)

// mcpInstallCommand returns `cairn mcp install`.
func mcpInstallCommand(e *environment) *cobra.Command {
	i := installation{environment: e}
	c := &cobra.Command{
		Use:   "install " + strings.Join(clientconfig.Names(), "|"),
		Short: "Tell an editor or assistant of Cairn: write its configuration",
		Long: `Add Cairn to the MCP servers of an editor or assistant. Its other settings stay as they
are, and the file of before is kept beside it (.before-cairn). No token is written: cairn mcp
uses that of cairn login or of local mode; where CAIRN_TOKEN is all there is, the client is
told to hand it on or to ask for it. With --http the client speaks to the server itself and
signs you in at the identity provider.`,
		Args: cobra.MatchAll(cobra.ExactArgs(1), func(_ *cobra.Command, args []string) error {
			_, err := clientconfig.Find(args[0])
			return err
		}),
		RunE: func(_ *cobra.Command, args []string) error { return i.run(args[0]) },
	}
	c.Flags().BoolVar(&i.dry, "print", false, "print what would be added, and write nothing")
	c.Flags().BoolVar(&i.http, "http", false, "reach the server over HTTP, with OAuth, instead of starting cairn mcp")
	c.Flags().StringVar(&i.name, "name", "cairn", "what the server is called in the client")
	c.Flags().StringVar(&i.file, "file", "", "the configuration file (default: where the client has it)")
	return c
}

// installation is what a person asks for.
type installation struct {
	*environment
	dry, http  bool
	name, file string
}

func (i installation) run(name string) error {
	if i.name == "" || strings.Trim(i.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return usageError{errors.New("--name has letters, digits, - and _ only")}
	}
	c, err := clientconfig.Find(name)
	if err != nil {
		return err
	}
	entry, hint, err := i.entry(c)
	if err != nil {
		return err
	}
	path := i.file
	if path == "" {
		if path, err = c.Path(); err != nil {
			return err
		}
	}
	if i.dry {
		return i.show(c, path, entry)
	}
	changed, backup, err := c.Install(path, entry)
	if err != nil {
		return err
	}
	if hint != "" {
		i.note("%s", hint)
	}
	reply := map[string]any{"client": c.Name, "file": path, "changed": changed, "backup": backup}
	text := fmt.Sprintf("%s knows Cairn already (%s).", c.Label, path)
	if changed {
		text = fmt.Sprintf("%s knows Cairn now (%s). Start it anew, or reload its window.", c.Label, path)
		if backup != "" {
			text += "\nThe file of before is " + backup + "."
		}
	}
	return i.print(reply, text)
}

// show prints what would be added to an empty file.
func (i installation) show(c clientconfig.Client, path string, entry clientconfig.Entry) error {
	text, err := c.Edit(nil, entry)
	if err != nil {
		return err
	}
	if i.json {
		return i.printJSON(map[string]any{"client": c.Name, "file": path, "text": string(text)})
	}
	i.note("For %s:", path)
	_, err = i.stdout.Write(text)
	return err
}

// entry returns how the client starts or reaches Cairn, and what the person has to do
// beside it.
func (i installation) entry(c clientconfig.Client) (e clientconfig.Entry, hint string, err error) {
	settings, err := i.settings()
	if err != nil {
		return e, "", err
	}
	if i.http {
		return clientconfig.Entry{Name: i.name, URL: strings.TrimRight(serverURL(settings), "/") + "/mcp"}, "", nil
	}
	program, err := os.Executable()
	if err != nil {
		return e, "", fmt.Errorf("where this program is: %w", err)
	}
	e = clientconfig.Entry{Name: i.name, Command: program, Args: []string{"mcp"}, Env: map[string]string{}}
	if i.config != "" {
		file, err := filepath.Abs(i.config)
		if err != nil {
			return e, "", err
		}
		e.Args = append(e.Args, "--config", file)
	}
	usual := server.DefaultSettings()
	if url := serverURL(settings); url != usual.URL {
		e.Env["CAIRN_URL"] = url
	}
	if settings.DataDir != usual.DataDir && onThisMachine(serverURL(settings)) {
		if e.Env["CAIRN_DATA_DIR"], err = filepath.Abs(settings.DataDir); err != nil {
			return e, "", err
		}
	}
	e.Token, hint = credential(settings, c)
	return e, hint, nil
}

// credential returns whether the client is to hand on CAIRN_TOKEN, because there is nothing
// else, and what the person has to do.
func credential(s server.Settings, c clientconfig.Client) (token bool, hint string) {
	given := s.Token.Set()
	s.Token = server.Secret{}
	held, why := accessToken(s)
	switch {
	case held != "":
		return false, ""
	case given && c.Hands:
		return true, c.Label + " hands CAIRN_TOKEN on, or asks for it: set it where " + c.Label + " is started. Or sign in with cairn login, and install again."
	}
	return false, "Sign in before you use it. " + why
}
