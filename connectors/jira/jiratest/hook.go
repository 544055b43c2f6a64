package jiratest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// Delivery returns headers and body with which a webhook of an administrator tells of what
// Put made: that it is "edited" or "deleted", or that its "readers" are others, by another
// security level.
func (s *Site) Delivery(t testing.TB, secret, name, what string) (header map[string]string, body string) {
	t.Helper()
	s.edit(func() {
		i := s.issues[s.names[name]]
		event, field := "jira:issue_updated", map[string]string{"edited": "description", "readers": "security"}[what]
		if what == "deleted" {
			event = "jira:issue_deleted"
		}
		b, err := json.Marshal(map[string]any{
			"timestamp": time.Now().UnixMilli(), "webhookEvent": event,
			"issue":     map[string]any{"id": i.id, "fields": map[string]any{"project": map[string]any{"key": i.project}}},
			"changelog": map[string]any{"id": s.next(), "items": []any{map[string]any{"field": field, "fieldtype": "jira", "to": nil}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
		header = map[string]string{
			"Content-Type": "application/json; charset=UTF-8", "X-Atlassian-Webhook-Identifier": s.next(),
			"X-Hub-Signature": "sha256=" + connectortest.Sign(secret, body),
		}
	})
	return header, body
}
