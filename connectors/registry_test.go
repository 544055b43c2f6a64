package connectors_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

func TestEveryKindHasAnAuthority(t *testing.T) {
	kinds := connectors.NewRegistry(
		connectors.Kind{Name: "plain"},
		connectors.Kind{Name: "own", Settings: []connectors.Setting{{Name: "path"}}},
	)
	for name, kind := range kinds {
		for _, value := range []string{"0", "0.5", "0.25", "1", "1.0"} {
			if err := kind.Validate(connectors.Environment{}, map[string]string{"authority": value}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, value := range []string{"", "high", "-0.1", "1.1", "2", "NaN", "0x1p-1", "1e-400", "0,5", " 1"} {
			err := kind.Validate(connectors.Environment{}, map[string]string{"authority": value})
			if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), "from 0 to 1") {
				t.Errorf("%s: authority %q: %v", name, value, err)
			}
		}
		err := kind.Validate(connectors.Environment{}, map[string]string{"authorty": "1"})
		if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), "it has: ") || !strings.HasSuffix(err.Error(), "authority, schedule, list_every") {
			t.Errorf("%s: %v; want an error that names the settings", name, err)
		}
	}
}

func TestListEvery(t *testing.T) {
	kind := connectors.Kind{Name: "k", PruneEvery: time.Hour}
	for value, want := range map[string]time.Duration{"15m": 15 * time.Minute, "6h": 6 * time.Hour, "720h": 720 * time.Hour} {
		settings := map[string]string{connectors.ListEvery: value}
		if err := kind.Validate(connectors.Environment{}, settings); err != nil || kind.ListsEvery(settings) != want {
			t.Errorf("%s: %v, %s", value, err, kind.ListsEvery(settings))
		}
	}
	for _, value := range []string{"", "14m59s", "721h", "6", "-6h", "daily", "7d"} {
		settings := map[string]string{connectors.ListEvery: value}
		err := kind.Validate(connectors.Environment{}, settings)
		if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), "from 15m to 720h") || kind.ListsEvery(settings) != time.Hour {
			t.Errorf("%q: %v, %s", value, err, kind.ListsEvery(settings))
		}
	}
	if got := kind.ListsEvery(nil); got != time.Hour {
		t.Errorf("unset: %s", got)
	}
	pushed := connectors.Kind{Name: "p", Pushed: true}
	if err := pushed.Validate(connectors.Environment{}, map[string]string{connectors.ListEvery: "6h"}); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("a source that is pushed to: %v", err)
	}
}
