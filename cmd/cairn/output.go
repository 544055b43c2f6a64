package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
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

// printList writes a list: as the API gives it, or as a table with a row for each item
// or, where that is wider than the terminal, as one line for each fact of an item; when
// there are none, the sentence empty.
func printList[T any](e *environment, l client.List[T], empty string, header []string, row func(T) []string) error {
	if e.json {
		return e.printReply(l.JSON)
	}
	if len(l.Items) == 0 {
		_, err := fmt.Fprintln(e.stdout, empty)
		return err
	}
	rows := make([][]string, len(l.Items))
	for i, item := range l.Items {
		rows[i] = row(item)
		for j, cell := range rows[i] {
			rows[i][j] = cmp.Or(terminal.Line(cell), "-")
		}
	}
	text := table(append([][]string{header}, rows...))
	columns := e.screen().Columns
	if columns > 0 && slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool { return terminal.Width(line) > columns }) {
		text = facts(header, rows)
	}
	_, err := io.WriteString(e.stdout, text)
	return err
}

// table returns rows of cells in columns.
func table(rows [][]string) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a Builder takes everything
	return out.String()
}

// facts returns rows of cells one below the other, each with its heading.
func facts(header []string, rows [][]string) string {
	var all []string
	for _, cells := range rows {
		pairs := make([][]string, len(cells))
		for i, cell := range cells {
			pairs[i] = []string{header[i], cell}
		}
		all = append(all, table(pairs))
	}
	return strings.Join(all, "\n")
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
