package api

import (
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// TestWebhookOfASource tells administrators where to send it, and what has come.
func TestWebhookOfASource(t *testing.T) {
	w := newWorld(t)
	w.api.BaseURL = "https://cairn.example"
	w.api.Kinds["hooked"] = connectors.Kind{Name: "hooked", Hook: &connectors.Hook{}, Settings: []connectors.Setting{{Name: connectors.HookSecret, Secret: true}}}
	told := func(method, path, body, want string) {
		t.Helper()
		if got := w.call(w.root, method, path, body); got.status > 201 || !strings.Contains(string(got.body), want) || strings.Contains(string(got.body), "canary") {
			t.Errorf("%s %s: %d %s; want %s", method, path, got.status, got.body, want)
		}
	}
	told("POST", "/api/v1/sources", `{"name":"hub","kind":"hooked"}`, `"webhook":{"url":"https://cairn.example/hooks/hub","ready":false}`)
	told("PATCH", "/api/v1/sources/hub", `{"settings":{"webhook_secret":"canary-7"}}`, `"webhook":{"url":"https://cairn.example/hooks/hub","ready":true}`)
	at := time.Date(2026, 11, 30, 9, 12, 0, 0, time.UTC)
	w.m.hook = HookStatus{Accepted: at, Event: "issues.edited"}
	told("GET", "/api/v1/sources/hub", "", `"accepted_at":"2026-11-30T09:12:00Z","event":"issues.edited"}`)
	for refusal := range refusals {
		w.m.hook = HookStatus{Refused: at, Refusal: refusal}
		told("GET", "/api/v1/sources/hub", "", `"refused_at":"2026-11-30T09:12:00Z","refusal":"`+refusal+`","reason":"`+refusals[refusal])
	}
	if got := w.call(w.root, "GET", "/api/v1/sources", ""); strings.Count(string(got.body), `"webhook"`) != 1 {
		t.Errorf("sources of other kinds have webhooks: %s", got.body)
	}
}
