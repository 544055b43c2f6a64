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
	for text, want := range map[string]int64{"": 50 << 20, "20MB": 20 << 20, "1 kb": 1 << 10, "7": 7} {
		if got, err := size(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"0", "-1MB", "many", "1.5GB"} {
		if _, err := size(text); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
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
