package api

import (
	"strings"
	"testing"
)

func TestIndexIsVerifiedAndRebuilt(t *testing.T) {
	w := newWorld(t)
	verify := func(body, want string) {
		t.Helper()
		if got := w.call(w.root, "POST", "/api/v1/index/verify", body); got.status != 200 || !strings.Contains(string(got.body), want) {
			t.Errorf("verify: %d %s", got.status, got.body)
		}
	}
	verify(`{"quick":true}`, `"problems":[{"segment":7,"what":"its header is damaged"}]`)
	if !w.index.quick {
		t.Error("quick reads the texts")
	}
	if got := w.call(w.root, "POST", "/api/v1/index/rebuild", ""); got.status != 200 || !strings.Contains(string(got.body), `{"chunks":6}`) {
		t.Errorf("rebuild: %d %s", got.status, got.body)
	}
	verify("", `"problems":[]`)
	if w.index.quick {
		t.Error("the texts are left out")
	}
	if got := w.call(w.root, "POST", "/api/v1/index/rebuild", ""); got.status != 409 {
		t.Errorf("while it is maintained: %d %s", got.status, got.body)
	}
}
