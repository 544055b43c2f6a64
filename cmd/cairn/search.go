package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// searchCommand returns `cairn search`.
func searchCommand(e *environment) *cobra.Command {
	req := client.SearchRequest{}
	var mode string
	c := &cobra.Command{
		Use:   "search QUERY",
		Short: "Find passages in the documents that you may read",
		Long: `Find passages in the documents that you may read.

"a phrase" between quotation marks must occur word for word; -word must not
occur. Put the whole query between single quotes, so that the shell leaves it
as it is: cairn search 'report "hotel limit" -draft'`,
		Args: cobra.MinimumNArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			req.Query, req.Mode = strings.Join(args, " "), cairn.Mode(mode)
			if blank(req.Query) {
				return usageError{errors.New("the query is empty; give at least a word")}
			}
			if err := oneOf("mode", mode, "lexical", "dense", "hybrid"); err != nil {
				return err
			}
			if req.Limit < 1 || req.Limit > 100 {
				return usageError{fmt.Errorf("--limit is %d; it can be 1 to 100", req.Limit)}
			}
			res, err := c.Search(ctx, req)
			if err != nil {
				return err
			}
			if e.json {
				err = e.printReply(res.JSON)
			} else {
				e.printResults(res, req)
				for _, n := range res.Notices {
					e.note("%s", terminal.Line(n.Message))
				}
			}
			if err == nil && len(res.Results) == 0 {
				err = errNothingFound
			}
			return err
		}),
	}
	c.Flags().IntVar(&req.Limit, "limit", 10, "how many passages, 1 to 100")
	c.Flags().StringSliceVar(&req.Sources, "source", nil, "search this source alone; may be repeated")
	c.Flags().StringVar(&mode, "mode", "", "lexical (by words), dense (by meaning) or hybrid (both, the default)")
	choices(c, "mode", "lexical", "dense", "hybrid")
	c.Flags().BoolVar(&req.Explain, "explain", false, "say why each passage has its rank")
	return c
}

func (e *environment) printResults(res client.SearchResponse, req client.SearchRequest) {
	out := e.screen()
	if len(res.Results) == 0 {
		in := ""
		if len(req.Sources) > 0 {
			in = " in " + terminal.Line(strings.Join(req.Sources, ", "))
		}
		out.Printf("Nothing that you may read%s matches: %s\n", in, terminal.Line(req.Query))
		return
	}
	words := terminal.Words(req.Query)
	for i, r := range res.Results {
		if i > 0 {
			out.Printf("\n")
		}
		printPassage(out, fmt.Sprintf("%2d. ", i+1), r, words)
		if x := r.Explain; req.Explain && x != nil {
			for _, line := range explanation(r.Score, *x) {
				out.Printf("    %s\n", out.Dim(line))
			}
		}
	}
	if res.Next != "" && out.Terminal {
		out.Printf("\n%s\n", out.Dim("There are more: --limit shows up to 100."))
	}
}

// snippetLines is how much of a passage is shown.
const snippetLines = 3

// printPassage shows a passage in a list.
func printPassage(out *terminal.Screen, label string, p client.Passage, words []string) {
	const indent = "    "
	columns := out.Width
	if columns == 0 {
		columns = 100
	}
	out.Printf("%s\n", terminal.Item(label, out.Bold(place(p.Title, p.Heading)), out.Width))
	out.Printf("%s%s\n", indent, out.Dim(join(terminal.Line(p.Source), terminal.Line(p.Kind), day(p.UpdatedAt))))
	if text := out.Excerpt(p.Snippet, words, snippetLines*(columns-len(indent))-8); text != "" {
		out.Printf("%s\n", terminal.Wrap(text, out.Width, indent))
	}
	printLink(out, indent, link(p.URL, p.DocumentID, ""), p.URL)
	if len(p.AlsoIn) > 0 {
		out.Printf("%s\n", out.Dim(terminal.Wrap(alsoIn(p.AlsoIn, p.AlsoInMore), out.Width, indent)))
	}
}

// printLink prints where a document can be read. What is wider than the screen begins at
// its edge, so that less of it is in the next line.
func printLink(out *terminal.Screen, indent, text, url string) {
	if out.Width > 0 && len(indent)+terminal.Width(text) > out.Width {
		indent = ""
	}
	out.Printf("%s%s\n", indent, out.Link(out.Dim(text), url))
}

// link returns where a document can be read: at its source, or here.
func link(url, id, version string) string {
	if url != "" {
		return terminal.Line(url)
	}
	command := "cairn doc get " + terminal.Line(id)
	if version != "" {
		command += " --version " + terminal.Line(version)
	}
	return command
}

// explanation says in a few lines how a score came about.
func explanation(score float64, x client.Explanation) []string {
	found := func(rank int, normal float64, measure string, raw float64) string {
		if rank == 0 {
			return "not found"
		}
		return fmt.Sprintf("%.3f  rank %d, %s %.3f", normal, rank, measure, raw)
	}
	why := ""
	if len(x.Reasons) > 0 {
		why = " (" + terminal.Line(strings.Join(x.Reasons, ", ")) + ")"
	}
	lines := []string{
		fmt.Sprintf("score %.3f: %.0f %% by words%s, %.0f %% by meaning", score, 100*x.LexicalShare, why, 100*(1-x.LexicalShare)),
		"  words    " + found(x.LexicalRank, x.Lexical, "BM25", x.LexicalScore),
		"  meaning  " + found(x.DenseRank, x.Dense, "inner product", x.DenseScore),
	}
	more := []string{fmt.Sprintf("words together %.2f", x.Proximity)}
	for _, p := range []struct {
		name  string
		share float64
	}{{"title", x.Title}, {"freshness", x.Freshness}, {"authority", x.Authority}} {
		if p.share > 0 {
			more = append(more, fmt.Sprintf("%s +%.1f %%", p.name, 100*p.share))
		}
	}
	if x.Reranked != nil {
		more = append(more, fmt.Sprintf("reranker %.2f", *x.Reranked))
	}
	return append(lines, "  "+strings.Join(more, ", "))
}

// shownCopies is how many copies of a passage are named.
const shownCopies = 3

// alsoIn names documents that hold a passage too: copies, then older versions. There
// are more beside those that are given.
func alsoIn(copies []client.Copy, more int) string {
	sorted := slices.SortedStableFunc(slices.Values(copies), olderLast)
	shown := sorted[:min(len(sorted), shownCopies)]
	var out strings.Builder
	for i, c := range shown {
		facts := terminal.Line(c.Source)
		if c.Older && c.UpdatedAt != nil {
			facts += ", " + day(c.UpdatedAt)
		}
		fmt.Fprintf(&out, "%s%s (%s)", copyLead(shown, i), cmp.Or(terminal.Line(c.Title), "Untitled"), facts)
	}
	if rest := len(copies) - len(shown) + more; rest > 0 {
		fmt.Fprintf(&out, " and %d more", rest)
	}
	return out.String()
}

func olderLast(a, b client.Copy) int {
	switch {
	case a.Older == b.Older:
		return 0
	case a.Older:
		return 1
	}
	return -1
}

// copyLead returns what stands before the copy at i: what it and those after it are,
// where that changes.
func copyLead(shown []client.Copy, i int) string {
	if i > 0 && shown[i-1].Older == shown[i].Older {
		return ", "
	}
	if !shown[i].Older {
		return "Also in: "
	}
	versions := "version: "
	if i < len(shown)-1 {
		versions = "versions: "
	}
	if i == 0 {
		return "Older " + versions
	}
	return "; older " + versions
}
