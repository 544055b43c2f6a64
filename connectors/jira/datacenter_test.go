package jira

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestShows finds the files in wiki markup.
func TestShows(t *testing.T) {
	for markup, want := range map[string][]string{
		"Done!":                                  nil,
		"See !plan.png! and !a b.png|thumbnail!": {"plan.png", "a b.png"},
		"In [^log.txt] and [the log|^old.txt]":   {"log.txt", "old.txt"},
		"A picture: !https://example.com/a.png!": nil,
		"Wow! !plan.png!":                        {""}, // whichever
		"a^2^ and [a link|https://example.com]":  nil,
		"!plan.png|width=10,height=20! ok":       {"plan.png"},
	} {
		raw, err := json.Marshal(markup)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, (&datacenter{}).shows(raw)); d != "" {
			t.Errorf("%s (-want +got):\n%s", markup, d)
		}
	}
	if got := (&datacenter{}).shows(json.RawMessage(`{"type":"doc"}`)); len(got) != 1 || got[0] != "" {
		t.Errorf("of a text of another form it is said %q", got)
	}
}
