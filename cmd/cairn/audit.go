package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
)

// auditCommand returns `cairn audit`.
func auditCommand(e *environment) *cobra.Command {
	return family("audit", "The audit log: list, export, verify (administrators and auditors)",
		auditListCommand(e), auditExportCommand(e), auditVerifyCommand(e))
}

// auditFlags lets a command narrow what it reads of the log.
func auditFlags(c *cobra.Command, f *client.AuditFilter) {
	c.Flags().StringVar(&f.Account, "account", "", "who: e-mail address or id")
	c.Flags().StringVar(&f.Action, "action", "", "what: as in search, token.create, or token for all that begin so")
	c.Flags().StringVar(&f.Outcome, "outcome", "", "ok, denied, not_found, …")
	c.Flags().StringVar(&f.Object, "object", "", "kind of what it was done to: account, group, token, source, document, …")
	c.Flags().StringVar(&f.ObjectID, "object-id", "", "id of what it was done to")
	c.Flags().StringVar(&f.Document, "document", "", "id of a document: who has seen it?")
	c.Flags().StringVar(&f.Since, "since", "", "from a time on, as in 2026-11-23T00:00:00Z")
	c.Flags().StringVar(&f.Until, "until", "", "before a time")
}

func auditListCommand(e *environment) *cobra.Command {
	var filter client.AuditFilter
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List the newest events", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			if limit < 1 {
				return usageError{fmt.Errorf("--limit is %d; give 1 or more", limit)}
			}
			l, err := c.Audit(ctx, filter, limit)
			if err != nil {
				return err
			}
			return printList(e, l, "There are no such events.",
				[]string{"ROW", "TIME", "ACTION", "OUTCOME", "ACCOUNT", "VIA", "FROM", "OBJECT", "DETAIL", "DOCUMENTS"}, auditRow)
		}),
	}
	auditFlags(c, &filter)
	c.Flags().IntVar(&limit, "limit", 50, "how many")
	return c
}

func auditRow(ev client.AuditEvent) []string {
	object := strings.TrimSpace(ev.Object.Kind + " " + ev.Object.ID)
	documents := ""
	if n := len(ev.Documents); n > 0 {
		documents = fmt.Sprint(n)
	}
	return []string{
		fmt.Sprint(ev.Seq), ev.At.UTC().Format("2006-01-02 15:04:05"), ev.Action, ev.Outcome, ev.AccountID, ev.Via, ev.Address, object, ev.Detail, documents,
	}
}

func auditExportCommand(e *environment) *cobra.Command {
	var filter client.AuditFilter
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the log to standard output, one JSON object a line, the oldest first",
		Long: `Write the log to standard output, one JSON object a line, the oldest first. An export without
filters can be checked without the server: cairn audit verify --file EXPORT.`,
		Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			for row, err := range c.ExportAudit(ctx, filter) {
				if err != nil {
					return err
				}
				if _, err := e.stdout.Write(append(row, '\n')); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	auditFlags(c, &filter)
	return c
}
