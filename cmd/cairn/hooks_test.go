package main

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/connectors/confluence/confluencetest"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
	"github.com/cairnhq/cairn/connectors/slack/slacktest"
)

// hookedFake tells by a webhook of what was put, signed with a secret: that it is "edited" or
// "deleted", or that its "readers" are others.
type hookedFake interface {
	faked
	guardedFake
	Delivery(t testing.TB, secret, name, what string) (header map[string]string, body string)
}

// withHook is a fake whose source has the secret of its webhook, and no schedule: what is
// found of a change is found by the webhook.
type withHook struct {
	hookedFake
	secret string
}

func (w withHook) Settings() map[string]string {
	settings := maps.Clone(w.hookedFake.Settings())
	settings["schedule"] = "off"
	return settings
}

func (w withHook) Secrets() map[string]string {
	secrets := maps.Clone(w.hookedFake.Secrets())
	secrets["webhook_secret"] = w.secret
	return secrets
}

// TestHooks lets places tell of a change, to two servers of one database: it is found
// without a sync that anybody asks for, by one run.
func TestHooks(t *testing.T) {
	t.Parallel()
	key := filepath.Join(openTempDir(t), "keys")
	if err := os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, "CAIRN_ALLOWED_NETWORKS=127.0.0.0/8", "CAIRN_SECRET_KEY_FILE="+key, "CAIRN_PUBLIC_URL=https://cairn.example")
	replica := &program{t: t, data: openTempDir(t), addr: freeAddr(t), env: s.env}
	replica.start()
	ann, bob := s.personAt("ann@example.com", cairn.RoleMember), s.personAt("bob@example.com", cairn.RoleMember)
	places := map[string]func(testing.TB) hookedFake{
		"confluence": func(t testing.TB) hookedFake { return confluencetest.NewDataCenter(t) },
		"github":     func(t testing.TB) hookedFake { return githubtest.New(t) },
		"jira":       func(t testing.TB) hookedFake { return jiratest.New(t) },
		"slack":      func(t testing.TB) hookedFake { return slacktest.New(t) },
	}
	var secrets []string
	t.Run("of", func(t *testing.T) {
		for kind, open := range places {
			f := withHook{nil, "canary-of-the-webhook-of-" + kind}
			secrets = append(secrets, f.secret)
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				f.hookedFake = open(t)
				r := &reading{site: s.with(t), kind: kind, faked: f, ann: ann, bob: bob}
				second := &site{&program{t: t, addr: replica.addr}, s.db, s.admin, s.folder, s.database}
				hearFake(r, f, second)
			})
		}
	})
	s.stop()
	replica.stop()
	for _, secret := range secrets {
		if strings.Contains(s.log.String()+replica.log.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

// hearFake has the place of a source tell of changes.
func hearFake(r *reading, f withHook, replica *site) {
	r.Put(r.t, "guide", "Travel guide", "The hotel limit in Tromsø is 170 euros a night.")
	r.Put(r.t, "menu", "Canteen", "On Fridays the canteen serves fish soup.")
	r.allow("menu", r.ann.Email, r.bob.Email)
	r.allow("guide", r.ann.Email)
	r.add()
	if hook := r.hook(); hook.URL != "https://cairn.example/hooks/"+r.kind || !hook.Ready || hook.AcceptedAt != nil || hook.RefusedAt != nil {
		r.t.Errorf("administrators are told %+v", hook)
	}
	r.sync(false)

	r.Put(r.t, "guide", "Travel guide", "The hotel limit in Tromsø is 190 euros a night.")
	header, body := f.Delivery(r.t, f.secret, "guide", "edited")
	for _, to := range []*site{r.site, replica, r.site} { // a place that heard no answer tells again
		if got := to.send("POST", "/hooks/"+r.kind+" "+body, flat(header)...); got.status != 200 {
			r.t.Fatalf("the delivery is answered with %d %s", got.status, got.body)
		}
	}
	begun := time.Now()
	r.until("the change", func() bool { return strings.Contains(r.ask(r.ann).Text, "190") })
	r.t.Logf("a change is found %s after it was told", time.Since(begun).Round(100*time.Millisecond))
	if hook := r.hook(); hook.AcceptedAt == nil || hook.Event == "" || hook.RefusedAt != nil {
		r.t.Errorf("administrators are told %+v", hook)
	}
	time.Sleep(2 * time.Second)
	if n := r.countRuns(); n != 2 {
		r.t.Errorf("there were %d runs, want the first and one for what was told three times", n)
	}

	r.allow("guide", r.bob.Email)
	header, body = f.Delivery(r.t, f.secret, "guide", "readers")
	if got := replica.send("POST", "/hooks/"+r.kind+" "+body, flat(header)...); got.status != 200 {
		r.t.Fatalf("the delivery is answered with %d %s", got.status, got.body)
	}
	r.until("other permissions", func() bool { return strings.Contains(r.ask(r.bob).Text, "190") })
	r.closed(r.ann, "who may read it no longer")

	header, body = f.Delivery(r.t, f.secret+"-of-a-stranger", "guide", "edited")
	if got := r.send("POST", "/hooks/"+r.kind+" "+body, flat(header)...); got.status != 404 || strings.Contains(got.body, r.kind) {
		r.t.Errorf("a forged one is answered with %d %s", got.status, got.body)
	}
	r.until("the refusal", func() bool { return r.hook().Refusal == "unsigned" })
	r.secretsStay()

	header, body = f.Delivery(r.t, f.secret, "guide", "deleted")
	r.Remove(r.t, "guide")
	if got := r.send("POST", "/hooks/"+r.kind+" "+body, flat(header)...); got.status != 200 {
		r.t.Fatalf("the delivery is answered with %d %s", got.status, got.body)
	}
	if r.kind != "slack" { // a thread with all its replies is missed by a listing alone
		r.until("the end", func() bool {
			got := r.send("POST", `/api/v1/search {"query": "hotel limit Tromsø", "sources": ["`+r.kind+`"]}`, bearer(r.bob.token)...)
			return got.status == 200 && !strings.Contains(got.body, "190 euros")
		})
	}
	header, body = f.Delivery(r.t, f.secret, "menu", "edited")
	r.must(r.admin, "DELETE", "/api/v1/sources/"+r.kind, nil)
	if got := r.send("POST", "/hooks/"+r.kind+" "+body, flat(header)...); got.status != 404 {
		r.t.Errorf("a source that is gone answers with %d %s", got.status, got.body)
	}
}

// hook returns what administrators are told of the webhook.
func (r *reading) hook() client.Webhook {
	r.t.Helper()
	var s client.Source
	r.must(r.admin, "GET", "/api/v1/sources/"+r.kind, &s)
	if s.Webhook == nil {
		r.t.Fatal("nothing is told of the webhook")
	}
	return *s.Webhook
}

// countRuns counts those that read documents.
func (r *reading) countRuns() (n int) {
	r.t.Helper()
	var reply struct{ Runs []json.RawMessage }
	r.must(r.admin, "GET", "/api/v1/sources/"+r.kind+"/runs", &reply)
	for _, raw := range reply.Runs {
		var run struct {
			PermissionsOnly bool `json:"permissions_only"`
		}
		r.check(json.Unmarshal(raw, &run))
		if !run.PermissionsOnly {
			n++
		}
	}
	return n
}

// flat returns headers as send takes them.
func flat(header map[string]string) (out []string) {
	for name, value := range header {
		out = append(out, name, value)
	}
	return out
}
