package cairn_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
)

func TestSecretsAreNotShown(t *testing.T) {
	secret := cairn.NewSecret("canary")
	source := cairn.Source{Secrets: map[string]cairn.Secret{"token": secret}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "source", source, "pointer", &secret)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret, "source", source, "pointer", &secret)
	for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&log, form+form+form, secret, source, struct{ S *cairn.Secret }{&secret})
	}
	if err := json.NewEncoder(&log).Encode(source); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "canary") || strings.Contains(log.String(), fmt.Sprintf("%x", "canary")) {
		t.Errorf("the secret is shown:\n%s", &log)
	}
	if secret.Reveal() != "canary" || !secret.Equal(cairn.NewSecret("canary")) || secret.Equal(cairn.Secret{}) {
		t.Error("the secret is not kept")
	}
}
