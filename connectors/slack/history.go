package slack

import (
	"context"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// day is what was written in a channel on one day (UTC), replies left out: they belong
// to their thread, wherever that began.
type day struct {
	Date     string // 2026-11-29
	Start    string // timestamp of its beginning
	Messages []message
	Page     int // which page of the history it ended on
}

const (
	maxMessages = "999"     // of a page
	ahead       = time.Hour // how far Slack's clock may be ahead of ours
)

// days yields what a channel's history holds from oldest on and before latest, day by
// day, newest first; empty timestamps are no bounds. Slack has the newest page first, so
// that a day is complete when an earlier message comes.
func (c *connector) days(ctx context.Context, channel, oldest, latest string) iter.Seq2[day, error] {
	query := url.Values{"channel": {channel}, "limit": {maxMessages}}
	if oldest != "" {
		query.Set("oldest", oldest)
		query.Set("inclusive", "true")
	}
	switch {
	case latest != "":
		query.Set("latest", justBefore(latest))
		query.Set("inclusive", "true")
	case oldest != "": // alone it would ask for the oldest page first
		query.Set("latest", stamp(c.now().Add(ahead)))
	}
	return func(yield func(day, error) bool) {
		open, n := day{}, 0
		for page, err := range pages[messagesPage](ctx, c.api, conversationsHistory, query, "the messages of a channel") {
			if err != nil {
				yield(day{}, err)
				return
			}
			n++
			messages, err := c.decodeAll(page)
			if err != nil {
				yield(day{}, err)
				return
			}
			for _, m := range slices.Backward(messages) {
				date := at(m.TS).Format(time.DateOnly)
				if open.Date != "" && date > open.Date {
					yield(day{}, &connectors.Error{Kind: connectors.ErrUnexpected, Message: c.api.files.Host() + " lists the messages of a channel in another order than is known of it"})
					return
				}
				if date != open.Date {
					if open.Date != "" && !yield(open.sorted(n), nil) {
						return
					}
					open = day{Date: date, Start: stamp(at(m.TS).Truncate(24 * time.Hour))}
				}
				if !m.isReply() {
					open.Messages = append(open.Messages, m)
				}
			}
		}
		if open.Date != "" {
			yield(open.sorted(n), nil)
		}
	}
}

// sorted returns the day with its messages in their order.
func (d day) sorted(page int) day {
	slices.SortFunc(d.Messages, byTime)
	d.Page = page
	return d
}

func byTime(a, b message) int {
	switch {
	case a.TS < b.TS:
		return -1
	case a.TS > b.TS:
		return 1
	}
	return 0
}

// decodeAll returns the messages of a page in their order.
func (c *connector) decodeAll(page messagesPage) ([]message, error) {
	messages := make([]message, 0, len(page.Messages))
	for _, raw := range page.Messages {
		m, ok := decode(raw)
		if !ok {
			return nil, &connectors.Error{Kind: connectors.ErrUnexpected, Message: c.api.files.Host() + " lists a message without a timestamp"}
		}
		messages = append(messages, m)
	}
	slices.SortFunc(messages, byTime)
	return messages, nil
}

// replies returns what was said in a thread, its first message included, in order.
func (c *connector) replies(ctx context.Context, channel, ts string) ([]message, error) {
	var all []message
	query := url.Values{"channel": {channel}, "ts": {ts}, "limit": {maxMessages}}
	for page, err := range pages[messagesPage](ctx, c.api, conversationsReplies, query, "the replies of a thread") {
		if err != nil {
			return nil, err
		}
		messages, err := c.decodeAll(page)
		if err != nil {
			return nil, err
		}
		all = append(all, messages...)
	}
	slices.SortStableFunc(all, byTime)
	// Every page begins with the first message of the thread.
	return slices.CompactFunc(all, func(a, b message) bool { return a.TS == b.TS }), nil
}

// justBefore returns the last timestamp before that of the beginning of a second.
func justBefore(ts string) string {
	return stamp(at(ts).Add(-time.Second))[:11] + "999999"
}

// members returns who is in a conversation; known is false when Slack does not tell.
func (c *connector) membersOf(ctx context.Context, ch channel) (membership, error) {
	if m, ok := c.members[ch.ID]; ok {
		return m, nil
	}
	m := membership{known: true}
	query := url.Values{"channel": {ch.ID}, "limit": {"999"}}
	for page, err := range pages[membersPage](ctx, c.api, conversationsMembers, query, "the members of a channel") {
		if err != nil && concerns(err) {
			m = membership{}
			break
		}
		if err != nil {
			return membership{}, err
		}
		m.ids = append(m.ids, page.Members...)
	}
	c.members[ch.ID] = m
	return m, nil
}

// membership is who is in a conversation.
type membership struct {
	known bool
	ids   []string
}
