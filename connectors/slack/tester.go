package slack

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

// Test implements connectors.Tester.
func (c *connector) Test(ctx context.Context) (string, error) {
	team, err := c.api.auth(ctx)
	if err != nil {
		return "", err
	}
	if missing := missing(c.scopes(), team.scopes); len(missing) > 0 {
		return "", &connectors.Error{Kind: connectors.ErrForbidden, Message: "the token lacks the scopes " + strings.Join(missing, ", ") +
			": add them to the app's bot token scopes, install the app again, and give the source the new token"}
	}
	s, err := c.load(ctx)
	if err == nil {
		err = s.addressed()
	}
	if err != nil {
		return "", err
	}
	if len(s.channels) == 0 {
		return "", &connectors.Error{Kind: connectors.ErrForbidden,
			Message: "the bot is in none of the channels: add it with /invite @" + clean(team.User) + " in each that is to be read"}
	}
	for _, ch := range s.channels[:min(probes, len(s.channels))] {
		if err := c.limited(ctx, ch); err != nil {
			return "", err
		}
	}
	in := 0
	for _, ch := range s.channels {
		if ch.audience() == public {
			in++
		}
	}
	return fmt.Sprintf("the token is that of %s in the workspace %s and reads %d of %d public channels, and %d others",
		line(team.User), line(team.Team), in, s.seen, len(s.channels)-in), nil
}

const probes = 3 // channels of which a first page is read

// scopes are those that the settings need.
func (c *connector) scopes() []string {
	need := []string{"users:read", "users:read.email"}
	for _, kind := range c.cfg.types {
		name := map[string]string{"public_channel": "channels", "private_channel": "groups", "mpim": "mpim"}[kind]
		need = append(need, name+":read", name+":history")
	}
	if c.cfg.files {
		need = append(need, "files:read")
	}
	return need
}

// missing returns what is needed and was not given; nothing when Slack did not say what
// was given.
func missing(need, given []string) []string {
	if len(given) == 0 {
		return nil
	}
	return slices.DeleteFunc(need, func(scope string) bool { return slices.Contains(given, scope) })
}

// distributed is how many messages a reply has at most, since 29 May 2025, for an app that
// is distributed commercially and is not in the Marketplace.
const distributed = 15

// limited returns an error when Slack gives no more messages at a time than it gives to
// apps that are distributed: at one request a minute a workspace cannot be read.
func (c *connector) limited(ctx context.Context, ch channel) error {
	page, _, err := ask[messagesPage](ctx, c.api, conversationsHistory, url.Values{"channel": {ch.ID}, "limit": {"100"}}, "the messages of a channel")
	if err == nil && page.More && len(page.Messages) == distributed {
		return &connectors.Error{Kind: connectors.ErrRateLimited, Message: "Slack gives this app 15 messages at a time, as it does to apps that are distributed without being in its Marketplace: " +
			"make a custom app of your own in the workspace (docs/connectors/slack.md), which is not limited in this way"}
	}
	return err
}
