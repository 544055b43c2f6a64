package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/postgres/local"
)

// indexCommand returns `cairn index`.
func indexCommand(e *environment) *cobra.Command {
	c := &cobra.Command{Use: "index", Short: "Check and rebuild the search index", Args: cobra.NoArgs}
	c.AddCommand(indexVerifyCommand(e), indexRebuildCommand(e))
	return c
}

func indexVerifyCommand(e *environment) *cobra.Command {
	var quick bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Compare the index with what it is derived from",
		Long: `Compare the index with what it is derived from: checksums, completeness, terms, length and
language of every passage with its text, the codes of the embedding model in use with its
vectors, and what the index of code has of every file with its text. It changes nothing, and may run beside servers of its version; the schema of another
version is refused. The exit code is 1 when something is wrong; cairn index rebuild mends it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var found client.IndexReport
			err := e.onIndex(cmd.Context(), func(ctx context.Context, p *parts) error {
				v, err := p.index.Verify(ctx, !quick)
				found = client.IndexReport{Segments: v.Segments, Packed: v.Packed, Fresh: v.Fresh, Rows: v.Rows, Code: v.Code, Problems: []client.IndexProblem{}}
				for _, problem := range v.Problems {
					found.Problems = append(found.Problems, client.IndexProblem(problem))
				}
				return err
			}, func(ctx context.Context, c *client.Client) (err error) {
				found, err = c.VerifyIndex(ctx, quick)
				return err
			})
			if err != nil {
				return err
			}
			return e.printVerification(found)
		},
	}
	c.Flags().BoolVar(&quick, "quick", false, "leave out texts and vectors")
	return c
}

func (e *environment) printVerification(found client.IndexReport) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d segments with %d passages, %d fresh passages, %d rows of postings, %d files of code", found.Segments, found.Packed, found.Fresh, found.Rows, found.Code)
	for _, p := range found.Problems {
		if p.Segment != 0 {
			fmt.Fprintf(&b, "\nsegment %d: %s", p.Segment, p.What)
		} else {
			fmt.Fprintf(&b, "\n%s", p.What)
		}
	}
	if err := e.print(found, b.String()); err != nil {
		return err
	}
	if n := len(found.Problems); n > 0 {
		return fmt.Errorf("the index has %d problems; cairn index rebuild mends it", n)
	}
	return nil
}

func indexRebuildCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild",
		Short: "Derive the index anew from texts and vectors",
		Long: `Derive the index anew from texts and vectors, while servers go on searching in it. It may be
broken off and begun again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var chunks int
			err := e.onIndex(cmd.Context(), func(ctx context.Context, p *parts) error {
				if err := p.db.AdoptCluster(ctx); err != nil {
					return err
				}
				return p.index.Rebuild(ctx, func(done, all int) {
					chunks = all
					fmt.Fprintf(e.stderr, "%d of %d passages\n", done, all)
				})
			}, func(ctx context.Context, c *client.Client) error {
				rebuilt, err := c.RebuildIndex(ctx)
				chunks = rebuilt.Chunks
				return err
			})
			if err != nil {
				return err
			}
			return e.print(map[string]int{"chunks": chunks}, fmt.Sprintf("The index is rebuilt: %d passages.", chunks))
		},
	}
}

// onIndex works on the database itself or, when that is the private one of a
// server that is running, asks the server.
func (e *environment) onIndex(ctx context.Context, direct func(context.Context, *parts) error, ask func(context.Context, *client.Client) error) error {
	settings, err := e.settings()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	p, err := openIndex(ctx, settings, log)
	if errors.Is(err, local.ErrInUse) {
		return e.online(func(ctx context.Context, c *client.Client, _ []string) error { return ask(ctx, c) })(commandWith(ctx), nil)
	}
	if err != nil {
		return err
	}
	err = direct(ctx, p)
	return errors.Join(err, p.close(context.WithoutCancel(ctx)))
}

// commandWith returns a command that carries a context.
func commandWith(ctx context.Context) *cobra.Command {
	c := &cobra.Command{}
	c.SetContext(ctx)
	return c
}
