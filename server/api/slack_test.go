package api

import (
	"strings"
	"testing"
)

// TestSlackPeople approves an address in Slack, and takes that back.
func TestSlackPeople(t *testing.T) {
	w := newWorld(t)
	for path, body := range map[string]string{
		"acme/ann@acme.com": `{"user":"ann@acme.com"}`, "T0ACME/ann": `{"user":"ann@acme.com"}`, "T0ACME/ann@acme.com": `{}`, "T0ACME/bob@acme.com": `{"user":"ann@acme.com","role":"admin"}`,
	} {
		if got := w.call(w.root, "PUT", "/api/v1/slack/people/"+path, body); got.status != 400 && got.status != 404 {
			t.Errorf("%s %s: %d", path, body, got.status)
		}
	}
	if got := w.call(w.root, "PUT", "/api/v1/slack/people/T0ACME/x@acme.com", `{"user":"nobody@acme.com"}`); got.status != 404 {
		t.Errorf("an unknown account: %d", got.status)
	}
	if got := w.call(w.root, "PUT", "/api/v1/slack/people/T0ACME/Ann@Agency.com", `{"user":"ann@acme.com"}`); got.status != 200 || !strings.Contains(string(got.body), `"email":"ann@agency.com"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call(w.root, "GET", "/api/v1/slack/people", ""); !strings.Contains(string(got.body), `"workspace":"T0ACME","email":"ann@agency.com"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, want := range []int{204, 404} {
		if got := w.call(w.root, "DELETE", "/api/v1/slack/people/T0ACME/ann@agency.com", ""); got.status != want {
			t.Errorf("delete: %d, want %d", got.status, want)
		}
	}
}
