package atlassian

import (
	"errors"
	"slices"
	"testing"

	"github.com/cairnhq/cairn"
)

func TestSettings(t *testing.T) {
	if got := List(" a, b\n,c ,"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("list %q", got)
	}
	for value, want := range map[string]bool{"": true, "on": true, "off": false} {
		if got, err := OnOff("comments", value, true); err != nil || got != want {
			t.Errorf("%q: %t, %v", value, got, err)
		}
	}
	if _, err := OnOff("comments", "yes", true); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("yes: %v", err)
	}
}
