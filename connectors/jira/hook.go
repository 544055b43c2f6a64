package jira

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/webhook"
)

// hook understands the webhooks that administrators of a site make: Atlassian's
// "Webhooks" of Jira Cloud platform, and "Managing webhooks" of Jira Data Center. Those of
// Connect and OAuth apps are signed in other ways, and not believed.
func hook() *connectors.Hook {
	return &connectors.Hook{Verify: webhook.Signed("X-Hub-Signature"), Read: readHook}
}

// The events that tell of something, by the beginning of their names.
var (
	changing  = []string{"jira:issue_created", "jira:issue_updated", "comment_", "issuelink_", "attachment_created", "project_"}
	removing  = []string{"jira:issue_deleted", "attachment_deleted", "project_deleted", "project_soft_deleted", "project_archived"}
	permitted = []string{"user_"}
)

// readHook returns what a delivery tells.
func readHook(from map[string]string, d connectors.Delivery) (connectors.News, error) {
	cfg, err := parse(from)
	if err != nil {
		return connectors.News{}, err
	}
	body, err := webhook.Read(d)
	if err != nil {
		return connectors.News{}, err
	}
	news := connectors.News{ID: atlassian.DeliveryID(d), Event: body.Text("webhookEvent"), Tells: connectors.TellsNothing}
	begins := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(news.Event, name) })
	}
	moved, detached := changed(body)
	key := body.Object("issue").Object("fields").Object("project").Text("key")
	if key == "" {
		key = body.Object("project").Text("key")
	}
	switch foreign := key != "" && !cfg.reads(project{Key: key}); {
	case foreign && !moved:
	case begins(removing), moved, detached:
		news.Tells = connectors.TellsRemoval
	case begins(changing):
		news.Tells = connectors.TellsChange
	case begins(permitted):
		news.Tells = connectors.TellsPermissions
	}
	return news, nil
}

// changed reports whether the issue of a payload has come to another project, and whether
// it has lost an attachment.
func changed(body webhook.Fields) (moved, detached bool) {
	for _, item := range body.Object("changelog").Objects("items") {
		switch item.Text("field") {
		case "project":
			moved = true
		case "Attachment":
			detached = detached || item.Text("to") == ""
		}
	}
	return moved, detached
}
