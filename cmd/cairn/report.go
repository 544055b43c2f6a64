package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// reportCommand returns `cairn report`.
func reportCommand(e *environment) *cobra.Command {
	return family("report", "Reports for administrators and auditors", reportOversharingCommand(e))
}

func reportOversharingCommand(e *environment) *cobra.Command {
	var req client.OversharingRequest
	var moreThan int
	var asCSV, scan bool
	c := &cobra.Command{
		Use:   "oversharing [--more-than N] [--csv] [--scan]",
		Short: "Which documents with credentials, payment or identity numbers or salaries many may read",
		Long: `Which documents with credentials, payment or identity numbers or salaries many may read:
everyone who signs in, or more accounts than --more-than. Documents are told by their ids
and never by a name or a text. Detectors look at what is new or has changed once a day, or
within a minute after --scan (administrators). The audit log tells of it.`,
		Args: cobra.NoArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("more-than") {
				req.MoreThan = &moreThan
			}
			if moreThan < 0 || req.Days < 0 || req.Limit < 0 {
				return usageError{errors.New("numbers must not be negative")}
			}
			if asCSV && e.json {
				return usageError{errors.New("give one of --csv and --json")}
			}
			return nil
		},
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			switch {
			case scan:
				if err := c.ScanOversharing(ctx); err != nil {
					return err
				}
				return e.print(map[string]bool{"scan": true}, "The detectors look at what is new or has changed within a minute.")
			case asCSV:
				return c.OversharingCSV(ctx, req.MoreThan, e.stdout)
			}
			r, err := c.Oversharing(ctx, req)
			if err != nil {
				return err
			}
			if e.json {
				return e.printReply(r.JSON)
			}
			return e.printOversharing(r)
		}),
	}
	c.Flags().IntVar(&moreThan, "more-than", 0, "so many readers are not yet too many (default: half of the accounts)")
	c.Flags().IntVar(&req.Days, "days", 0, "with --json: of how many days counts are given (default 30)")
	c.Flags().IntVar(&req.Limit, "limit", 0, "how many documents are listed (default 50)")
	c.Flags().BoolVar(&asCSV, "csv", false, "all documents as CSV")
	c.Flags().BoolVar(&scan, "scan", false, "let the detectors look now, and report nothing")
	return c
}

// printOversharing shows the report: sources, then documents.
func (e *environment) printOversharing(r client.Oversharing) error {
	out := e.screen()
	scanned := "not scanned yet"
	if r.ScannedAt != nil {
		scanned = "scanned " + moment(r.ScannedAt)
	}
	out.Printf("%d accounts; readable by everyone or by more than %d; %s", r.Accounts, r.MoreThan, scanned)
	if r.Pending > 0 {
		out.Printf(", %d new or changed documents not yet", r.Pending)
	}
	out.Printf("\n\n")
	if len(r.Sources) == 0 {
		out.Printf("Nothing sensitive was found in documents that so many may read.\n")
		return nil
	}
	err := printList(e, client.List[client.OversharedSource]{Items: r.Sources}, "", []string{"SOURCE", "DOCUMENTS", "EVERYONE", "FOUND IN"},
		func(s client.OversharedSource) []string {
			return []string{s.Source, fmt.Sprint(s.Documents), fmt.Sprint(s.Everyone), kindsText(s.Kinds)}
		})
	if err != nil {
		return err
	}
	out.Printf("\n")
	err = printList(e, client.List[client.OversharedDocument]{Items: r.Documents}, "", []string{"DOCUMENT", "SOURCE", "READERS", "FOUND"},
		func(d client.OversharedDocument) []string {
			readers := fmt.Sprint(d.Readers.Accounts)
			if d.Readers.Everyone {
				readers = "everyone"
			}
			return []string{d.DocumentID, d.Source, readers, kindsText(d.Kinds)}
		})
	if err == nil && r.Next != nil {
		e.note("There are more documents: --limit, or --csv for all.")
	}
	return err
}

// kindsText lists counts by kind.
func kindsText(kinds map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		parts = append(parts, fmt.Sprintf("%s %d", terminal.Line(kind), kinds[kind]))
	}
	return strings.Join(parts, ", ")
}
