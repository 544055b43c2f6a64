package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func slackSettings(t *testing.T, name, value string) {
	t.Helper()
	all := map[string]string{
		"CAIRN_SLACK_WORKSPACE": "T0ACME", "CAIRN_SLACK_SIGNING_SECRET": "hunter2", "CAIRN_SLACK_BOT_TOKEN": "xoxb-hunter3", "CAIRN_SLACK_DOMAINS": "@Acme.com",
	}
	all[name] = value
	for name, value := range all {
		t.Setenv(name, value)
	}
}

func TestSlackSettings(t *testing.T) {
	for _, c := range [][2]string{
		{"CAIRN_SLACK_WORKSPACE", ""}, {"CAIRN_SLACK_WORKSPACE", "acme"}, {"CAIRN_SLACK_SIGNING_SECRET", ""}, {"CAIRN_SLACK_BOT_TOKEN", ""}, {"CAIRN_SLACK_APP_TOKEN", "xoxb-hunter5"}, {"CAIRN_SLACK_APP_TOKEN_FILE", "/no/such/file"},
		{"CAIRN_SLACK_BOT_TOKEN_FILE", "/no/such/file"}, {"CAIRN_SLACK_DOMAINS", "*.acme.com"},
		{"CAIRN_SLACK_MAX_AUDIENCE", "0"}, {"CAIRN_SLACK_MAX_AUDIENCE", "501"}, {"CAIRN_SLACK_API_URL", "http://slack.example/api/"},
	} {
		t.Run(c[0]+"="+c[1], func(t *testing.T) {
			slackSettings(t, c[0], c[1])
			want := strings.TrimSuffix(c[0], "_FILE")
			if _, err := LoadSettings(configFile(t, ""), nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
				t.Errorf("got %v", err)
			}
		})
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("xoxb-hunter4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	slackSettings(t, "CAIRN_SLACK_BOT_TOKEN", "")
	t.Setenv("CAIRN_SLACK_BOT_TOKEN_FILE", file)
	s, err := LoadSettings(configFile(t, ""), nil)
	if err != nil || s.Slack.BotToken.Reveal() != "xoxb-hunter4" || s.Slack.Domains[0] != "acme.com" || s.Slack.MaxAudience != 50 || len(s.Unknown) > 0 {
		t.Errorf("got %+v, %v", s.Slack, err)
	}
	t.Setenv("CAIRN_SLACK_SIGNING_SECRET", "")
	t.Setenv("CAIRN_SLACK_APP_TOKEN", "xapp-hunter6")
	if s, err = LoadSettings(configFile(t, ""), nil); err != nil || s.Slack.AppToken.Reveal() != "xapp-hunter6" {
		t.Errorf("Socket Mode alone: %+v, %v", s.Slack, err)
	}
	var out strings.Builder
	if err := s.Print(&out); err != nil || strings.Contains(out.String(), "hunter") {
		t.Errorf("%v: %s", err, out.String())
	}
}
