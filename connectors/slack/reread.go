package slack

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/cairnhq/cairn/connectors"
)

// Reread implements connectors.Rereader: parts are channels, by id. Of each the window is
// read again.
func (c *connector) Reread(ctx context.Context, since connectors.Cursor, parts []string) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		s, err := c.load(ctx)
		if err != nil {
			yield(connectors.Change{}, err)
			return
		}
		r := &run{connector: c, site: s, at: positionOf(since, c.cfg.mode()), yield: yield}
		r.forget()
		for _, ch := range s.channels {
			if _, known := r.at.Channels[ch.ID]; !known || !slices.Contains(parts, ch.ID) {
				continue
			}
			if err := r.pass(ctx, ch, partial{Until: hours(c.now()), Public: ch.audience() == public}); err != nil {
				if !errors.Is(err, errStopped) {
					yield(connectors.Change{}, err)
				}
				return
			}
		}
	}
}
