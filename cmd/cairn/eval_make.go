package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/retrieval/eval"
)

func evalMakeCommand(e *environment) *cobra.Command {
	var dir string
	var documents int
	c := &cobra.Command{
		Use:   "make --out DIR",
		Short: "Draft a set of questions from your own rated conversations",
		Long: `Draft a folder for cairn eval run from your own conversations. A question whose answer you
rated up becomes a query, and the documents that the answer cites are its right ones. Questions
whose answers you rated down come into review.jsonl, for you to find the right documents. The
corpus is the cited documents and, up to --documents in all, other documents of the same
sources: those that a search for your questions finds, by words and by meaning.

The folder holds TEXTS OF DOCUMENTS AND OF YOUR CONVERSATIONS. Everything comes through the
API with your token: nothing that you may not read gets into it, but nothing is taken out
when you may no longer read it. Keep it to yourself, and remove it when it has served.`,
		Args: cobra.NoArgs,
		RunE: e.online(func(ctx context.Context, c *client.Client, _ []string) error {
			if err := need("out", dir); err != nil {
				return err
			}
			if documents < 1 || documents > 1_000_000 {
				return usageError{fmt.Errorf("--documents is %d; it can be 1 to 1000000", documents)}
			}
			if err := eval.Vacant(dir); err != nil { // before all the work
				return err
			}
			return e.evalMake(ctx, drafter{client: c}, dir, documents)
		}),
	}
	c.Flags().StringVar(&dir, "out", "", "the new folder")
	c.Flags().IntVar(&documents, "documents", 2000, "the most documents of the corpus; cited ones are always in it")
	return c
}

// made is the reply of `cairn eval make`.
type made struct {
	Dir       string `json:"dir"`
	Queries   int    `json:"queries"`
	Review    int    `json:"review"`
	Documents int    `json:"documents"`
	// Skipped counts answers rated up that cite nothing that can still be read.
	Skipped int `json:"skipped"`
}

func (e *environment) evalMake(ctx context.Context, d drafter, dir string, most int) error {
	if err := d.readConversations(ctx); err != nil {
		return err
	}
	if err := d.readCited(ctx); err != nil {
		return err
	}
	if len(d.draft.Queries) == 0 {
		return fmt.Errorf("there is nothing to make a set from: %d of your answers are rated up and none of them cites a document that you may still read, %d are rated down; rate answers in the web UI, then try again",
			d.skipped, len(d.draft.Review))
	}
	if err := d.findOthers(ctx, most); err != nil {
		return err
	}
	d.draft.About = aboutDraft(d.client.URL())
	reply := made{Dir: dir, Queries: len(d.draft.Queries), Review: len(d.draft.Review), Skipped: d.skipped}
	if err := d.draft.Write(dir, d.documents(ctx, &reply.Documents)); err != nil {
		return err
	}
	return e.print(reply, fmt.Sprintf(
		"%s holds %d queries, %d questions to review and %d documents; %d answers rated up cite nothing that can be read.\nIt holds texts that you may read and others may not: keep it to yourself.\nMeasure with: cairn eval run --dir %s --mode all",
		dir, reply.Queries, reply.Review, reply.Documents, reply.Skipped, dir))
}

func aboutDraft(server string) string {
	if u, err := url.Parse(server); err == nil {
		server = u.Host // the address may hold a password
	}
	return fmt.Sprintf(`# A draft of an evaluation set

Made by cairn eval make from %s on %s, of what one account had asked and could read there on that day.

**This folder holds texts of documents and of conversations.** Who may read it reads them, whatever the permissions
at the source say today. Do not pass it on; remove it when it has served.

- queries.jsonl, qrels.tsv: questions whose answers were rated up, and the documents that these cite. Other documents may
  be right as well: look the list through, and add them.
- review.jsonl: questions whose answers were rated down. Find the right documents (their _id in corpus.jsonl), add the
  question to queries.jsonl and a line for each document to qrels.tsv.
- corpus.jsonl: the cited documents and others of the same sources.
`, server, time.Now().UTC().Format(time.DateOnly))
}
