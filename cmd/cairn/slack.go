package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/outbound"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/slack"
)

// slackTask is the name of tasks of the bot in Slack.
const slackTask = "slack"

// slackTimeout is how long Slack may take for a reply.
const slackTimeout = 20 * time.Second

// openSlack makes the bot that answers in Slack, which does nothing without a workspace.
func openSlack(s server.Settings, p *parts, a *auth.Authenticator) *slack.Bot {
	p.slack = postgres.NewSlack(p.db, func(ctx context.Context, tx pgx.Tx, id string) error {
		return p.jobs.Enqueue(ctx, tx, slackTask, id)
	})
	network := outbound.Config{Allowed: s.AllowedNetworks, Timeout: slackTimeout}
	bot := slack.New(slack.Config{
		Store: p.slack, Auth: a, Asker: p.asker, Finder: p.retriever, Audit: p.audit, Log: p.log,
		HTTP: outbound.NewClient(network), Dial: outbound.NewNetwork(network).DialContext,
		Workspace: s.Slack.Workspace, SigningSecret: s.Slack.SigningSecret, AppToken: s.Slack.AppToken, Token: s.Slack.BotToken,
		Domains: s.Slack.Domains, Audience: s.Slack.MaxAudience, APIURL: s.Slack.APIURL, BaseURL: s.PublicOrigin(),
	})
	p.jobs.Handle(slackTask, bot.Work)
	p.listen = bot.Listen
	return bot
}

// rescueSlack takes up what the bot was asked by a server that has died.
func (p *parts) rescueSlack(ctx context.Context) error {
	if p.slack == nil { // the server is not made yet
		return nil
	}
	return p.slack.Rescue(ctx)
}
