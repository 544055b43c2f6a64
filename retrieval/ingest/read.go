package ingest

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

type readResult struct {
	puts []Put
	err  error
}

// readAll reads documents, several at once. results[i] belongs to changes[i].
func (b *batch) readAll(ctx context.Context, changes []connectors.Change) ([]readResult, error) {
	results := make([]readResult, len(changes))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(b.Workers, 2))
	for i, c := range changes {
		g.Go(func() error {
			puts, err := b.readOne(ctx, c)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			results[i] = readResult{puts, err}
			return nil
		})
	}
	return results, g.Wait()
}

func (b *batch) readOne(ctx context.Context, c connectors.Change) ([]Put, error) {
	acl, own := b.aclOf(c.ACL)
	switch {
	case c.Err != nil:
		return nil, c.Err
	case b.DryRun && !b.mayBeVanished(c):
		return []Put{unread(c, acl, own)}, nil
	}
	body, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return b.Prepare.read(ctx, original{External: c.External, Metadata: c.Metadata, ACL: acl, OwnACL: own}, body)
}

// mayBeVanished reports whether a document may be one that has vanished, which its text
// tells.
func (b *batch) mayBeVanished(c connectors.Change) bool {
	return b.known[c.External].ID == "" && len(b.vanished)+len(b.hidden) > 0
}

// unread stands for a document that a dry run does not read: its text is another one
// than before.
func unread(c connectors.Change, acl cairn.ACL, own bool) Put {
	return Put{Document: cairn.Document{External: c.External, ACL: acl}, OwnACL: own, Revision: c.Metadata.Revision, Fingerprint: "unread"}
}
