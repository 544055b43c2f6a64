package jira_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/jira"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
)

func TestSettings(t *testing.T) {
	cloud := map[string]string{"url": "https://acme.atlassian.net", "email": "bot@example.com"}
	dc := map[string]string{"url": "https://jira.example.com/jira"}
	for _, tt := range []struct {
		base, change map[string]string
		says         string // empty: valid
	}{
		{cloud, nil, ""},
		{dc, nil, ""},
		{cloud, map[string]string{"email": "", "client_id": "c", "cloud_id": "i"}, ""},
		{cloud, map[string]string{"cloud_id": "i"}, ""},
		{map[string]string{"url": "https://issues.example.com", "edition": "cloud", "email": "bot@example.com"}, nil, ""},
		{dc, map[string]string{"security_levels": "Inner circle=group:staff\n10001=ann@example.com"}, ""},
		{cloud, map[string]string{"url": "acme.atlassian.net"}, "url: give an address"},
		{cloud, map[string]string{"url": "https://acme.atlassian.net/jira"}, "url: give the address of the site alone"},
		{cloud, map[string]string{"email": ""}, "email: give the address"},
		{cloud, map[string]string{"client_id": "c"}, "give one of them"},
		{cloud, map[string]string{"email": "", "client_id": "c"}, "https://acme.atlassian.net/_edge/tenant_info"},
		{cloud, map[string]string{"edition": "server"}, "edition: give cloud or datacenter"},
		{cloud, map[string]string{"security_levels": "a=group:b"}, "security_levels: Jira Cloud tells"},
		{dc, map[string]string{"security_levels": "inner"}, `security_levels: "inner" is not of the form`},
		{dc, map[string]string{"security_levels": "inner=group:"}, "security_levels:"},
		{dc, map[string]string{"security_levels": "inner=nobody"}, "security_levels:"},
		{dc, map[string]string{"email": "bot@example.com"}, "set edition to cloud"},
		{cloud, map[string]string{"people": "5b10"}, "people: \"5b10\" is not of the form"},
		{cloud, map[string]string{"people": "5b10=nobody"}, "people:"},
		{cloud, map[string]string{"projects": "A, B", "exclude_projects": "B"}, "exclude_projects: the project B"},
		{cloud, map[string]string{"comments": "yes"}, "comments: give on or off"},
		{cloud, map[string]string{"internal_comments": "yes"}, "internal_comments: give on or off"},
		{cloud, map[string]string{"max_attachment_size": "lots"}, "max_attachment_size: \"lots\" is not a size"},
		{cloud, map[string]string{"jql": "x"}, "has no setting"},
	} {
		settings := maps.Clone(tt.base)
		maps.Copy(settings, tt.change)
		err := jira.Kind().Validate(connectors.Environment{}, settings)
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%v: %v", settings, err)
		case tt.says != "" && (!errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%v: %v, want %q", settings, err, tt.says)
		}
	}
}

func TestTester(t *testing.T) {
	test := func(site *jiratest.Site) (string, error) {
		r := serve(t, site)
		return connectortest.Open(t, jira.Kind(), r.Env, site.SettingsAt(r.URL)).(connectors.Tester).Test(t.Context())
	}
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Put(t, "doc", "Doc", "Text.")
		if got, err := test(site); err != nil || got != "the credential is that of Bot Smith and reads 1 projects, such as DOCS" {
			t.Errorf("%q, %v", got, err)
		}
		site.User("Cid", "")
		if got, err := test(site); err != nil || !strings.Contains(got, "of 3 people in the group staff the addresses of 1 are unknown") {
			t.Errorf("%q, %v", got, err)
		}
		site.Browse("DOCS", jiratest.Holder{Type: "sd.customer.portal.only"})
		if got, err := test(site); err != nil || !strings.Contains(got, "nobody here may read that one") {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("levels", func(t *testing.T) {
		site := jiratest.NewDataCenter(t)
		site.Level("inner")
		if got, err := test(site); err != nil || !strings.Contains(got, "security levels") {
			t.Errorf("%q, %v", got, err)
		}
	})
	for scope, kind := range map[string]error{
		"read:jira-work": connectors.ErrForbidden, "read:jira-user": connectors.ErrForbidden, "manage:jira-configuration": connectors.ErrForbidden,
	} {
		site := jiratest.New(t)
		site.OAuth(scope)
		if got, err := test(site); !errors.Is(err, kind) || !strings.Contains(err.Error(), "scope") {
			t.Errorf("without %s: %q, %v", scope, got, err)
		}
	}
}

// TestNobody does not take what Jira shows to anonymous people for what the account sees:
// Data Center answers a wrong token so.
func TestNobody(t *testing.T) {
	site := jiratest.NewDataCenter(t)
	site.Put(t, "doc", "Doc", "Text.")
	open := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
		site.ServeHTTP(w, r)
	})
	r := connectortest.NewRemote(t, open, site.Secrets())
	c := connectortest.Open(t, jira.Kind(), r.Env, site.SettingsAt(r.URL))
	var failed error
	for _, failed = range c.(connectors.Lister).Externals(t.Context()) {
		continue
	}
	if !errors.Is(failed, connectors.ErrUnauthorized) {
		t.Errorf("%v", failed)
	}
}
