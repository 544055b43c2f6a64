package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
)

// TestAdministratorsGetNoText sends an administrator, with all rights, through every
// route about what only somebody else may read.
func TestAdministratorsGetNoText(t *testing.T) {
	s := newSite(t)
	th := s.things(s.person(cairn.RoleMember))
	th.made["running"] = th.fill("$message")
	shown, done := 0, 0
	all := operations(t)
	for _, operation := range all {
		method, _, _ := strings.Cut(operation, " ")
		for _, request := range append([]string{requestFor(t, operation)}, carried[operation]...) {
			filled := th.fill(request)
			if method == http.MethodGet && strings.Contains(th.send(method, filled, bearer(th.owner.token)...).body, th.word) {
				shown++
			}
			got := th.send(method, filled, bearer(s.admin.token)...)
			if strings.Contains(got.body, th.word) {
				t.Errorf("%s: %d %s", operation, got.status, got.body)
			}
			if got.status < 300 {
				th.use(operation, request)
				done++
			}
			signsIn := strings.Contains(operation, "/login") || operation == "POST /oauth/token"
			if got.status == http.StatusBadRequest && !signsIn || got.status >= 500 {
				t.Errorf("%s says nothing: %d %s", operation, got.status, got.body)
			}
		}
	}
	if shown < 6 || done < 30 {
		t.Errorf("the owner reads the word on %d routes, the administrator has done something on %d: this test says little", shown, done)
	}
	t.Logf("the owner reads the word on %d routes, the administrator has done something on %d of %d", shown, done, len(all))
}
