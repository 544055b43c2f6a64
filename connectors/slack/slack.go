// Package slack reads a Slack workspace: threads, the other messages of a channel by
// day, and files. A custom app's bot token reads the channels that the bot was added to.
//
// Slack has no feed of changes for polling. Each run therefore reads, of each channel, a
// window of days again, and now and then the whole channel: see pass.
//
// The Web API is asked with a few typed calls and not through slack-go. That client has
// its own loop of repeats, drops which scope is missing, and fails a whole page of
// messages for one block that it cannot decode; the calls here go through package
// remote, which paces, repeats and guards, and decode each message by itself.
package slack

import (
	"context"
	"net/url"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// Kind returns the kind of source "slack".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "slack",
		SyncEvery: 30 * time.Minute,
		ReadsACL:  true,
		Settings: []connectors.Setting{
			{Name: "token", Required: true, Secret: true, Help: "bot token of a custom app of the workspace, as in xoxb-…"},
			{Name: "types", Help: "what is read, of public_channel, private_channel and mpim (group DMs), separated by commas; default public_channel,private_channel"},
			{Name: "channels", Help: "names or ids of the only channels that are read, separated by commas; default: all that the bot was added to"},
			{Name: "skip_channels", Help: "names or ids of channels that are not read, separated by commas"},
			{Name: "public", Help: "who may read public channels: members (the default; full members of the workspace, and guests of the channel) or everyone (who is signed in to Cairn)"},
			{Name: "since", Help: "no messages before this day, as in 2024-01-31; default: all"},
			{Name: "window", Help: "how many days of each channel every sync reads again, for replies, edits and deletions, from 1 to 365; default 30"},
			{Name: "files", Help: "whether files are read: yes (the default) or no"},
			{Name: "max_file_size", Help: "larger files are reported and not read, in MB; default 50"},
			{Name: connectors.HookSecret, Secret: true, Help: "Signing Secret of the app, with which Slack signs the events that it tells of"},
			{Name: "url", Help: "address of Slack, when it is another: https://slack-gov.com; default https://slack.com"},
		},
		PruneEvery: 12 * time.Hour,
		Hook:       hook(),
		ListLast:   true,
		Check: func(_ connectors.Environment, settings map[string]string) error {
			_, err := parse(settings)
			return err
		},
		Open: func(env connectors.Environment, settings map[string]string) (connectors.Connector, error) {
			return open(env, settings)
		},
	}
}

// connector reads one workspace in one run.
type connector struct {
	cfg config
	env connectors.Environment
	api *api
	now func() time.Time

	site    *site // who and where; nil until it was read
	members map[string]membership
}

var (
	_ connectors.Lister    = (*connector)(nil)
	_ connectors.Parts     = (*connector)(nil)
	_ connectors.Directory = (*connector)(nil)
	_ connectors.Rereader  = (*connector)(nil)
	_ connectors.Tester    = (*connector)(nil)
)

func open(env connectors.Environment, settings map[string]string) (*connector, error) {
	cfg, err := parse(settings)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(env, cfg.url)
	if err != nil {
		return nil, err
	}
	now := env.Now
	if now == nil {
		now = time.Now
	}
	return &connector{cfg: cfg, env: env, api: a, now: now, members: map[string]membership{}}, nil
}

// site is what is the same for all channels: the workspace, its people and its channels.
type site struct {
	team     auth
	people   people
	channels []channel         // that are read
	names    map[string]string // of public channels, by id
	seen     int               // public channels that there are
	closed   int               // channels that are asked for, and the app was not added to
}

// load reads the site once in a run.
func (c *connector) load(ctx context.Context) (*site, error) {
	if c.site != nil {
		return c.site, nil
	}
	team, err := c.api.auth(ctx)
	if err != nil {
		return nil, err
	}
	s := &site{team: team, people: people{byID: map[string]user{}, team: team.TeamID, enterprise: team.EnterpriseID}, names: map[string]string{}}
	for page, err := range pages[usersPage](ctx, c.api, usersList, url.Values{"limit": {"999"}}, "the list of people") {
		if err != nil {
			return nil, err
		}
		for _, u := range page.Members {
			s.people.byID[u.ID] = u
		}
	}
	query := url.Values{"limit": {"999"}, "types": {c.cfg.typeList()}, "exclude_archived": {"false"}}
	for page, err := range pages[channelsPage](ctx, c.api, conversationsList, query, "the list of channels") {
		if err != nil {
			return nil, err
		}
		for _, ch := range page.Channels {
			s.add(ch, c.cfg)
		}
	}
	if s.closed > 0 {
		c.env.Warn(connectors.Warning{Code: "channels_not_joined", Count: s.closed,
			Message: "Channels that the settings ask for and the app has not been added to are not read: /invite it there, or leave them out."})
	}
	c.site = s
	return s, nil
}

func (s *site) add(ch channel, cfg config) {
	if ch.audience() == public {
		s.names[ch.ID] = ch.Name
		s.seen++
	}
	switch {
	case !cfg.wants(ch):
	case ch.reads():
		s.channels = append(s.channels, ch)
	case ch.audience() == public && !ch.Archived:
		s.closed++
	}
}

// client is a remote.Client for one method: Slack counts each by itself.
type client = remote.Client
