package slack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// acl returns who may read a channel: its group, whose members the directory tells, so
// that joining, leaving and becoming private need no document. nil: that is not known.
func (c *connector) acl(ctx context.Context, ch channel) (*cairn.ACL, error) {
	acl := cairn.Allow(connectors.SiteGroup(ch.ID))
	switch ch.audience() {
	case public:
		if c.cfg.everyone {
			acl = cairn.Allow(cairn.Everyone)
		}
		return &acl, nil
	case closed:
		m, err := c.membersOf(ctx, ch)
		if err != nil || !m.known {
			return nil, err
		}
		return &acl, nil
	}
	return nil, nil
}

// writer makes documents of the messages of a channel.
type writer struct {
	*connector
	site    *site
	channel channel
	acl     *cairn.ACL // nil: not known
	read    time.Time  // threads without a reply since then were read before
	asked   int        // threads that were fetched
}

// The external ids.
func ofChannel(ch channel) string           { return ch.ID + "/" }
func threadID(ch channel, ts string) string { return ofChannel(ch) + ts }
func dayID(ch channel, d day) string        { return ofChannel(ch) + d.Date }
func fileID(ch channel, f file) string      { return ofChannel(ch) + f.ID }

// day yields the documents of a day: its threads, its other messages as one document,
// and the files of both.
func (w *writer) day(ctx context.Context, d day) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		var singles []message
		for _, m := range d.Messages {
			switch {
			case m.isThread():
				changes, err := w.thread(ctx, m)
				if !yieldAll(yield, changes, err) {
					return
				}
			case m.speaks():
				singles = append(singles, m)
				if m.ThreadTS != "" && !yield(connectors.Change{Op: connectors.Delete, External: threadID(w.channel, m.TS)}, nil) {
					return // it was one, before its replies were deleted
				}
			}
		}
		if len(singles) == 0 {
			yield(connectors.Change{Op: connectors.Delete, External: dayID(w.channel, d)}, nil)
			return
		}
		yieldAll(yield, w.singles(d, singles), nil)
	}
}

func yieldAll(yield func(connectors.Change, error) bool, changes []connectors.Change, err error) bool {
	for _, c := range changes {
		if !yield(c, nil) {
			return false
		}
	}
	return err == nil || yield(connectors.Change{}, err) && false
}

// singles makes the document of the messages of a day that have no replies.
func (w *writer) singles(d day, messages []message) []connectors.Change {
	id := dayID(w.channel, d)
	title := w.channel.label() + ", " + at(d.Start).Format("2 January 2006")
	if w.acl == nil {
		return []connectors.Change{w.untold(id)}
	}
	if slices.ContainsFunc(messages, func(m message) bool { return m.broken }) {
		return []connectors.Change{malformed(id)}
	}
	text := w.render(title, messages)
	last := messages[len(messages)-1]
	change := w.change(id, connectors.Metadata{
		Title: title, URL: w.permalink(messages[0].TS), Created: at(messages[0].TS),
		Modified: modified(at(last.TS), messages), Revision: revision(text),
	}, func(context.Context) (string, error) { return text, nil })
	return append([]connectors.Change{change}, w.attached(id, messages)...)
}

// thread makes the document of a thread. Its replies are fetched at once when they may be
// new, else when somebody opens it: the revision then follows from its first message
// alone, which tells how many replies there are and when the last one came.
func (w *writer) thread(ctx context.Context, root message) ([]connectors.Change, error) {
	id := threadID(w.channel, root.TS)
	if w.acl == nil {
		return []connectors.Change{w.untold(id)}, nil
	}
	if root.broken {
		return []connectors.Change{malformed(id)}, nil
	}
	title := w.title(root)
	m := connectors.Metadata{
		Title: title, URL: w.permalink(root.TS), Author: w.site.people.author(root), Created: at(root.TS),
		Modified: modified(cmp.Or(at(root.LatestReply), at(root.TS)), []message{root}),
		Revision: revision(w.render(title, []message{root}) + strconv.Itoa(root.ReplyCount) + root.LatestReply),
	}
	last := at(root.LatestReply)
	settled := w.now().Sub(last) > settling
	if settled && last.Before(w.read) {
		return []connectors.Change{w.change(id, m, func(ctx context.Context) (string, error) {
			_, text, err := w.whole(ctx, root)
			return text, err
		})}, nil
	}
	w.asked++
	messages, text, err := w.whole(ctx, root)
	if known := (*connectors.DocumentError)(nil); errors.As(err, &known) {
		return []connectors.Change{{External: id, Err: err}}, nil
	}
	if err != nil {
		return nil, err
	}
	if !settled {
		m.Revision = revision(text) // it says of replies, too, that they were edited
	}
	change := w.change(id, m, func(context.Context) (string, error) { return text, nil })
	return append([]connectors.Change{change}, w.attached(id, messages)...), nil
}

// whole fetches a thread and renders it. A *DocumentError concerns it alone.
func (w *writer) whole(ctx context.Context, root message) ([]message, string, error) {
	messages, err := w.replies(ctx, w.channel.ID, root.TS)
	if err != nil && concerns(err) {
		return nil, "", &connectors.DocumentError{Code: "vanished", Reason: "The thread was removed before it could be read.", Err: err}
	}
	if err != nil {
		return nil, "", err
	}
	if slices.ContainsFunc(messages, func(m message) bool { return m.broken }) {
		return nil, "", malformed("").Err
	}
	said := slices.DeleteFunc(messages, func(m message) bool { return !m.speaks() && (m.TS != root.TS || !m.opens()) })
	return said, w.render(w.title(root), said), nil
}

// attached makes the documents of the files of messages.
func (w *writer) attached(parent string, messages []message) []connectors.Change {
	var out []connectors.Change
	for _, m := range messages {
		for _, f := range m.Files {
			switch {
			case f.Mode == "tombstone" && f.ID != "":
				out = append(out, connectors.Change{Op: connectors.Delete, External: fileID(w.channel, f)})
			case w.cfg.files && f.wanted():
				out = append(out, w.file(parent, f))
			}
		}
	}
	return out
}

func (w *writer) file(parent string, f file) connectors.Change {
	id := fileID(w.channel, f)
	if w.acl == nil {
		return w.untold(id)
	}
	if f.Size > w.cfg.maxFile {
		return connectors.Change{External: id, Err: &connectors.DocumentError{Code: "too_large", Reason: "The file is larger than the setting max_file_size allows."}}
	}
	if !w.api.isFile(f.URLPrivate) {
		return connectors.Change{External: id, Err: &connectors.DocumentError{Code: "unreadable", Reason: "The file does not lie at Slack."}}
	}
	when := time.Unix(cmp.Or(f.Timestamp, f.Created), 0).UTC()
	return connectors.Change{
		External: id, ACL: w.acl,
		Metadata: connectors.Metadata{
			Title: cmp.Or(line(f.Title), line(f.Name)), URL: safeURL(f.Permalink), Author: w.site.people.name(f.User),
			MediaType: f.Mimetype, Filename: line(f.Name), Size: max(f.Size, 0), Created: when, Modified: when, Parent: parent,
			Attributes: w.attributes(), Revision: revision(strings.Join([]string{f.ID, strconv.FormatInt(f.Timestamp, 10), strconv.FormatInt(f.Size, 10), f.Title, f.Name}, "\x00")),
		},
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			return w.api.files.Open(ctx, remote.Request{Path: f.URLPrivate, What: "a file", MaxBytes: w.cfg.maxFile})
		},
	}
}

// change makes the change of a document of messages.
func (w *writer) change(id string, m connectors.Metadata, text func(context.Context) (string, error)) connectors.Change {
	m.MediaType, m.Kind, m.Attributes = "text/html", cairn.KindPage, w.attributes()
	return connectors.Change{External: id, ACL: w.acl, Metadata: m, Open: func(ctx context.Context) (io.ReadCloser, error) {
		s, err := text(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		return io.NopCloser(strings.NewReader(s)), nil
	}}
}

func (w *writer) attributes() map[string]string {
	return map[string]string{"channel": w.channel.label()}
}

// untold is the change of a document of which nobody knows who may read it.
func (w *writer) untold(id string) connectors.Change {
	return connectors.Change{External: id, Err: errUntold}
}

var errUntold = &connectors.DocumentError{
	Code: connectors.PermissionsNotUnderstood, Reason: "Slack does not tell who is in the channel, or says of it what Cairn does not know.",
}

func malformed(id string) connectors.Change {
	return connectors.Change{External: id, Err: &connectors.DocumentError{Code: "unreadable", Reason: "Slack gave a message in a form that Cairn does not know."}}
}

// permalink is the address of a message that is no reply.
func (w *writer) permalink(ts string) string {
	return strings.TrimSuffix(w.site.team.URL, "/") + "/archives/" + w.channel.ID + "/" + inAddress(ts)
}

// reference is the permalink of a message relative to that of another of its channel, as
// chat.getPermalink tells it: that of a reply opens its thread.
func (w *writer) reference(m message) string {
	if !m.isReply() {
		return inAddress(m.TS)
	}
	return inAddress(m.TS) + "?thread_ts=" + m.ThreadTS + "&cid=" + url.QueryEscape(w.channel.ID)
}

// inAddress is what Slack calls a message in addresses.
func inAddress(ts string) string { return "p" + strings.ReplaceAll(ts, ".", "") }

// modified returns when messages were last edited, at least least.
func modified(least time.Time, messages []message) time.Time {
	for _, m := range messages {
		least = later(least, at(m.Edited.TS))
	}
	return least
}

func revision(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}
