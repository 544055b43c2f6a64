package jiratest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// Delivery returns headers and body with which a webhook of an administrator tells that
// what Put made was updated.
func (s *Site) Delivery(t testing.TB, secret, name string) (header map[string]string, body string) {
	t.Helper()
	s.edit(func() {
		i := s.issues[s.names[name]]
		b, err := json.Marshal(map[string]any{
			"timestamp": time.Now().UnixMilli(), "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_updated",
			"issue":     map[string]any{"id": i.id, "fields": map[string]any{"project": map[string]any{"key": i.project}}},
			"changelog": map[string]any{"id": s.next(), "items": []any{map[string]any{"field": "description", "fieldtype": "jira", "to": nil}}},
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
