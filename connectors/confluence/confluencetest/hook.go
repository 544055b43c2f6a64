package confluencetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// Delivery returns headers and body with which a webhook of Data Center tells of what Put
// made: that it is "edited" or "deleted", or that its "readers" are others.
func (s *Site) Delivery(t testing.TB, secret, name, what string) (header map[string]string, body string) {
	t.Helper()
	if s.Cloud {
		t.Fatal("the webhooks of Cloud are not signed with a secret")
	}
	event := map[string]string{"edited": "page_updated", "deleted": "page_trashed", "readers": "content_permissions_updated"}[what]
	b, err := json.Marshal(map[string]any{
		"timestamp": time.Now().UnixMilli(), "event": event, "userKey": "ann", "page": map[string]any{"id": s.ID(name)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"Content-Type": "application/json", "X-Event-Key": event, "X-Request-Id": connectortest.Sign(secret, string(b), "id")[:32],
		"X-Hub-Signature": "sha256=" + connectortest.Sign(secret, string(b)),
	}, string(b)
}
