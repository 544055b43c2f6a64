package github

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/webhook"
)

// hook understands the webhooks of repositories, organisations and Apps: GitHub's
// "Webhook events and payloads" of REST API version 2022-11-28.
func hook() *connectors.Hook {
	return &connectors.Hook{Verify: webhook.Signed("X-Hub-Signature-256"), Read: readHook}
}

// readBy says what setting read must name for an event to matter; empty: none.
var readBy = map[string]string{
	"issues": issues, "issue_comment": "", "sub_issues": issues, "pull_request": pulls, "pull_request_review": pulls,
	"pull_request_review_comment": pulls, "pull_request_review_thread": pulls, "discussion": discussions,
	"discussion_comment": discussions, "release": releases, "gollum": "wiki",
	"repository": "", "public": "", "installation": "", "installation_repositories": "",
	"member": "", "membership": "", "organization": "", "team": "", "team_add": "",
}

// aboutPeople are events that change who may read something, and no document.
var aboutPeople = []string{"member", "membership", "organization", "team", "team_add"}

// permitting are actions that change who may read all of a repository.
var permitting = []string{"privatized", "publicized"}

// removing are actions after which something is not where it was.
var removing = []string{"deleted", "transferred", "unpublished", "removed", "archived"}

// readHook returns what a delivery tells. Events that are about nothing that is read,
// such as those of workflows, tell nothing: webhooks can send them all.
func readHook(settings map[string]string, d connectors.Delivery) (connectors.News, error) {
	p, err := parse(settings)
	if err != nil {
		return connectors.News{}, err
	}
	body, err := webhook.Read(d)
	if err != nil {
		return connectors.News{}, err
	}
	event, action := d.Header.Get("X-GitHub-Event"), body.Text("action")
	news := connectors.News{ID: d.Header.Get("X-GitHub-Delivery"), Event: event, Tells: connectors.TellsNothing}
	if action != "" {
		news.Event += "." + action
	}
	what, known := readBy[event]
	switch {
	case !known, what != "" && !p.read[what], !p.concerns(body):
	case slices.Contains(aboutPeople, event), event == "public", event == "repository" && slices.Contains(permitting, action):
		news.Tells = connectors.TellsPermissions
	case slices.Contains(removing, action) && event != "issue_comment":
		news.Tells = connectors.TellsRemoval
	default:
		news.Tells = connectors.TellsChange
	}
	return news, nil
}

// concerns reports whether a payload is about an owner and a repository that are read, as
// far as it names them.
func (p *parsed) concerns(body webhook.Fields) bool {
	repository, owner := body.Object("repository").Text("full_name"), body.Object("organization").Text("login")
	if repository != "" {
		owner, _, _ = strings.Cut(repository, "/")
	}
	if owner != "" && !slices.ContainsFunc(p.owners, func(o string) bool { return strings.EqualFold(o, owner) }) {
		return body.Text("action") == "transferred" // to another owner
	}
	return repository == "" || p.wants(repository)
}
