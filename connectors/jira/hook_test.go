package jira

import (
	"net/http"
	"testing"

	"github.com/cairnhq/cairn/connectors"
)

var hooked = map[string]string{"url": "https://jira.example.com", "exclude_projects": "SECRET"}

func TestHookTells(t *testing.T) {
	t.Parallel()
	issue := func(event, project, items string) string {
		return `{"timestamp": 1525698237764, "webhookEvent": "` + event + `", "issue": {"id": "1", "fields": {"project": {"key": "` + project +
			`"}}}, "changelog": {"items": [` + items + `]}}`
	}
	for _, c := range []struct {
		body string
		want connectors.Tells
	}{
		{issue("jira:issue_created", "DOCS", ""), connectors.TellsChange},
		{issue("jira:issue_updated", "DOCS", `{"field": "summary", "to": null}`), connectors.TellsChange},
		{issue("jira:issue_updated", "SECRET", ""), connectors.TellsNothing},
		{issue("jira:issue_updated", "SECRET", `{"field": "project", "from": "1", "to": "2"}`), connectors.TellsRemoval}, // it was in DOCS
		{issue("jira:issue_updated", "DOCS", `{"field": "Attachment", "from": "7", "to": null}`), connectors.TellsRemoval},
		{issue("jira:issue_updated", "DOCS", `{"field": "Attachment", "from": null, "to": "7"}`), connectors.TellsChange},
		{issue("jira:issue_deleted", "DOCS", ""), connectors.TellsRemoval},
		{issue("comment_created", "DOCS", ""), connectors.TellsChange},
		{issue("comment_deleted", "DOCS", ""), connectors.TellsChange},
		{issue("attachment_deleted", "DOCS", ""), connectors.TellsRemoval},
		{`{"webhookEvent": "project_deleted", "project": {"key": "DOCS"}}`, connectors.TellsRemoval},
		{`{"webhookEvent": "project_deleted", "project": {"key": "SECRET"}}`, connectors.TellsNothing},
		{`{"webhookEvent": "project_updated", "project": {"key": "DOCS"}}`, connectors.TellsChange},
		{`{"webhookEvent": "user_deleted"}`, connectors.TellsPermissions},
		{`{"webhookEvent": "sprint_started"}`, connectors.TellsNothing},
		{`{"webhookEvent": "worklog_created"}`, connectors.TellsNothing},
		{`{"webhookEvent": 7}`, connectors.TellsNothing},
	} {
		d := connectors.Delivery{Header: http.Header{"X-Atlassian-Webhook-Identifier": {"23847623847"}}, Body: []byte(c.body)}
		news, err := readHook(hooked, d)
		if err != nil || news.Tells != c.want || news.ID != "23847623847" {
			t.Errorf("%s: %+v, %v; want %s", c.body, news, err, c.want)
		}
	}
}

func FuzzHook(f *testing.F) {
	f.Add([]byte(`{"webhookEvent": "jira:issue_updated", "issue": {"fields": {"project": {"key": "DOCS"}}}, "changelog": {"items": [{"field": "project"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		news, err := readHook(hooked, connectors.Delivery{Header: http.Header{}, Body: body})
		if (err == nil) != (news.Tells != "") {
			t.Errorf("%+v, %v", news, err)
		}
	})
}
