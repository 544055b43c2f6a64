package jira_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/jira"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
)

func TestConformance(t *testing.T) {
	t.Run("Cloud", func(t *testing.T) {
		connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
			site := jiratest.New(t)
			site.OAuth()
			return source(t, site)
		})
	})
	t.Run("DataCenter", func(t *testing.T) {
		connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
			return source(t, jiratest.NewDataCenter(t))
		})
	})
}

// serve serves a site with faults before it.
func serve(t testing.TB, site *jiratest.Site) *connectortest.Remote {
	t.Helper()
	r := connectortest.NewRemote(t, http.Handler(site), site.Secrets())
	r.Instead("api.atlassian.com", "auth.atlassian.com")
	return r
}

func source(t *testing.T, site *jiratest.Site) connectortest.Source {
	r := serve(t, site)
	settings := site.SettingsAt(r.URL)
	if settings["client_id"] != "" {
		r.Expire = site.Expire
		site.Level("inner", jiratest.Holder{Type: "user", Parameter: "Ann"})
	}
	site.Project("OPS", "software")
	site.Role("OPS", "Developers", []string{"Bob"}, []string{"ops"})
	site.Browse("OPS", jiratest.Holder{Type: "projectRole", Parameter: "Developers"})
	ids := map[string]string{} // also of what was removed
	moves := 0
	return connectortest.Source{
		Remote:  r,
		Connect: func(t *testing.T) connectors.Connector { return connectortest.Open(t, jira.Kind(), r.Env, settings) },
		Put: func(t *testing.T, name, text string) {
			site.Put(t, name, "About "+name, text)
			ids[name] = site.ID(name)
		},
		Remove:   func(t *testing.T, name string) { site.Remove(t, name) },
		Break:    func(_ *testing.T, name string) { site.Break(name) },
		External: func(name string) string { return ids[name] },
		Move: func(_ *testing.T, name string) {
			moves++
			site.Move(name, []string{"DOCS", "OPS"}[moves%2])
		},
		Permit: func(_ *testing.T, name string, n int) { permit(site, name, n) },
		ACL: func(name string) *cairn.ACL {
			acl := site.ACL(name)
			return &acl
		},
		Content: func(r *http.Request, body string) bool {
			return strings.Contains(r.URL.Path, "/comment") || strings.Contains(r.URL.Path, "attachment") ||
				regexp.MustCompile(`"(summary|description|environment|comment)"`).MatchString(body)
		},
		PermissionRequests: 25,
		Puzzle:             func(_ *testing.T, name string) { site.Puzzle(name) },
	}
}

// permit arranges permissions. All but the first two change no issue.
func permit(site *jiratest.Site, name string, n int) {
	switch n {
	case 0:
		site.Assign(name, "Bob")
	case 1:
		if site.SettingsAt("")["client_id"] != "" {
			site.Secure(name, "inner")
		}
	case 2:
		site.Role("OPS", "Developers", []string{"Ann", "Cid"}, []string{"eng"})
	case 3:
		site.Browse("DOCS", jiratest.Holder{Type: "reporter"}, jiratest.Holder{Type: "assignee"}, jiratest.Holder{Type: "projectLead"})
	case 4:
		site.Browse("DOCS", jiratest.Holder{Type: "group", Parameter: "eng"}, jiratest.Holder{Type: "user", Parameter: "Cid"})
	case 5:
		site.Browse("DOCS", jiratest.Holder{Type: "anyone"}, jiratest.Holder{Type: "sd.customer.portal.only"})
	}
}
