package confluence

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/webhook"
)

// hook understands the webhooks of Data Center: Atlassian's "Managing webhooks" and "Webhooks"
// of Confluence Data Center. Those of Cloud belong to apps and are not signed with a secret.
func hook() *connectors.Hook {
	return &connectors.Hook{Verify: webhook.Signed("X-Hub-Signature"), Read: readHook}
}

// The events that tell of something are named by what they are about, and by how they end.
var (
	about     = []string{"page_", "blog_", "blogpost_", "comment_", "attachment_", "content_", "space_"}
	removing  = []string{"_trashed", "_removed", "_deleted", "_archived"}
	permitted = []string{"group_", "user_", "content_permissions_", "space_permissions_"}
	idle      = []string{"_viewed", "_liked", "_unliked"}
)

// readHook returns what a delivery tells.
func readHook(_ map[string]string, d connectors.Delivery) (connectors.News, error) {
	body, err := webhook.Read(d)
	if err != nil {
		return connectors.News{}, err
	}
	news := connectors.News{
		ID: atlassian.DeliveryID(d), Tells: connectors.TellsNothing,
		Event: cmp.Or(d.Header.Get("X-Event-Key"), body.Text("event"), body.Text("webhookEvent"), body.Text("eventType")),
	}
	has := func(part func(s, part string) bool, names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return part(news.Event, name) })
	}
	switch {
	case has(strings.HasPrefix, permitted):
		news.Tells = connectors.TellsPermissions
	case !has(strings.HasPrefix, about), has(strings.HasSuffix, idle):
	case has(strings.HasSuffix, removing):
		news.Tells = connectors.TellsRemoval
	default:
		news.Tells = connectors.TellsChange
	}
	return news, nil
}
