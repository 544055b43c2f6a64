package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// codeCommand returns `cairn code`.
func codeCommand(e *environment) *cobra.Command {
	req := client.CodeRequest{}
	var symbol, regex, references bool
	c := &cobra.Command{
		Use:   "code QUERY",
		Short: "Search the source code that you may read",
		Long: `Search the source code that you may read, line by line.

Without a flag the query is text as it stands; when it has no capital letter, capitals
match too. With --regex it is a regular expression (RE2), with --symbol the name of
something that is defined (Decode, Decoder.Decode), with --references a name where it is
used. Put it between single quotes, so that the shell leaves it as it is.`,
		Args: cobra.MinimumNArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			req.Query = strings.Join(args, " ")
			if blank(req.Query) {
				return usageError{errors.New("the query is empty; give at least a word")}
			}
			if req.Limit < 1 || req.Limit > 100 {
				return usageError{fmt.Errorf("--limit is %d; it can be 1 to 100", req.Limit)}
			}
			for _, k := range []struct {
				name   string
				chosen bool
			}{{"symbol", symbol}, {"regex", regex}, {"reference", references}} {
				if k.chosen && req.Kind != "" {
					return usageError{errors.New("give one of --symbol, --regex and --references")}
				}
				if k.chosen {
					req.Kind = k.name
				}
			}
			res, err := c.SearchCode(ctx, req)
			if err != nil {
				return err
			}
			if e.json {
				err = e.printReply(res.JSON)
			} else {
				e.printCodeResults(res, req)
			}
			if err == nil && len(res.Results) == 0 {
				err = errNothingFound
			}
			return err
		}),
	}
	f := c.Flags()
	f.StringVar(&req.Repo, "repo", "", "in this repository alone: its name, the last part of it, or a pattern")
	f.StringVar(&req.Path, "path", "", "in these files alone: a pattern such as 'server/**/*.go' or '*_test.go', or a folder")
	f.StringVar(&req.Branch, "branch", "", "in files of this branch alone: its name, or a pattern such as 'release/*'")
	f.StringVar(&req.Lang, "lang", "", "in this language alone, such as go, python, ts")
	f.IntVar(&req.Limit, "limit", 20, "how many results, 1 to 100")
	f.BoolVar(&symbol, "symbol", false, "where something of this name is defined")
	f.BoolVar(&regex, "regex", false, "the query is a regular expression")
	f.BoolVar(&references, "references", false, "where this name is used")
	return c
}

func (e *environment) printCodeResults(res client.CodeResponse, req client.CodeRequest) {
	out := e.screen()
	if len(res.Results) == 0 {
		out.Printf("No code that you may read matches: %s\n", terminal.Line(req.Query))
	}
	for i, r := range res.Results {
		if i > 0 {
			out.Printf("\n")
		}
		printCodeResult(out, r)
	}
	switch {
	case res.Incomplete:
		e.note("Not all was looked at: the time was over, or lines are too long for the expression. Narrow the search by --repo, --path or --lang.")
	case res.More && out.Terminal:
		out.Printf("\n%s\n", out.Dim("There are more: --limit shows up to 100; --repo, --path and --lang narrow the search."))
	}
}

// printCodeResult shows lines of a file under repo/path:L10-L20@commit.
func printCodeResult(out *terminal.Screen, r client.CodeResult) {
	at := fmt.Sprintf("%s/%s:L%d-L%d", r.Repo, r.Path, r.StartLine, r.EndLine)
	if r.Commit != "" {
		at += "@" + r.Commit[:min(len(r.Commit), 12)]
	}
	symbol := ""
	if r.Symbol != "" {
		symbol = "  " + terminal.Line(r.SymbolKind+" "+r.Symbol)
	}
	out.Printf("%s%s\n", out.Bold(terminal.Line(at)), out.Dim(symbol))
	matched := make(map[int]bool, len(r.Matches))
	for _, m := range r.Matches {
		matched[m.Line] = true
	}
	for i, line := range r.Lines {
		n := r.StartLine + i
		mark := " "
		if matched[n] {
			mark = ">"
		}
		text := strings.NewReplacer("\t", "    ", "\n", " ").Replace(terminal.Clean(line))
		out.Printf("%6d %s %s\n", n, mark, strings.TrimRight(text, " "))
	}
	printLink(out, "       ", link(r.URL, r.DocumentID, ""), r.URL)
}
