package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
	"github.com/cairnhq/cairn/server"
)

// The exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2 // the command line is wrong
	exitNotFound = 3 // nothing was found: search, ask, code
	exitDenied   = 4 // not signed in, or not allowed
)

// environment is what every command has in common.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	config         string            // path of the configuration; empty: the default one
	flags          map[string]string // settings given as flags, by the name of their variable
	json           bool              // one JSON document on standard output
}

// settings reads the configuration.
func (e *environment) settings() (server.Settings, error) {
	return server.LoadSettings(e.config, e.flags)
}

// run executes a command line and returns the exit code. It is the whole
// program but for signals, so that tests can run it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	stdout, stderr = terminal.Guarded(stdout), terminal.Guarded(stderr)
	defer func() { _ = errors.Join(terminal.Flush(stdout), terminal.Flush(stderr)) }() // there is nowhere left to tell
	e := &environment{stdin: stdin, stdout: stdout, stderr: stderr, flags: make(map[string]string)}
	root := rootCommand(e)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitCode(err)
	if !errors.Is(err, errNothingFound) {
		fmt.Fprintln(stderr, "cairn:", terminal.Clean(err.Error()))
	}
	if code == exitUsage {
		fmt.Fprintln(stderr, "Run cairn help for the commands, cairn COMMAND --help for one of them.")
	}
	return code
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// errNothingFound ends a command that worked and found nothing; the command has
// already said so.
var errNothingFound = errors.New("nothing found")

func exitCode(err error) int {
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errNothingFound):
		return exitNotFound
	case errors.Is(err, cairn.ErrDenied), errors.Is(err, cairn.ErrUnauthenticated):
		return exitDenied
	}
	return exitFailed
}

func rootCommand(e *environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "cairn",
		Short: "Answers from your company's documents, every sentence with its source",
		Long: `Cairn answers questions from a company's own documents and code. Every sentence of an
answer points at the passage that supports it, and nobody learns through it what they
may not read at the source.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&e.config, "config", "", "configuration file (default cairn.yaml, if there is one)")
	root.PersistentFlags().BoolVar(&e.json, "json", false, "print one JSON document and nothing else on standard output")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.AddCommand(
		serveCommand(e), migrateCommand(e), versionCommand(e),
		doctorCommand(e), sourceCommand(e), secretCommand(e), syncCommand(e), searchCommand(e), codeCommand(e), askCommand(e), chatCommand(e), documentCommand(e),
		loginCommand(e), logoutCommand(e), passwordCommand(e), userCommand(e), groupCommand(e), tokenCommand(e), modelsCommand(e),
		slackCommand(e), accessCommand(e), grantCommand(e), auditCommand(e), mcpCommand(e), reportCommand(e), indexCommand(e), erasuresCommand(e), evalCommand(e), extractWorkerCommand(e),
		manCommand(e),
	)
	return withUsageErrors(root)
}

// flagError says what can be done about a flag that pflag refuses.
func flagError(err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		err = fmt.Errorf("%w; put -- before words that begin with a minus sign", err)
	case errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "int":
		err = fmt.Errorf("--%s is %q; it is a whole number", invalid.GetFlag().Name, invalid.GetValue())
	case errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "float64":
		err = fmt.Errorf("--%s is %q; it is a number", invalid.GetFlag().Name, invalid.GetValue())
	}
	return usageError{err}
}

// emptyList refuses a list flag with an empty value, which pflag takes for one that
// was not given: a filter would vanish.
func emptyList(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		list, ok := f.Value.(pflag.SliceValue)
		if ok && (len(list.GetSlice()) == 0 || slices.ContainsFunc(list.GetSlice(), blank)) {
			err = fmt.Errorf("--%s is empty; give a value or leave the flag out", f.Name)
		}
	})
	return err
}

// choices makes a flag complete to the values that it can have.
func choices(c *cobra.Command, flag string, values ...string) {
	complete := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	if err := c.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // there is no such flag
	}
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// withUsageErrors makes wrong arguments of c and its sub-commands usage errors.
func withUsageErrors(c *cobra.Command) *cobra.Command {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(emptyList(cmd), check(cmd, args), cmd.ValidateRequiredFlags()); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		withUsageErrors(sub)
	}
	return c
}
