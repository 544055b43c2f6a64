package github

import (
	"net/http"
	"testing"

	"github.com/cairnhq/cairn/connectors"
)

func delivery(event, body string) connectors.Delivery {
	return connectors.Delivery{Header: http.Header{"X-Github-Event": {event}, "X-Github-Delivery": {"72d3162e-cc78-11e3-81ab-4c9367dc0958"}}, Body: []byte(body)}
}

func TestHookTells(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"owner": "acme", "repos": "!acme/secret-*", "read": "issues, pulls"}
	const repository = `"repository": {"full_name": "Acme/handbook"}, "organization": {"login": "acme"}`
	for _, c := range []struct {
		event, body string
		want        connectors.Tells
	}{
		{"ping", `{"zen": "Keep it logically awesome.", ` + repository + `}`, connectors.TellsNothing},
		{"issues", `{"action": "edited", ` + repository + `}`, connectors.TellsChange},
		{"issues", `{"action": "deleted", ` + repository + `}`, connectors.TellsRemoval},
		{"issues", `{"action": "transferred", ` + repository + `}`, connectors.TellsRemoval},
		{"issue_comment", `{"action": "created", ` + repository + `}`, connectors.TellsChange},
		{"issue_comment", `{"action": "deleted", ` + repository + `}`, connectors.TellsChange},
		{"pull_request_review", `{"action": "submitted", ` + repository + `}`, connectors.TellsChange},
		{"issues", `{"action": "edited", "repository": {"full_name": "acme/secret-plans"}}`, connectors.TellsNothing},
		{"issues", `{"action": "edited", "repository": {"full_name": "umbrella/handbook"}}`, connectors.TellsNothing},
		{"release", `{"action": "published", ` + repository + `}`, connectors.TellsNothing}, // are not read
		{"discussion", `{"action": "created", ` + repository + `}`, connectors.TellsNothing},
		{"workflow_run", `{"action": "completed", ` + repository + `}`, connectors.TellsNothing},
		{"push", `{` + repository + `}`, connectors.TellsNothing},
		{"repository", `{"action": "privatized", ` + repository + `}`, connectors.TellsPermissions},
		{"repository", `{"action": "publicized", ` + repository + `}`, connectors.TellsPermissions},
		{"public", `{` + repository + `}`, connectors.TellsPermissions},
		{"repository", `{"action": "renamed", ` + repository + `}`, connectors.TellsChange},
		{"repository", `{"action": "deleted", ` + repository + `}`, connectors.TellsRemoval},
		{"repository", `{"action": "transferred", "repository": {"full_name": "umbrella/handbook"}}`, connectors.TellsRemoval},
		{"member", `{"action": "removed", ` + repository + `}`, connectors.TellsPermissions},
		{"team", `{"action": "removed_from_repository", ` + repository + `}`, connectors.TellsPermissions},
		{"organization", `{"action": "member_removed", "organization": {"login": "acme"}}`, connectors.TellsPermissions},
		{"organization", `{"action": "member_removed", "organization": {"login": "umbrella"}}`, connectors.TellsNothing},
		{"membership", `{"action": "removed", "organization": {"login": "acme"}}`, connectors.TellsPermissions},
		{"", `{}`, connectors.TellsNothing},
	} {
		news, err := readHook(settings, delivery(c.event, c.body))
		if err != nil || news.Tells != c.want || news.ID != "72d3162e-cc78-11e3-81ab-4c9367dc0958" || news.Challenge != "" {
			t.Errorf("%s %s: %+v, %v; want %s", c.event, c.body, news, err, c.want)
		}
	}
	if news, err := readHook(settings, delivery("issues", `{"action": "edited"}`)); err != nil || news.Event != "issues.edited" {
		t.Errorf("the event is %q, %v", news.Event, err)
	}
	if _, err := readHook(settings, delivery("issues", `payload=%7B%7D`)); err == nil {
		t.Error("a form is taken for an object")
	}
}

func FuzzHook(f *testing.F) {
	f.Add("issues", []byte(`{"action": "edited", "repository": {"full_name": "acme/handbook"}}`))
	f.Add("repository", []byte(`{"action": 7, "repository": [], "organization": null}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		news, err := readHook(map[string]string{"owner": "acme"}, connectors.Delivery{Header: http.Header{"X-Github-Event": {event}}, Body: body})
		if (err == nil) != (news.Tells != "") {
			t.Errorf("%+v, %v", news, err)
		}
	})
}
