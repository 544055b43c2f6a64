package server

import (
	"errors"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/cairnhq/cairn"
)

// SlackSettings connect the bot with a Slack workspace. Without a workspace there is none.
type SlackSettings struct {
	Workspace         string `yaml:"workspace" env:"WORKSPACE"`                     // its id, T…
	SigningSecret     Secret `yaml:"signing_secret" env:"SIGNING_SECRET"`           // of the app
	SigningSecretFile string `yaml:"signing_secret_file" env:"SIGNING_SECRET_FILE"` // instead
	AppToken          Secret `yaml:"app_token" env:"APP_TOKEN"`                     // xapp-…, for Socket Mode
	AppTokenFile      string `yaml:"app_token_file" env:"APP_TOKEN_FILE"`           // instead
	BotToken          Secret `yaml:"bot_token" env:"BOT_TOKEN"`                     // xoxb-…
	BotTokenFile      string `yaml:"bot_token_file" env:"BOT_TOKEN_FILE"`           // instead
	// Domains are those of the addresses by which the workspace may say who somebody is. Others
	// are approved one by one.
	Domains     Words  `yaml:"domains" env:"DOMAINS"`
	MaxAudience int    `yaml:"max_audience" env:"MAX_AUDIENCE"` // members of a channel that is answered for all to see
	APIURL      string `yaml:"api_url" env:"API_URL"`           // of the Web API, when it is another than Slack's
}

// complete reads the secrets from their files and brings the domains into the form in
// which they are compared.
func (s *SlackSettings) complete() error {
	for i, domain := range s.Domains {
		s.Domains[i] = strings.ToLower(strings.TrimPrefix(domain, "@"))
	}
	return errors.Join(
		secretFrom("CAIRN_SLACK_SIGNING_SECRET", &s.SigningSecret, s.SigningSecretFile),
		secretFrom("CAIRN_SLACK_APP_TOKEN", &s.AppToken, s.AppTokenFile),
		secretFrom("CAIRN_SLACK_BOT_TOKEN", &s.BotToken, s.BotTokenFile))
}

// secretFrom reads a secret from a file, when one is named.
func secretFrom(name string, secret *Secret, file string) error {
	if file == "" {
		return nil
	}
	if secret.Set() {
		return cairn.Errorf(cairn.ErrInvalid, "%s and %s_FILE are both set; unset one of them", name, name)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return cairn.Errorf(cairn.ErrInvalid, "%s_FILE cannot be read: %v", name, err)
	}
	if *secret = NewSecret(strings.TrimSpace(string(b))); !secret.Set() {
		return cairn.Errorf(cairn.ErrInvalid, "%s_FILE is %s, which is empty; put the secret into it", name, file)
	}
	return nil
}

var workspaceID = regexp.MustCompile(`^T[A-Z0-9]{2,20}$`)

const maxAudience = 500 // each member of a channel is asked about at every question

func (s SlackSettings) validate() error {
	if s.Workspace == "" {
		if s.SigningSecret.Set() || s.AppToken.Set() || s.BotToken.Set() || len(s.Domains) > 0 {
			return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SLACK_WORKSPACE is missing; give the id of the workspace that is answered, such as T0123ABCD, or unset the other CAIRN_SLACK settings")
		}
		return nil
	}
	switch {
	case !workspaceID.MatchString(s.Workspace):
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SLACK_WORKSPACE is %q; give the id of the workspace, such as T0123ABCD: it is in the address of Slack in a browser", s.Workspace)
	case !s.SigningSecret.Set() && !s.AppToken.Set():
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SLACK_SIGNING_SECRET is missing; it is on the page Basic Information of the app. For Socket Mode give CAIRN_SLACK_APP_TOKEN instead, from the same page")
	case s.AppToken.Set() && !strings.HasPrefix(s.AppToken.Reveal(), "xapp-"):
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SLACK_APP_TOKEN is no app-level token, which begins with xapp-; make one on the page Basic Information of the app, with the scope connections:write")
	case !s.BotToken.Set():
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SLACK_BOT_TOKEN is missing; it is on the page OAuth & Permissions of the app and begins with xoxb-")
	case s.MaxAudience < 1 || s.MaxAudience > maxAudience:
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SLACK_MAX_AUDIENCE is %d; give 1 to %d", s.MaxAudience, maxAudience)
	}
	for _, domain := range s.Domains {
		if strings.ContainsAny(domain, "*@/: ") || !strings.Contains(domain, ".") {
			return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SLACK_DOMAINS holds %q; give whole domains, as in example.com", domain)
		}
	}
	if s.APIURL == "" {
		return nil
	}
	u, err := url.Parse(s.APIURL)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopbackAddr(net.JoinHostPort(u.Hostname(), "0"))) {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SLACK_API_URL is no address that begins with https://, such as https://slack-gov.com/api/")
	}
	return nil
}
