package slack

import (
	"context"
	"iter"
	"net/url"
	"strconv"

	"github.com/cairnhq/cairn/connectors"
)

// Externals implements connectors.Lister: it reads the first messages of threads, and
// Slack's list of files for those in replies.
func (c *connector) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s, err := c.load(ctx)
		if err != nil {
			yield("", err)
			return
		}
		for _, ch := range s.channels {
			for id, err := range c.externals(ctx, ch) {
				if err == nil {
					err = context.Cause(ctx)
				}
				if !yield(id, err) || err != nil {
					return
				}
			}
		}
	}
}

// externals yields the documents of a channel. A file that was shared there twice comes
// twice.
func (c *connector) externals(ctx context.Context, ch channel) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for d, err := range c.days(ctx, ch.ID, bound(c.cfg.since), "") {
			if err != nil {
				yield("", err)
				return
			}
			for _, id := range c.ofDay(ch, d) {
				if !yield(id, nil) {
					return
				}
			}
		}
		if !c.cfg.files {
			return
		}
		for f, err := range c.filesOf(ctx, ch) {
			if err == nil && !f.wanted() {
				continue
			}
			if !yield(fileID(ch, f), err) || err != nil {
				return
			}
		}
	}
}

// ofDay returns the documents of a day that need no further request.
func (c *connector) ofDay(ch channel, d day) []string {
	var ids []string
	single := false
	for _, m := range d.Messages {
		switch {
		case m.isThread():
			ids = append(ids, threadID(ch, m.TS))
		case m.speaks() && !single:
			single = true
			ids = append(ids, dayID(ch, d))
		}
		for _, f := range m.Files {
			if c.cfg.files && f.wanted() && (m.speaks() || m.isThread() && m.opens()) {
				ids = append(ids, fileID(ch, f))
			}
		}
	}
	return ids
}

// filesOf yields the files that were shared in a channel.
func (c *connector) filesOf(ctx context.Context, ch channel) iter.Seq2[file, error] {
	return func(yield func(file, error) bool) {
		for n := 1; ; n++ {
			query := url.Values{"channel": {ch.ID}, "count": {"100"}, "page": {strconv.Itoa(n)}}
			page, _, err := ask[filesPage](ctx, c.api, filesList, query, "the files of a channel")
			if err == nil && n == 1 && page.Paging.Page == 0 {
				err = &connectors.Error{Kind: connectors.ErrUnexpected, Message: c.api.files.Host() + " does not say how many files there are"}
			}
			if err != nil {
				yield(file{}, err)
				return
			}
			for _, f := range page.Files {
				if !yield(f, nil) {
					return
				}
			}
			if n >= page.Paging.Pages {
				return
			}
		}
	}
}
