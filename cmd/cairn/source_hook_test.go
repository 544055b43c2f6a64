package main

import (
	"strings"
	"testing"
)

func TestSourceShowsItsWebhook(t *testing.T) {
	for _, c := range []struct{ webhook, want string }{
		{``, ""},
		{`,"webhook":{"url":"https://cairn.example/hooks/hub","ready":false}`, "  webhook: none; give the source the secret webhook_secret, then it is https://cairn.example/hooks/hub\n"},
		{`,"webhook":{"url":"https://cairn.example/hooks/hub","ready":true}`, "  webhook: https://cairn.example/hooks/hub\n  last delivery: none has been accepted yet\n"},
		{
			`,"webhook":{"url":"/hooks/hub","ready":true,"accepted_at":"2026-11-30T09:12:00Z","event":"ping","refused_at":"2026-11-30T09:11:00Z","refusal":"unsigned","reason":"It was not signed."}`,
			"  webhook: /hooks/hub\n  last delivery: 2026-11-30 09:12 (ping)\n",
		},
		{
			`,"webhook":{"url":"/hooks/hub","ready":true,"accepted_at":"2026-11-30T09:12:00Z","event":"ping","refused_at":"2026-11-30T09:13:00Z","refusal":"unsigned","reason":"It was not signed."}`,
			"  last delivery: 2026-11-30 09:12 (ping)\n  a delivery was refused 2026-11-30 09:13: It was not signed.\n",
		},
	} {
		s := newShell(t)
		s.Reply("GET /api/v1/sources/{name}", 200, `{"name":"hub","kind":"github","settings":{},"secrets":[],"acl_mode":"source","schedule":"30m"`+c.webhook+`}`)
		code, out, told := s.run("source", "show", "hub")
		if code != exitDone || !strings.HasSuffix(out, c.want) || c.want == "" && strings.Contains(out, "webhook") {
			t.Errorf("of %s it is shown %q, %q", c.webhook, out, told)
		}
	}
}
