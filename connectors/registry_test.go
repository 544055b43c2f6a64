package connectors_test

import (
	"errors"
	"strings"
	"testing"

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
		if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), "it has: ") || !strings.HasSuffix(err.Error(), "authority, schedule") {
			t.Errorf("%s: %v; want an error that names the settings", name, err)
		}
	}
}
