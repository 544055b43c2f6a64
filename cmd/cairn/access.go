package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// accessCommand returns `cairn access`.
func accessCommand(e *environment) *cobra.Command {
	return family("access", "Who may read what, and why", accessExplainCommand(e))
}

func accessExplainCommand(e *environment) *cobra.Command {
	var req client.AccessRequest
	c := &cobra.Command{
		Use:   "explain --document ID [--user USER]",
		Short: "Say whether somebody may read a document, and what decides it",
		Long: `Say whether somebody may read a document: the clause that decides it, the keys of the
person and where each comes from, and how fresh the permissions are. Administrators and
auditors may ask about anybody, others about themselves and what they may read. The
audit log tells of it.`,
		Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			if err := need("document", req.DocumentID); err != nil {
				return err
			}
			found, err := c.ExplainAccess(ctx, req)
			if err != nil {
				return missing(err, "document or account", strings.TrimSpace(req.DocumentID+" "+req.User))
			}
			if e.json {
				return e.printReply(found.JSON)
			}
			_, err = fmt.Fprint(e.stdout, terminal.Clean(accessText(found)))
			return err
		}),
	}
	c.Flags().StringVar(&req.User, "user", "", "e-mail address or id (default: yourself)")
	c.Flags().StringVar(&req.DocumentID, "document", "", "id of the document, as search prints it")
	return c
}

// accessText says what was found, for people.
func accessText(a client.Access) string {
	var b strings.Builder
	verdict := "NO"
	if a.Allowed {
		verdict = "YES"
	}
	fmt.Fprintf(&b, "%s. %s\n\nDocument %s of the source %s\n", verdict, terminal.Line(a.Reason), terminal.Line(a.DocumentID), terminal.Line(a.Source))
	for i, clause := range a.ACL.Allow {
		mark := "not met"
		if i < len(a.Deciding.Held) && len(a.Deciding.Held[i]) > 0 {
			mark = "met by " + line(a.Deciding.Held[i])
		}
		fmt.Fprintf(&b, "  clause %d: one of %s (%s)\n", i+1, line(clause), mark)
	}
	if len(a.ACL.Deny) > 0 {
		fmt.Fprintf(&b, "  denied:   %s\n", line(a.ACL.Deny))
	}
	b.WriteString("  " + freshness(a) + "\n\nKeys of the user\n")
	for _, k := range a.Keys {
		fmt.Fprintf(&b, "  %s  %s\n", terminal.Line(k.Key), origin(k))
	}
	return b.String()
}

// freshness says where the permissions come from and how old they are.
func freshness(a client.Access) string {
	p := a.Permissions
	text := "permissions: read at the source"
	switch {
	case p.Mode == "declared" && p.Own:
		text = "permissions: came with the document"
	case p.Mode == "declared":
		text = "permissions: declared for the whole source"
	}
	if at := moment(p.SyncedAt); at != "" {
		text += ", last at " + at
	}
	if p.Degraded {
		text += "; they could not be brought up to date since " + moment(p.Since)
		if p.Problem != "" { // it is for who runs the source
			text += ": " + terminal.Line(p.Problem)
		}
	}
	return text
}

// origin says why somebody holds a key.
func origin(k client.KeyOrigin) string {
	switch k.From {
	case "account":
		return "the account itself"
	case "address":
		return "its verified address"
	case "everyone":
		return "every signed-in account"
	case "directory":
		if len(k.Path) > 1 {
			return "directory " + terminal.Line(k.Directory) + ", as " + terminal.Line(strings.Join(k.Path, " in "))
		}
		return "directory " + terminal.Line(k.Directory)
	}
	return terminal.Line(k.From)
}

// line lists keys on one line, the first ones when there are many.
func line(keys []string) string {
	const most = 6
	shown := slices.Clone(keys[:min(len(keys), most)])
	if more := len(keys) - most; more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	if len(shown) == 0 {
		return "nobody"
	}
	return terminal.Line(strings.Join(shown, ", "))
}
