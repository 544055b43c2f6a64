package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// sourceCommand returns `cairn source`.
func sourceCommand(e *environment) *cobra.Command {
	return family("source", "Where documents come from: add, change, list, show, test, remove",
		sourceAddCommand(e), sourceSetCommand(e), sourceListCommand(e), sourceShowCommand(e), sourceTestCommand(e), sourceErrorsCommand(e), sourceRemoveCommand(e))
}

func sourceAddCommand(e *environment) *cobra.Command {
	var name, acl string
	var set, secret []string
	c := &cobra.Command{
		Use:   "add KIND --name NAME [--set key=value …] [--secret key=FILE …] [--acl source|private|everyone|group:cairn:NAME]",
		Short: "Add a source",
		Long: `Add a source. It is read with cairn sync.

--acl says who may read its documents: "source", as the source itself says (the default where
it can tell); "private", you alone (the default elsewhere); "everyone" who is signed in; a
principal such as group:cairn:finance or user:ann@example.com; or a whole ACL as JSON.

Secret settings, such as tokens, are kept encrypted and never shown. --secret reads one from a
file, from standard input (token=-), or asks for it (token), so that it does not stay in the
shell's history.`,
		Example: `  cairn source add files --name handbook --set path=~/handbook --acl everyone
  cairn source add push --name tickets --set writers=importer@example.com`,
		Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := need("name", name); err != nil {
				return err
			}
			settings, err := keyValues(set)
			if err != nil {
				return err
			}
			if err := e.secretValues(secret, settings); err != nil {
				return err
			}
			if onThisMachine(c.URL()) {
				if err := resolvePaths(args[0], settings); err != nil {
					return err
				}
			}
			req := client.SourceRequest{Name: name, Kind: args[0], Settings: settings}
			if req.ACL, err = aclChoice(acl); err != nil {
				return err
			}
			s, err := c.AddSource(ctx, req)
			if err != nil {
				return err
			}
			if e.json {
				return e.printReply(s.JSON)
			}
			e.printSource(s)
			return nil
		}),
	}
	c.Flags().StringVar(&name, "name", "", "name of the source: a-z, 0-9 and -")
	c.Flags().StringArrayVar(&set, "set", nil, "a setting, as in path=/srv/handbook; may be repeated")
	c.Flags().StringArrayVar(&secret, "secret", nil, "a secret setting from a file, as in token=FILE; - is standard input; may be repeated")
	c.Flags().StringVar(&acl, "acl", "", "who may read it (see above)")
	return c
}

// keyValues reads key=value.
func keyValues(set []string) (map[string]string, error) {
	out := make(map[string]string, len(set))
	for _, s := range set {
		key, value, ok := strings.Cut(s, "=")
		if key = strings.TrimSpace(key); !ok || key == "" {
			return nil, usageError{fmt.Errorf("--set %q: write it as key=value", s)}
		}
		if _, twice := out[key]; twice {
			return nil, usageError{fmt.Errorf("--set %s is given twice", key)}
		}
		out[key] = value
	}
	return out, nil
}

// resolvePaths makes paths of the caller's folder absolute, because a server on
// the same machine has another one. Of other kinds only local addresses of
// repositories are touched, and only those that can be nothing else.
func resolvePaths(kind string, settings map[string]string) error {
	key := map[string]string{"files": "path", "git": "url"}[kind]
	value := settings[key]
	if value == "" || filepath.IsAbs(value) {
		return nil
	}
	if kind != "files" && value != "." && !strings.HasPrefix(value, "./") && !strings.HasPrefix(value, "../") && !strings.HasPrefix(value, "~/") {
		return nil
	}
	if value == "~" || strings.HasPrefix(value, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return fmt.Errorf("expand %s: %w", value, err)
		}
		value = filepath.Join(home, strings.TrimPrefix(value, "~"))
	}
	absolute, err := filepath.Abs(value)
	if err != nil {
		return fmt.Errorf("make %s absolute: %w", value, err)
	}
	settings[key] = absolute
	return nil
}

// aclChoice returns --acl as the API takes it.
func aclChoice(acl string) (json.RawMessage, error) {
	switch {
	case acl == "":
		return nil, nil
	case strings.HasPrefix(strings.TrimSpace(acl), "{"):
		if !json.Valid([]byte(acl)) {
			return nil, usageError{errors.New(`--acl is no JSON; write it as in {"allow":[["group:cairn:finance"]]}`)}
		}
		return json.RawMessage(acl), nil
	}
	return json.Marshal(acl)
}

// printSource shows a source that was added.
func (e *environment) printSource(s client.Source) {
	out := e.screen()
	out.Printf("%s (%s) is added.\n", out.Bold(terminal.Line(s.Name)), terminal.Line(s.Kind))
	for _, key := range sortedKeys(s.Settings) {
		out.Printf("  %s = %s\n", terminal.Line(key), terminal.Line(s.Settings[key]))
	}
	for _, key := range s.Secrets {
		out.Printf("  %s is set, and kept encrypted\n", terminal.Line(key))
	}
	out.Printf("  acl: %s\n\n", terminal.Line(aclInWords(s)))
	if s.Kind == "push" {
		out.Printf("Bring documents with: cairn doc put --source %s --id ID FILE\n", terminal.Line(s.Name))
		out.Printf("Programs bring them with a token of scope write: docs/push.md\n")
		return
	}
	out.Printf("Read it with: cairn sync %s --wait\n", terminal.Line(s.Name))
	if s.NextRunAt != nil {
		out.Printf("The server reads it by itself (schedule %s), first at %s.\n", terminal.Line(s.Schedule), moment(s.NextRunAt))
	}
}

// aclInWords says who may read a source's documents.
func aclInWords(s client.Source) string {
	switch {
	case s.ACLMode == cairn.ACLFromSource:
		return "source (whoever may read a document there)"
	case s.ACL == nil || len(s.ACL.Allow) == 0:
		return ""
	}
	var clauses []string
	for _, clause := range s.ACL.Allow {
		clauses = append(clauses, principals(clause))
	}
	words := strings.Join(clauses, " and ")
	switch {
	case len(s.ACL.Allow) == 1 && len(s.ACL.Allow[0]) == 1 && s.ACL.Allow[0][0] == cairn.Everyone:
		words = "everyone (who is signed in)"
	case len(s.ACL.Allow) == 1 && s.Owner != "" && words == string(cairn.AccountKey(cairn.AccountID(s.Owner))):
		words = "private (whoever added it: " + words + ")"
	}
	if len(s.ACL.Deny) > 0 {
		words += ", but not " + principals(s.ACL.Deny)
	}
	return words
}

func principals(keys []cairn.PrincipalKey) string {
	var out []string
	for _, k := range keys {
		out = append(out, string(k))
	}
	if len(out) == 0 {
		return "nobody"
	}
	return strings.Join(out, " or ")
}

func sourceListCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the sources", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			l, err := c.Sources(ctx)
			if err != nil {
				return err
			}
			return printList(e, l, "There are no sources. Add one with: cairn source add KIND --name NAME",
				[]string{"NAME", "KIND", "DOCUMENTS", "ERRORS", "LAST SYNC", "NEXT SYNC", "ACL"}, sourceRow)
		}),
	}
}

func sourceRow(s client.Source) []string {
	if s.Kind == "" { // the caller is no administrator
		return []string{s.Name, "", "", "", "", "", ""}
	}
	acl, _, _ := strings.Cut(aclInWords(s), " (")
	return []string{s.Name, s.Kind, fmt.Sprint(s.Documents), fmt.Sprint(s.Errors), lastSync(s), nextSync(s, time.Now()), acl}
}

// lastSync says how the last sync of a source has ended, and what is wrong with it.
func lastSync(s client.Source) string {
	last := "never"
	if r := s.LastRun; r != nil {
		last = strings.TrimSpace(string(r.State) + " " + moment(r.FinishedAt))
	}
	if s.Failures > 1 {
		last += fmt.Sprintf(", %d failures", s.Failures)
	}
	if s.Paused {
		last += ", paused"
	}
	if s.Degraded != nil {
		last += ", permissions degraded since " + moment(&s.Degraded.Since)
	}
	return last
}

// nextSync says when a source is synchronised next, without anybody asking.
func nextSync(s client.Source, now time.Time) string {
	switch {
	case s.NextRunAt != nil && !s.NextRunAt.After(now):
		return "now"
	case s.NextRunAt != nil:
		return moment(s.NextRunAt)
	case s.LastRun != nil && !s.LastRun.State.Final():
		return "at work"
	}
	return ""
}

func sourceShowCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show a source: settings, schedule, last and next sync", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			s, err := c.Source(ctx, args[0])
			if err != nil {
				return missing(err, "source", args[0])
			}
			if e.json {
				return e.printReply(s.JSON)
			}
			e.showSource(s, time.Now())
			return nil
		}),
	}
}

// showSource shows everything about a source that is for people.
func (e *environment) showSource(s client.Source, now time.Time) {
	out := e.screen()
	out.Printf("%s", out.Bold(terminal.Line(s.Name)))
	if s.Kind == "" { // the caller is no administrator
		out.Printf("\n")
		return
	}
	out.Printf(" (%s)\n", terminal.Line(s.Kind))
	for _, key := range sortedKeys(s.Settings) {
		out.Printf("  %s = %s\n", terminal.Line(key), terminal.Line(s.Settings[key]))
	}
	for _, key := range s.Secrets {
		out.Printf("  %s is set, and kept encrypted\n", terminal.Line(key))
	}
	out.Printf("  acl: %s\n  documents: %d\n  errors: %d\n", terminal.Line(aclInWords(s)), s.Documents, s.Errors)
	if s.Schedule == "" {
		return
	}
	out.Printf("  schedule: %s\n  last sync: %s\n", terminal.Line(s.Schedule), lastSync(s))
	if next := nextSync(s, now); next != "" {
		out.Printf("  next sync: %s\n", next)
	}
	if r := s.LastRun; r != nil && r.Reason != "" {
		out.Printf("  %s\n", terminal.Line(r.Reason))
	}
	if s.LastRun != nil {
		for _, line := range warningLines(*s.LastRun) {
			out.Printf("  %s\n", line)
		}
	}
	for _, line := range hookLines(s.Webhook) {
		out.Printf("  %s\n", terminal.Line(line))
	}
}

func sourceTestCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "test NAME", Short: "Reach out to a source and read a little", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			result, err := c.TestSource(ctx, args[0])
			if err != nil {
				return missing(err, "source", args[0])
			}
			if e.json {
				err = e.printReply(result.JSON)
			} else if result.OK {
				e.screen().Printf("%s\n", terminal.Line(result.Message))
			}
			if err == nil && !result.OK {
				err = errors.New(result.Message)
			}
			return err
		}),
	}
}

func sourceErrorsCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "errors NAME", Short: "List the documents that could not be indexed", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			l, err := c.DocumentErrors(ctx, args[0], 0)
			if err != nil {
				return missing(err, "source", args[0])
			}
			return printList(e, l, "Every document was indexed.", []string{"DOCUMENT", "CODE", "ATTEMPTS", "LAST", "REASON"},
				func(d client.DocumentError) []string {
					return []string{d.ExternalID, d.Code, fmt.Sprint(d.Attempts), moment(&d.At), d.Reason}
				})
		}),
	}
}

func sourceRemoveCommand(e *environment) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "rm NAME", Short: "Remove a source with everything that came from it", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if !yes && !e.confirm(fmt.Sprintf("Remove the source %s with all its documents?", terminal.Line(args[0]))) {
				return errors.New("nothing was removed")
			}
			r, err := c.DeleteSource(ctx, args[0])
			if err != nil {
				return missing(err, "source", args[0])
			}
			return e.printErased(map[string]any{"name": args[0]}, r, terminal.Line(args[0]))
		}),
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// confirm asks the person at the terminal; where nobody sits, the answer is yes.
func (e *environment) confirm(question string) bool {
	if !terminal.IsTerminal(e.stdin) {
		return true
	}
	fmt.Fprintf(e.stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(e.stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
