package slack

import (
	"context"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"github.com/cairnhq/cairn"
)

// audience is who sees what is posted in a channel.
type audience struct {
	members []cairn.Viewer
	// closed says why nothing is posted for all to see, for the one who asks; empty: it may be.
	closed string
}

// The reasons for which a channel is not answered for all to see.
const (
	closedShared   = "people of other organisations are in this channel"
	closedLarge    = "this channel has too many members to check what all of them may read"
	closedOutsider = "somebody in this channel, such as a guest, has no access to Cairn"
	closedUnknown  = "I cannot see who is in this channel; add me to it first"
)

// audience finds out who is in a channel now, and what each of them may read: members
// who were not approved what everyone may and is not denied to them, as do apps.
func (b *Bot) audience(ctx context.Context, channel string) (audience, error) {
	self, err := b.whoami(ctx)
	if err != nil {
		return audience{}, err
	}
	users, closed, err := b.members(ctx, channel)
	if err != nil || closed != "" {
		return audience{closed: closed}, err
	}
	if !slices.Contains(users, self) { // it could not post there
		return audience{closed: closedUnknown}, nil
	}
	var a audience
	for _, user := range users {
		if user == self {
			continue
		}
		h, s, err := b.holder(ctx, user, false)
		switch {
		case err != nil:
			return audience{}, err
		case s == member:
			a.members = append(a.members, viewerOf(h))
		case s == unmapped:
			as, err := b.unapproved(ctx, user)
			if err != nil {
				return audience{}, err
			}
			a.members = append(a.members, as...)
		default:
			return audience{closed: closedOutsider}, nil
		}
	}
	if len(a.members) == 0 {
		a.closed = closedUnknown
	}
	return a, nil
}

// membersPage is how many members are asked for at once.
const membersPage = 200

// members returns the ids of all members of a channel, or why it is closed.
func (b *Bot) members(ctx context.Context, channel string) (users []string, closed string, err error) {
	var info *slack.Channel
	err = b.call(ctx, func() (err error) {
		info, err = b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
		return err
	})
	if closed, err = closedFor("conversations.info", err); err != nil || closed != "" {
		return nil, closed, err
	}
	if info.IsShared || info.IsExtShared || info.IsOrgShared || info.IsPendingExtShared {
		return nil, closedShared, nil
	}
	cursor := ""
	for {
		var page []string
		err := b.call(ctx, func() (err error) {
			in := &slack.GetUsersInConversationParameters{ChannelID: channel, Cursor: cursor, Limit: membersPage}
			page, cursor, err = b.api.GetUsersInConversationContext(ctx, in)
			return err
		})
		if closed, err = closedFor("conversations.members", err); err != nil || closed != "" {
			return nil, closed, err
		}
		users = append(users, page...)
		slices.Sort(users)
		users = slices.Compact(users)
		switch {
		case len(users) > b.cfg.Audience+1: // the bot is one of them
			return nil, closedLarge, nil
		case cursor == "":
			return users, "", nil
		}
	}
}

// closedFor turns the refusal of a method that tells of a channel into a reason.
func closedFor(method string, err error) (string, error) {
	switch {
	case err == nil:
		return "", nil
	case hasCode(err, "channel_not_found", "not_in_channel", "missing_scope", "method_not_supported_for_channel_type", "fetch_members_failed", "access_denied", "channel_type_not_supported"):
		return closedUnknown, nil
	}
	return "", problem(method, err)
}

// whoami returns the bot's own user id, once Slack has told that the token is of the
// workspace.
func (b *Bot) whoami(ctx context.Context) (string, error) {
	b.mu.Lock()
	self := b.self
	b.mu.Unlock()
	if self != "" {
		return self, nil
	}
	var who *slack.AuthTestResponse
	err := b.call(ctx, func() (err error) {
		who, err = b.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return "", problem("auth.test", err)
	}
	if who.TeamID != b.cfg.Workspace {
		return "", fmt.Errorf("slack: the bot's token is of the workspace %q and not of %q", who.TeamID, b.cfg.Workspace)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.self = who.UserID
	return b.self, nil
}

// allRead reports whether each of the viewers by herself may read all of the documents
// now. It asks in another way than a search with cairn.Viewer.Also does, so that neither
// alone decides what is posted for all to see.
func (b *Bot) allRead(ctx context.Context, viewers []cairn.Viewer, documents []cairn.DocumentID) (bool, error) {
	if len(documents) == 0 {
		return true, nil
	}
	for _, v := range viewers {
		if ok, err := b.cfg.Store.Readable(ctx, v, documents); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}
