package scim_test

import (
	"net/http"
	"testing"

	"github.com/cairnhq/cairn/server/scim"
)

// TestEveryChangeIsAudited: what changes users or groups is in the audit log, what
// reads them, for those who manage them, is not.
func TestEveryChangeIsAudited(t *testing.T) {
	for _, r := range scim.New(scim.Config{}).Routes() {
		if (r.Method != http.MethodGet) != (r.Audit != "") {
			t.Errorf("%s %s: action %q", r.Method, r.Path, r.Audit)
		}
	}
}
