package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/server/audit"
)

// preview asks what a change of a source would do.
func (w *world) preview(source, body string) (preview, replied) {
	w.Helper()
	got := w.call(w.root, "POST", "/api/v1/sources/"+source+"/acl/preview", body)
	var out preview
	if got.status == 200 {
		got.into(w.T, &out)
	}
	return out, got
}

func TestPreviewOfPermissions(t *testing.T) {
	w := newWorld(t)
	before := w.m.sources[0]
	out, raw := w.preview("handbook", `{"acl":"group:cairn:finance"}`)
	if out.Documents != 2 || out.NextSync || out.Lose.Accounts != 3 || out.Gain.Accounts != 0 || len(out.Lose.First) != 3 {
		t.Errorf("%s", raw.body)
	}
	if first := out.Lose.First[0]; first.Email != "bob@acme.com" || first.ID != w.bob.account.ID || first.Documents != 2 {
		t.Errorf("%+v", first)
	}
	if rows := w.requested(raw); len(rows) != 1 || rows[0].Detail != "documents:2 lose:3 gain:0" || rows[0].Object != (audit.Object{Kind: audit.KindSource, ID: "s1"}) {
		t.Errorf("the log says %+v", rows)
	}
	got := w.call(w.root, "POST", "/api/v1/sources/handbook/acl/preview?limit=1", `{"acl":"group:cairn:finance"}`)
	if !strings.Contains(string(got.body), `"lose":{"accounts":3,"first":[{`) || strings.Count(string(got.body), "email") != 1 {
		t.Errorf("limit 1: %s", got.body)
	}
	if out, _ := w.preview("secrets", `{"acl":"everyone"}`); out.Gain.Accounts != 3 || out.Lose.Accounts != 0 {
		t.Errorf("%+v", out)
	}
	if out, _ := w.preview("secrets", `{}`); out.Documents != 0 || out.Lose.First == nil {
		t.Errorf("%+v", out)
	}
	if d := cmp.Diff(before, w.m.sources[0]); d != "" {
		t.Errorf("the preview has changed the source:\n%s", d)
	}
	for body, status := range map[string]int{
		`{"acl":"all"}`: 400, `{"acl":"source"}`: 400, `{"settings":{"path":null}}`: 400, `{"alc":"everyone"}`: 400,
	} {
		if _, got := w.preview("handbook", body); got.status != status {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if _, got := w.preview("nope", `{"acl":"everyone"}`); got.status != 404 {
		t.Errorf("unknown: %d", got.status)
	}
}

// Settings that say who may read single documents hold from the next sync on.
func TestPreviewOfRules(t *testing.T) {
	w := newWorld(t)
	w.api.Kinds["files"] = connectors.Kind{
		Name: "files", Settings: []connectors.Setting{{Name: "path"}, {Name: "only"}},
		Rules: func(settings map[string]string) (func(string) *cairn.ACL, error) {
			return func(external string) *cairn.ACL {
				if external != settings["only"] {
					return nil
				}
				acl := cairn.Allow(connectors.SiteGroup("eng"), "group:cairn:finance")
				return &acl
			}, nil
		},
	}
	out, raw := w.preview("handbook", `{"settings":{"only":"meals.md"}}`)
	if out.Documents != 1 || !out.NextSync || out.Lose.Accounts != 3 || out.Gain.Accounts != 0 {
		t.Errorf("%s", raw.body)
	}
	if out, _ := w.preview("handbook", `{"acl":"private"}`); out.NextSync || out.Documents != 2 {
		t.Errorf("without other settings: %+v", out)
	}
	own, err := w.api.ownACLs(cairn.Source{Name: "wiki", Kind: "files"}, cairn.Source{Settings: map[string]string{"only": "a"}})
	if err != nil || own("a").Allow[0][0] != cairn.GroupKey("wiki", "eng") || own("b") != nil {
		t.Errorf("the groups of a site are those of its directory: %v", err)
	}
}
