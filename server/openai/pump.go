package openai

import (
	"context"

	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server/auth"
)

// pumped is an event of a message, or why there are no more.
type pumped struct {
	event answer.Event
	err   error
}

// last reports whether nothing follows.
func (p pumped) last() bool {
	return p.err != nil || p.event.Type == answer.EventDone || p.event.Type == answer.EventFailed || p.event.Type == ""
}

// pumping carries the events of a message from the goroutine that waits for them.
type pumping struct {
	items <-chan pumped // closed at the end
	stop  context.CancelFunc
}

// pump follows the message in a goroutine of its own, which ends with the request or stop.
func (a *answering) pump() pumping {
	ctx, cancel := context.WithCancel(a.c.Request.Context())
	items := make(chan pumped)
	viewer := auth.FromContext(ctx).Viewer
	go func() {
		defer close(items)
		for event, err := range a.cfg.Ask.Events(ctx, viewer, a.message, 0) {
			select {
			case items <- pumped{event, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return pumping{items, cancel}
}
