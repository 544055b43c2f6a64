package slack

import (
	"context"
	"iter"
	"net/url"

	"github.com/cairnhq/cairn/connectors"
)

// Members implements connectors.Directory. Each channel is a group: a closed one has its
// members, a public one the full members of the workspace, who are a group of their own,
// and the guests that are in it. Nobody of another workspace is in any.
func (c *connector) Members(ctx context.Context) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		s, err := c.load(ctx)
		if err == nil {
			err = s.addressed()
		}
		if err != nil {
			yield(connectors.Member{}, err)
			return
		}
		for _, part := range []iter.Seq2[connectors.Member, error]{c.full(s), c.channelMembers(ctx, s), c.guests(ctx, s)} {
			for m, err := range part {
				if err == nil {
					err = context.Cause(ctx)
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// Parts implements connectors.Parts: a channel is a part.
func (c *connector) Parts(ctx context.Context) iter.Seq2[connectors.Part, error] {
	return func(yield func(connectors.Part, error) bool) {
		s, err := c.load(ctx)
		if err != nil {
			yield(connectors.Part{}, err)
			return
		}
		for _, ch := range s.channels {
			p := connectors.Part{Prefix: ofChannel(ch)}
			if p.ACL, err = c.acl(ctx, ch); err == nil {
				err = context.Cause(ctx)
			}
			if p.ACL == nil {
				p.Err = errUntold
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// addressed returns an error when no person has an address: without the scope
// users:read.email nobody has.
func (s *site) addressed() error {
	for id := range s.people.byID {
		if s.people.address(id) != "" {
			return nil
		}
	}
	return &connectors.Error{Kind: connectors.ErrForbidden,
		Message: "Slack tells nobody's address, without which nobody can be let in: add the scope users:read.email, install the app again, and give the source the new token"}
}

// full yields the full members of the workspace.
func (c *connector) full(s *site) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		for id, u := range s.people.byID {
			address := s.people.address(id)
			if address != "" && !u.isGuest() && !yield(connectors.Member{Group: s.team.TeamID, Email: address}, nil) {
				return
			}
		}
	}
}

// channelMembers yields who may read each channel, without the guests of public ones.
func (c *connector) channelMembers(ctx context.Context, s *site) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		for _, ch := range s.channels {
			if ch.audience() == public {
				if !yield(connectors.Member{Group: ch.ID, Subgroup: s.team.TeamID}, nil) {
					return
				}
				continue
			}
			m := membership{known: true}
			var err error
			if ch.audience() == closed {
				m, err = c.membersOf(ctx, ch)
			}
			if !yield(connectors.Member{Group: ch.ID, Untold: !m.known}, err) || err != nil { // known also when nobody is let in
				return
			}
			for _, id := range m.ids {
				if address := s.people.address(id); address != "" && !yield(connectors.Member{Group: ch.ID, Email: address}, nil) {
					return
				}
			}
		}
	}
}

// guests yields the guests of public channels. Guests are few, so that each is asked for.
func (c *connector) guests(ctx context.Context, s *site) iter.Seq2[connectors.Member, error] {
	return func(yield func(connectors.Member, error) bool) {
		read := map[string]bool{}
		for _, ch := range s.channels {
			read[ch.ID] = ch.audience() == public
		}
		for id, u := range s.people.byID {
			address := s.people.address(id)
			if address == "" || !u.isGuest() {
				continue
			}
			query := url.Values{"user": {id}, "types": {"public_channel"}, "limit": {"999"}, "exclude_archived": {"false"}}
			for page, err := range pages[channelsPage](ctx, c.api, usersConversations, query, "the channels of a guest") {
				if err != nil && concerns(err) {
					break // gone since the people were listed
				}
				if err != nil {
					yield(connectors.Member{}, err)
					return
				}
				for _, ch := range page.Channels {
					if read[ch.ID] && !yield(connectors.Member{Group: ch.ID, Email: address}, nil) {
						return
					}
				}
			}
		}
	}
}
