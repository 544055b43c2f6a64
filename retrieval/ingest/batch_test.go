package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/connectors"
)

// Names of documents do not get into the log.
func TestErrorsAreLoggedWithoutNames(t *testing.T) {
	c := connectors.Change{External: "hr/Ada Byron.pdf", Metadata: connectors.Metadata{Title: "Dismissal of Ada", URL: "https://acme.test/ada-byron"}}
	err := fmt.Errorf("open /srv/hr/Ada Byron.pdf (%s, %q): permission denied", c.Metadata.URL, c.Metadata.Title)
	got := nameless(c, err)
	if lower := strings.ToLower(got); strings.Contains(lower, "ada") || strings.Contains(lower, "byron") || !strings.Contains(got, "permission denied") {
		t.Error(got)
	}
}
