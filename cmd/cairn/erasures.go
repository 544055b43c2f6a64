package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// erasuresCommand returns `cairn erasures`.
func erasuresCommand(e *environment) *cobra.Command {
	return family("erasures", "What was erased: list the receipts, let a document come back, clean the database",
		erasuresListCommand(e), erasuresLiftCommand(e), erasuresCleanCommand(e))
}

func erasuresListCommand(e *environment) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List the receipts of erasures, newest first: ids and counts, no texts", Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			l, err := c.Erasures(ctx, limit)
			if err != nil {
				return err
			}
			return printList(e, l, "Nothing was erased.", []string{"ID", "WHAT", "OF", "WHEN", "BY", "CLEANED", "ROWS"}, erasureRow)
		}),
	}
	c.Flags().IntVar(&limit, "limit", 50, "at most so many; 0: all")
	return c
}

func erasureRow(r client.Erasure) []string {
	what := string(r.Kind)
	if r.KeptOut {
		what += ", kept out"
	}
	return []string{r.ID, what, r.Subject, moment(&r.At), r.By, moment(r.CleanedAt), counted(r.Counts)}
}

// counted says how many rows of which tables.
func counted(counts map[string]int) string {
	var out []string
	for _, table := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", table, counts[table]))
	}
	return strings.Join(out, ", ")
}

func erasuresLiftCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use: "lift ID", Short: "Let the document of an erasure come back with the next sync", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			r, err := c.LiftErasure(ctx, args[0])
			if err != nil {
				return missing(err, "erasure", args[0])
			}
			if e.json {
				return e.printReply(r.JSON)
			}
			e.screen().Printf("If its source still has it, the document comes back with the next full sync: cairn sync NAME --full\n")
			return nil
		}),
	}
}

func erasuresCleanCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Write the tables of the database anew, so that no byte of what was erased is left",
		Long: `Write the tables of the database anew that have held what was erased, so that their files
have no byte of it left. Small tables are cleaned so by themselves, within minutes. This
does it whatever their size: nobody can read a table while it is written, and it needs
free disk of the size of the largest.`,
		Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			if err := c.CleanErasures(ctx); err != nil {
				return err
			}
			return e.print(map[string]bool{"cleaned": true}, "The database has no byte left of what was erased.")
		}),
	}
}

// printErased tells of an erasure: what it was of, as a document with the receipt
// in it, or in words.
func (e *environment) printErased(what map[string]any, r client.Erasure, text string) error {
	if !e.json {
		e.screen().Printf("%s is removed.\n", text)
		if r.KeptOut {
			e.note("It stays away when its source is read again, until: cairn erasures lift %s", terminal.Line(r.ID))
		}
		return nil
	}
	what["deleted"], what["erasure"] = true, r.JSON
	return e.printJSON(what)
}

// eraseDocument removes a document by its id, also one that the caller may not read.
func (e *environment) eraseDocument(ctx context.Context, c *client.Client, id string) error {
	title := "The document"
	if d, err := c.Document(ctx, id, ""); err == nil {
		title = terminal.Line(d.Title)
	} else if !errors.Is(err, cairn.ErrNotFound) && !errors.Is(err, cairn.ErrDenied) {
		return err
	}
	r, err := c.EraseDocument(ctx, id)
	if err != nil {
		return missing(err, "document", id)
	}
	return e.printErased(map[string]any{"id": id}, r, title)
}

func userEraseCommand(e *environment) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "erase EMAIL",
		Short: "Erase a person: the account, what it asked, what nobody else could read",
		Long: `Erase a person at once: the account with its tokens, sessions and memberships, its
conversations, and the documents and sources that nobody else could read. What others may
read stays. It cannot be undone; a backup that is restored does not bring it back. Of an
account that is gone already, give the id: what is left of it is erased.`,
		Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if !yes && !e.confirm(fmt.Sprintf("Erase %s with everything that was asked and that nobody else may read?", terminal.Line(args[0]))) {
				return errors.New("nothing was erased")
			}
			r, err := c.EraseUser(ctx, args[0])
			if err != nil {
				return missing(err, "account", args[0])
			}
			if e.json {
				return e.printReply(r.JSON)
			}
			e.screen().Printf("Erased: %s.\nReceipt %s\n", counted(r.Counts), terminal.Line(r.ID))
			return nil
		}),
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
