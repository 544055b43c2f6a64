package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
	"github.com/cairnhq/cairn/server"
)

// finding is what doctor says of one thing.
type finding struct {
	Name    string `json:"name"`
	State   string `json:"state"` // ok, warn or fail
	Message string `json:"message"`
}

func ok(name, format string, args ...any) finding {
	return finding{name, "ok", fmt.Sprintf(format, args...)}
}

func warn(name, format string, args ...any) finding {
	return finding{name, "warn", fmt.Sprintf(format, args...)}
}

func fail(name, format string, args ...any) finding {
	return finding{name, "fail", fmt.Sprintf(format, args...)}
}

// doctorCommand returns `cairn doctor`.
func doctorCommand(e *environment) *cobra.Command {
	var quiet bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check the server and what it needs, and say what to do",
		Long: `Check the server, how this command line reaches it and, where the server belongs on this
machine, what it needs. Each line says ok, warn or fail; a fail ends with exit code 1.

--quiet checks only whether this machine's server is ready, and prints nothing on standard
output: the health check of a container.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := e.settings()
			if quiet {
				if err != nil {
					return err
				}
				return ready(cmd.Context(), settings)
			}
			if err != nil {
				return e.printFindings([]finding{fail("settings", "%v", err)})
			}
			return e.printFindings(examine(cmd.Context(), settings))
		},
	}
	c.Flags().BoolVar(&quiet, "quiet", false, "only the exit code: is this machine's server ready?")
	return c
}

// quietPatience is below the time-out of the container's health check.
const quietPatience = 4 * time.Second

// ready returns nil when the server of this machine can serve requests.
func ready(ctx context.Context, s server.Settings) error {
	address := serverURL(s)
	if !onThisMachine(address) {
		address = ownURL(s)
	}
	c, err := client.New(client.Config{URL: address})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, quietPatience)
	defer cancel()
	return c.Ready(ctx)
}

// examine makes all checks.
func examine(ctx context.Context, s server.Settings) []finding {
	found := []finding{ok("settings", "read")}
	for _, name := range s.Unknown {
		found = append(found, warn("settings", "%s is no setting of Cairn; check its spelling", name))
	}
	token, why := accessToken(s)
	c, err := client.New(client.Config{URL: serverURL(s), Token: token})
	if err != nil {
		return append(found, fail("server", "%v", err))
	}
	found = append(found, examineServer(ctx, c, why)...)
	if !onThisMachine(c.URL()) {
		return append(found, encrypted(c.URL()))
	}
	found = append(found, dataDirectory(s.DataDir), freeSpace(s.DataDir), database(ctx, s))
	if s.OIDC.Issuer != "" {
		found = append(found, identityProvider(ctx, s))
	}
	if s.LLM.Model != "" {
		found = append(found, endpoint(ctx, "model", s.LLM))
	}
	if s.Embed.Model != "" {
		found = append(found, endpoint(ctx, "embedder", s.Embed.ModelSettings))
	}
	return found
}

// printFindings shows the findings; the error says that one of them is a fail.
func (e *environment) printFindings(found []finding) error {
	failed := 0
	for i := range found {
		found[i].Message = terminal.Line(found[i].Message)
		if found[i].State == "fail" {
			failed++
		}
	}
	if e.json {
		b, err := json.Marshal(map[string]any{"ok": failed == 0, "checks": found})
		if err != nil {
			return fmt.Errorf("print the findings: %w", err)
		}
		if err := e.printReply(b); err != nil {
			return err
		}
	} else {
		out := e.screen()
		for _, f := range found {
			state := fmt.Sprintf("%-4s", f.State)
			if f.State != "ok" {
				state = out.Bold(state)
			}
			label := fmt.Sprintf("%s  %-14s  ", state, f.Name)
			if out.Width > 0 && out.Width < 2*terminal.Width(label) {
				out.Printf("%s\n%s\n", strings.TrimSpace(label), terminal.Wrap(f.Message, out.Width, "      "))
				continue
			}
			out.Printf("%s\n", terminal.Item(label, f.Message, out.Width))
		}
	}
	switch failed {
	case 0:
		return nil
	case 1:
		return errors.New("one check failed")
	}
	return fmt.Errorf("%d checks failed", failed)
}
