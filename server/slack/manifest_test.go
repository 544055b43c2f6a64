package slack

import (
	"bytes"
	"net/url"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"
)

func manifest(t *testing.T, name string) (m slack.Manifest) {
	t.Helper()
	b, err := os.ReadFile("../../examples/slack/" + name)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

// TestManifests: what the examples ask Slack to send is what the bot takes, where it takes
// it, and both ask for the same.
func TestManifests(t *testing.T) {
	t.Parallel()
	m, socket := manifest(t, "manifest.yaml"), manifest(t, "manifest-socket-mode.yaml")
	var served []string
	for _, r := range New(Config{}).Routes() {
		served = append(served, r.Path)
	}
	for _, address := range []*string{&m.Settings.EventSubscriptions.RequestUrl, &m.Settings.Interactivity.RequestUrl, &m.Features.SlashCommands[0].Url} {
		if u, err := url.Parse(*address); err != nil || !slices.Contains(served, u.Path) {
			t.Errorf("%q is no route: %v", *address, err)
		}
		*address = ""
	}
	if len(m.Features.Shortcuts) != 1 || m.Features.Shortcuts[0].CallbackID != aboutCallback || m.Features.Shortcuts[0].Type != slack.MessageShortcut {
		t.Errorf("%+v", m.Features.Shortcuts)
	}
	if m.Settings.SocketModeEnabled || !socket.Settings.SocketModeEnabled {
		t.Error("Socket Mode is on in the one and off in the other")
	}
	m.Settings.SocketModeEnabled = true
	if diff := cmp.Diff(m, socket); diff != "" {
		t.Errorf("the manifests differ:\n%s", diff)
	}
}
