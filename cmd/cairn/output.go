package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// onlyHelps marks the commands that do nothing but say what their sub-commands are.
const onlyHelps = "only helps"

// family returns a command that only has sub-commands.
func family(name, short string, members ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, Annotations: map[string]string{onlyHelps: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(members...)
	return c
}

// screen returns standard output as a place for people.
func (e *environment) screen() *terminal.Screen { return terminal.NewScreen(e.stdout) }

// printReply writes what the server replied, indented. Characters that could
// command a terminal are escaped, which changes nothing for programs.
func (e *environment) printReply(reply json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, reply, "", "  "); err != nil {
		return fmt.Errorf("print the reply: %w", err)
	}
	b.WriteByte('\n')
	_, err := e.stdout.Write(terminal.JSON(b.Bytes()))
	return err
}

// note tells a person something on standard error.
func (e *environment) note(format string, args ...any) {
	fmt.Fprintln(e.stderr, terminal.Clean(fmt.Sprintf(format, args...)))
}

// printList writes a list: as the API gives it, or as a table with a row for
// each item; when there are none, the sentence empty.
func printList[T any](e *environment, l client.List[T], empty string, header []string, row func(T) []string) error {
	if e.json {
		return e.printReply(l.JSON)
	}
	if len(l.Items) == 0 {
		_, err := fmt.Fprintln(e.stdout, empty)
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(header, "\t"))
	for _, item := range l.Items {
		cells := row(item)
		for i := range cells {
			if cells[i] = terminal.Line(cells[i]); cells[i] == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// day returns the date of a time that the server gave; "" when there is none.
func day(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// moment returns date and time to the minute, in UTC.
func moment(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// place returns a title with the path of headings, cleaned. The outermost
// heading is often the title again.
func place(title string, heading []string) string {
	title = terminal.Line(title)
	parts := []string{title}
	for i, h := range heading {
		if h = terminal.Line(h); h != "" && (i > 0 || h != title) {
			parts = append(parts, h)
		}
	}
	if title == "" {
		parts = parts[1:]
	}
	return strings.Join(parts, " › ")
}

// join joins the parts that are not empty with a dot between them.
func join(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " · ")
}

// oneOf refuses a flag's value that is none of those allowed. Empty is allowed.
func oneOf(flag, value string, allowed ...string) error {
	if value == "" {
		return nil
	}
	for _, a := range allowed {
		if value == a {
			return nil
		}
	}
	return usageError{fmt.Errorf("--%s is %q; it can be %s", flag, value, strings.Join(allowed, ", "))}
}

// need refuses a command line that lacks a flag.
func need(flag, value string) error {
	if value == "" {
		return usageError{fmt.Errorf("--%s is missing", flag)}
	}
	return nil
}

// sortedKeys returns the keys of m in order.
func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
