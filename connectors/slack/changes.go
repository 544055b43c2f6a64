package slack

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

const (
	wholeEvery   = 7 * 24 * time.Hour // how often the whole history of a channel is read again
	askedBetween = 10                 // threads that are asked for between two cursors
	settling     = 2 * 24 * time.Hour // how long after its last reply a thread is read again in each run
)

// Changes implements connectors.Connector. What Slack does not tell is looked for: each
// run reads the window of days before the last one again, of every channel, and every
// week all of it. A thread whose last reply is old is asked for only when its first
// message says that it changed.
func (c *connector) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		s, err := c.load(ctx)
		if err != nil {
			yield(connectors.Change{}, err)
			return
		}
		r := &run{connector: c, site: s, at: positionOf(since, c.cfg.mode()), yield: yield}
		if err := r.all(ctx); err != nil && !errors.Is(err, errStopped) {
			yield(connectors.Change{}, err)
		}
	}
}

// run is one call of Changes.
type run struct {
	*connector
	site  *site
	at    position
	yield func(connectors.Change, error) bool
}

// all reads all channels. After errStopped nothing may be yielded.
func (r *run) all(ctx context.Context) error {
	if r.forget() {
		if err := r.checkpoint(ctx); err != nil {
			return err
		}
	}
	for _, ch := range r.order() {
		if err := r.channel(ctx, ch); err != nil {
			return err
		}
	}
	return nil
}

// forget drops channels from the position that are to be read from their beginning:
// those that are not read any more, and may come back, and those of which documents
// have another ACL since they became private or public. It reports whether there were any.
func (r *run) forget() bool {
	before := len(r.at.Channels) + len(r.at.Partial)
	there := map[string]channel{}
	for _, ch := range r.site.channels {
		there[ch.ID] = ch
	}
	stale := func(id string, wasPublic bool) bool {
		ch, ok := there[id]
		return !ok || r.cfg.everyone && (ch.audience() == public) != wasPublic
	}
	maps.DeleteFunc(r.at.Channels, func(id string, p place) bool { return stale(id, p.Public) })
	maps.DeleteFunc(r.at.Partial, func(id string, p partial) bool { return stale(id, p.Public) })
	return len(r.at.Channels)+len(r.at.Partial) < before
}

// order is that in which channels are read: those that are known first, so that what is
// new there is found although others are read for the first time.
func (r *run) order() []channel {
	rank := func(ch channel) (int, int64) {
		if p, known := r.at.Channels[ch.ID]; known {
			return 0, p.Through
		}
		if _, begun := r.at.Partial[ch.ID]; begun {
			return 1, 0
		}
		return 2, 0
	}
	return slices.SortedFunc(slices.Values(r.site.channels), func(a, b channel) int {
		ra, ta := rank(a)
		rb, tb := rank(b)
		return cmp.Or(cmp.Compare(ra, rb), cmp.Compare(ta, tb), cmp.Compare(a.ID, b.ID))
	})
}

// channel brings one channel up to date. An error after the reader has stopped is none.
func (r *run) channel(ctx context.Context, ch channel) error {
	if p, begun := r.at.Partial[ch.ID]; begun {
		if err := r.pass(ctx, ch, p); err != nil {
			return err
		} // what is newer than where it stopped may have changed since
	}
	place, known := r.at.Channels[ch.ID]
	now := r.now()
	whole := !known || now.Sub(ofHours(place.Whole)) >= wholeEvery
	if ch.Archived && known && !whole {
		return nil // nobody writes there
	}
	return r.pass(ctx, ch, partial{Until: hours(now), Whole: whole, Public: ch.audience() == public})
}

// pass reads a channel from its newest message, or from where an earlier run stopped,
// back to the beginning of the window, or of the channel.
func (r *run) pass(ctx context.Context, ch channel, p partial) error {
	known := r.at.Channels[ch.ID]
	acl, err := r.acl(ctx, ch)
	if err != nil {
		return err
	}
	from, read := r.cfg.since, ofHours(known.Whole) // what is older than read is known
	if !p.Whole {
		from, read = later(from, ofHours(known.Through).Add(-r.cfg.window).Truncate(24*time.Hour)), ofHours(known.Through)
	}
	w := writer{connector: r.connector, site: r.site, channel: ch, acl: acl, read: read.Add(-settling)}
	page, asked := 1, 0
	silent := func(string) error { return nil }
	if !p.Whole && p.Before == "" {
		silent = r.silence(ctx, ch, from)
	}
	for d, err := range r.days(ctx, ch.ID, bound(from), p.Before) {
		if err != nil && concerns(err) {
			return nil // it went away since it was listed
		}
		if err != nil {
			return err
		}
		if err := silent(d.Date); err != nil {
			return err
		}
		for change, err := range w.day(ctx, d) {
			if err := r.tell(ctx, change, err); err != nil {
				return err
			}
		}
		if acl != nil && (d.Page > page || w.asked >= asked+askedBetween) { // not after each day: a cursor takes time to write
			page, asked = d.Page, w.asked
			p.Before = d.Start
			r.at.Partial[ch.ID] = p
			if err := r.checkpoint(ctx); err != nil {
				return err
			}
		}
	}
	if err := silent(""); err != nil {
		return err
	}
	if acl == nil {
		return nil // all of it is to be read when there is one
	}
	delete(r.at.Partial, ch.ID)
	if p.Whole {
		known.Whole = p.Until / 24 * 24 // by days: equal numbers make cursors short
	}
	known.Through, known.Public = p.Until, p.Public
	r.at.Channels[ch.ID] = known
	return r.checkpoint(ctx)
}

// silence returns what is to be called with each day of the window on which something
// was said, newest first, and "" at the end: days of silence have no document any more.
func (r *run) silence(ctx context.Context, ch channel, from time.Time) func(date string) error {
	next := r.now().UTC()
	return func(date string) error {
		for ; next.Format(time.DateOnly) > date && !next.Before(from); next = next.AddDate(0, 0, -1) {
			gone := dayID(ch, day{Date: next.Format(time.DateOnly)})
			if err := r.tell(ctx, connectors.Change{Op: connectors.Delete, External: gone}, nil); err != nil {
				return err
			}
		}
		next = next.AddDate(0, 0, -1)
		return nil
	}
}

func (r *run) checkpoint(ctx context.Context) error {
	cursor, err := r.at.cursor()
	return r.tell(ctx, connectors.Change{Op: connectors.Checkpoint, Cursor: cursor}, err)
}

// tell yields a change; an error says that it was the last.
func (r *run) tell(ctx context.Context, change connectors.Change, err error) error {
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	if !r.yield(change, nil) {
		return errStopped
	}
	return nil
}

// errStopped says that the caller wants no more changes.
var errStopped = errors.New("stopped")

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// bound is a time as an argument; "" for the beginning.
func bound(t time.Time) string {
	if t.Unix() <= 0 {
		return ""
	}
	return stamp(t)
}
