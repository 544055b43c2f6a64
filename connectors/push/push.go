// Package push is the kind of source that programs bring documents to, through
// PUT /api/v1/sources/{name}/documents. It reads nothing by itself.
package push

import (
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Writers is the setting that lists the accounts which may write beside the
// administrators: e-mail addresses separated by commas.
const Writers = "writers"

// Kind returns the kind of source "push".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:   "push",
		Pushed: true,
		Settings: []connectors.Setting{
			{Name: Writers, Help: "e-mail addresses of the accounts that may write, separated by commas"},
		},
		Check: check,
	}
}

func check(_ connectors.Environment, settings map[string]string) error {
	for _, address := range strings.FieldsFunc(settings[Writers], func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		if !strings.Contains(address, "@") {
			return cairn.Errorf(cairn.ErrInvalid, "%q in the setting writers is not an e-mail address", address)
		}
	}
	return nil
}
