package githubtest

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// Delivery returns headers and body with which the webhook of the organisation tells of
// what Put made, as "Webhook events and payloads" has it: that it is "edited" or "deleted",
// or that its "readers" are others.
func (s *Site) Delivery(t testing.TB, secret, name, what string) (header map[string]string, body string) {
	t.Helper()
	s.Change(func(w *World) {
		i := s.named[name]
		r := w.Home(i)
		event, payload := "issues", map[string]any{
			"action":       what,
			"issue":        map[string]any{"id": i.id, "number": i.Number(), "title": i.Title, "updated_at": i.updated},
			"repository":   map[string]any{"id": r.id, "name": r.Name, "full_name": w.full(r)},
			"organization": map[string]any{"login": w.Organization},
			"sender":       map[string]any{"login": "ann"},
		}
		if what == "readers" {
			event, payload["action"], payload["member"] = "member", "removed", map[string]any{"login": "ann"}
			delete(payload, "issue")
		}
		b, err := json.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
		header = map[string]string{
			"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/044aadd", "X-GitHub-Event": event,
			"X-GitHub-Delivery": fmt.Sprintf("72d3162e-cc78-11e3-81ab-%012d", w.nextID()), "X-Hub-Signature-256": "sha256=" + connectortest.Sign(secret, body),
		}
	})
	return header, body
}
