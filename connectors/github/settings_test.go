package github

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		settings map[string]string
		want     string // of the error; empty: none
	}{
		{map[string]string{}, ""},
		{map[string]string{"owner": "acme, Acme-Labs\nann_acme"}, ""},
		{map[string]string{"owner": " , "}, "owner: name at least one"},
		{map[string]string{"owner": "acme/handbook"}, "repositories in repos"},
		{map[string]string{"owner": "../acme"}, "is no organisation"},
		{map[string]string{"url": "github.com"}, "url: give an address"},
		{map[string]string{"url": "https://ann:pw@github.com"}, "url: there is a user"},
		{map[string]string{"url": "https://api.github.com"}, "such as https://github.com"},
		{map[string]string{"url": "https://api.acme.ghe.com"}, "such as https://acme.ghe.com"},
		{map[string]string{"url": "https://github.com/acme"}, "the organisation as owner"},
		{map[string]string{"url": "https://hub.acme.test/api/v3"}, "leave out the path"},
		{map[string]string{"repos": "handbook, infra-{a,b}, !acme/secret-*"}, ""},
		{map[string]string{"repos": "a/b/c"}, "no glob"},
		{map[string]string{"repos": "[a"}, "no glob"},
		{map[string]string{"repos": "!"}, "no glob"},
		{map[string]string{"read": "issues, pulls"}, ""},
		{map[string]string{"read": "issues, wiki"}, ""},
		{map[string]string{"read": "commits"}, "there are: issues, pulls"},
		{map[string]string{"state": "merged"}, "state: give open"},
		{map[string]string{"people": "octocat=ann@example.com, hubot=Bob@Example.com"}, ""},
		{map[string]string{"people": "octocat"}, "no pair"},
		{map[string]string{"people": "octocat=ann"}, "no pair"},
		{map[string]string{"people": "octocat=a@b.c, Octocat=d@e.f"}, "two addresses"},
		{map[string]string{"app": "42", "installation": "77"}, ""},
		{map[string]string{"app": "Iv1.8a61f9b3a7aba766", "installation": "77"}, ""},
		{map[string]string{"app": "42"}, "installation: give the number"},
		{map[string]string{"installation": "77"}, "app: give the App ID"},
		{map[string]string{"app": "42", "installation": "../77"}, "installation: give the number"},
		{map[string]string{"app": "42", "installation": "77", "owner": "a,b"}, "a source for each"},
		{map[string]string{"token": "ghp_x"}, "secret"},
		{map[string]string{"tokn": "x"}, `no setting "tokn"`},
	} {
		settings := map[string]string{"owner": "acme"}
		maps.Copy(settings, tt.settings)
		err := Kind().Validate(connectors.Environment{}, settings)
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%v: %v; want %q", tt.settings, err, tt.want)
		}
	}
}

// Credentials go to the host of the interfaces, which follows from the site's, and to that
// of the site for wikis.
func TestSites(t *testing.T) {
	for address, want := range map[string]site{
		"":                            {"https://github.com", "https://api.github.com", "", "graphql"},
		"https://github.com/":         {"https://github.com", "https://api.github.com", "", "graphql"},
		"https://www.github.com":      {"https://github.com", "https://api.github.com", "", "graphql"},
		"https://acme.ghe.com":        {"https://acme.ghe.com", "https://api.acme.ghe.com", "", "graphql"},
		"https://hub.acme.test":       {"https://hub.acme.test", "https://hub.acme.test", "api/v3/", "api/graphql"},
		"http://hub.acme.test:8443/":  {"http://hub.acme.test:8443", "http://hub.acme.test:8443", "api/v3/", "api/graphql"},
		"https://github.com.evil.com": {"https://github.com.evil.com", "https://github.com.evil.com", "api/v3/", "api/graphql"},
	} {
		p, err := parse(map[string]string{"owner": "acme", "url": address})
		if err != nil || p.site != want {
			t.Errorf("%s: %+v, %v; want %+v", address, p, err, want)
		}
	}
}
