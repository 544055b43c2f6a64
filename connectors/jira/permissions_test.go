package jira_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
)

func keys(names ...cairn.PrincipalKey) []cairn.PrincipalKey {
	return append([]cairn.PrincipalKey{}, names...)
}

const (
	ann   = cairn.PrincipalKey("user:ann@example.com")
	bob   = cairn.PrincipalKey("user:bob@example.com")
	cid   = cairn.PrincipalKey("user:cid@example.com")
	dan   = cairn.PrincipalKey("user:dan@example.com")
	staff = cairn.PrincipalKey("group::staff")
	eng   = cairn.PrincipalKey("group::eng")
	ops   = cairn.PrincipalKey("group::ops")
)

func TestHolders(t *testing.T) {
	hold := func(kind, parameter string) jiratest.Holder { return jiratest.Holder{Type: kind, Parameter: parameter} }
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.User("Dan", "")
		site.Put(t, "fault", "Fault", "Text.")
		site.Role("DOCS", "Developers", []string{"Bob", "Dan", "Cid"}, []string{"ops"})
		site.Assign("fault", "Bob")
		site.Fill("fault", jiratest.Watchers, []any{site.Person("Cid"), site.Person("Dan")})
		site.Fill("fault", jiratest.Teams, []any{map[string]any{"name": "eng", "groupId": "g"}, map[string]any{"name": "ops"}})
		for _, tt := range []struct {
			name     string
			browse   []jiratest.Holder
			settings map[string]string
			want     []cairn.PrincipalKey
		}{
			{"nobody", nil, nil, keys()},
			{"anyone", []jiratest.Holder{hold("anyone", "")}, nil, keys(cairn.Everyone)},
			{"a group", []jiratest.Holder{hold("group", "staff")}, nil, keys(staff)},
			{"a group of everybody", []jiratest.Holder{hold("group", "staff")}, map[string]string{"everyone": "staff"}, keys(cairn.Everyone)},
			{"a user", []jiratest.Holder{hold("user", "Ann")}, nil, keys(ann)},
			{"a user who hides", []jiratest.Holder{hold("user", "Dan")}, nil, keys()},
			{"a user whose address is told", []jiratest.Holder{hold("user", "Dan")}, map[string]string{"people": "Dan=dan@example.com, name-Dan=dan@example.com"}, keys(dan)},
			{"the lead", []jiratest.Holder{hold("projectLead", "")}, nil, keys(cid)},
			{"a role", []jiratest.Holder{hold("projectRole", "Developers")}, nil, keys(ops, bob, cid)},
			{"users of an application", []jiratest.Holder{hold("applicationRole", "jira-software")}, nil, keys(eng, ops)},
			{"users of any application", []jiratest.Holder{hold("applicationRole", "")}, nil, keys(eng, ops, staff)},
			{"everybody who uses an application", []jiratest.Holder{hold("applicationRole", "jira-software")}, map[string]string{"everyone": "jira-software"}, keys(cairn.Everyone)},
			{"everybody who signs in", []jiratest.Holder{hold("applicationRole", "")}, map[string]string{"everyone": "applicationRole"}, keys(cairn.Everyone)},
			{"reporter and assignee", []jiratest.Holder{hold("reporter", ""), hold("assignee", "")}, nil, keys(ann, bob)},
			{"people in a field", []jiratest.Holder{hold("userCustomField", jiratest.Watchers)}, nil, keys(cid)},
			{"groups in a field", []jiratest.Holder{hold("groupCustomField", jiratest.Teams)}, nil, keys(eng, ops)},
			{"what is not known", []jiratest.Holder{hold("sd.customer.portal.only", ""), hold("moon", "staff"), hold("user", "Ann")}, nil, keys(ann)},
		} {
			t.Run(tt.name, func(t *testing.T) {
				site.Browse("DOCS", tt.browse...)
				c := read(t, site, tt.settings).must()[site.ID("fault")]
				if c.Err != nil {
					t.Fatal(c.Err)
				}
				if d := cmp.Diff(&cairn.ACL{Allow: [][]cairn.PrincipalKey{tt.want}}, c.ACL); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		}
	})
}

// TestCustomer gives an issue to somebody who uses the portal alone: Jira itself shows
// them no issue.
func TestCustomer(t *testing.T) {
	site := jiratest.New(t)
	site.Customer("Eve", "eve@example.com")
	site.Put(t, "ticket", "Ticket", "Text.")
	site.Assign("ticket", "Eve")
	site.Browse("DOCS", jiratest.Holder{Type: "assignee"}, jiratest.Holder{Type: "user", Parameter: "Eve"})
	want := cairn.Allow(keys()...)
	if d := cmp.Diff(&want, read(t, site, nil).must()[site.ID("ticket")].ACL); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSecurityLevels(t *testing.T) {
	site := jiratest.New(t)
	site.Role("DOCS", "Developers", []string{"Bob"}, nil)
	site.Level("inner", jiratest.Holder{Type: "projectRole", Parameter: "Developers"}, jiratest.Holder{Type: "reporter"})
	site.Level("empty")
	for _, name := range []string{"open", "inner", "empty"} {
		site.Put(t, name, name, "Text.")
	}
	site.Secure("inner", "inner")
	site.Secure("empty", "empty")
	r := read(t, site, nil)
	found := r.must()
	for name, want := range map[string]cairn.ACL{
		"open":  cairn.Allow(staff),
		"inner": {Allow: [][]cairn.PrincipalKey{{staff}, {ann, bob}}},
		"empty": {Allow: [][]cairn.PrincipalKey{{}, {staff}}},
	} {
		if d := cmp.Diff(&want, found[site.ID(name)].ACL); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}

	// Nothing changes an issue when somebody joins a level.
	site.Level("inner", jiratest.Holder{Type: "user", Parameter: "Cid"})
	want := cairn.ACL{Allow: [][]cairn.PrincipalKey{{staff}, {cid}}}
	if d := cmp.Diff(&want, r.must()[site.ID("inner")].ACL); d != "" {
		t.Errorf("after its level changed (-want +got):\n%s", d)
	}

	site.Demote() // nobody tells who is in a level
	found = r.must()
	if got := code(found[site.ID("inner")]); got != connectors.PermissionsNotUnderstood {
		t.Errorf("a level whose members are unknown: %q, %v", got, found[site.ID("inner")].ACL)
	}
	if c := found[site.ID("open")]; c.Err != nil {
		t.Errorf("an issue without a level: %v", c.Err)
	}
}

func TestSecurityLevelsOfDataCenter(t *testing.T) {
	site := jiratest.NewDataCenter(t)
	site.Put(t, "told", "Told", "Text.")
	site.Put(t, "untold", "Untold", "Text.")
	site.Put(t, "open", "Open", "Text.")
	site.Level("inner")
	site.Level("outer")
	site.Secure("told", "inner")
	site.Secure("untold", "outer")
	found := read(t, site, map[string]string{"security_levels": "inner=group:eng, inner=bob@example.com"}).must()
	want := cairn.ACL{Allow: [][]cairn.PrincipalKey{{eng, bob}, {staff}}}
	if d := cmp.Diff(&want, found[site.ID("told")].ACL); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := code(found[site.ID("untold")]); got != connectors.PermissionsNotUnderstood {
		t.Errorf("a level of which nobody told: %q", got)
	}
	if c := found[site.ID("open")]; c.Err != nil {
		t.Errorf("an issue without a level: %v", c.Err)
	}
}

// TestHiddenLevel reads issues whose security level Jira does not tell, as it does when the
// field is hidden: where the project has levels, they may have one.
func TestHiddenLevel(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Put(t, "doc", "Doc", "Text.")
		site.Hide("security")
		r := read(t, site, nil)
		if c := r.must()[site.ID("doc")]; c.Err != nil {
			t.Errorf("in a project without levels: %v", c.Err)
		}
		site.Level("inner")
		if c := r.must()[site.ID("doc")]; code(c) != connectors.PermissionsNotUnderstood {
			t.Errorf("in a project with levels: %v, %v", c.Err, c.ACL)
		}
	})
}

// TestTeamManaged reads a project that its team manages, whose issues are restricted in
// another way.
func TestTeamManaged(t *testing.T) {
	site := jiratest.New(t)
	site.Level("inner") // of other projects
	site.Project("TEAM", "team")
	site.Browse("TEAM", jiratest.Holder{Type: "group", Parameter: "staff"})
	site.Role("TEAM", "Administrator", []string{"Ann"}, nil)
	site.Role("TEAM", "Member", nil, []string{"eng"})
	for _, name := range []string{"open", "two", "puzzle"} {
		site.PutIn(t, "TEAM", name, name, jiratest.Plain("", "Text."))
	}
	site.Restrict("two", site.RoleID("TEAM", "Administrator"), site.RoleID("TEAM", "Member"))
	site.Puzzle("puzzle")
	r := read(t, site, nil)
	found := r.must()
	for name, want := range map[string]cairn.ACL{
		"open": cairn.Allow(staff),
		"two":  {Allow: [][]cairn.PrincipalKey{{eng, ann}, {staff}}},
	} {
		if d := cmp.Diff(&want, found[site.ID(name)].ACL); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if got := code(found[site.ID("puzzle")]); got != connectors.PermissionsNotUnderstood {
		t.Errorf("a restriction that is not known: %q", got)
	}
	site.Hide("issuerestriction")
	if got := code(read(t, site, nil).must()[site.ID("open")]); got != connectors.PermissionsNotUnderstood {
		t.Errorf("restrictions that are not told: %q", got)
	}
	site.Show("issuerestriction")
	site.Role("TEAM", "Administrator", []string{"Bob"}, nil)
	want := cairn.ACL{Allow: [][]cairn.PrincipalKey{{eng, bob}, {staff}}}
	if d := cmp.Diff(&want, r.must()[site.ID("two")].ACL); d != "" {
		t.Errorf("after its role changed (-want +got):\n%s", d)
	}
}

// TestClosed reads a project whose configuration the account may not see.
func TestClosed(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Project("OPS", "software")
		site.Browse("OPS", jiratest.Holder{Type: "anyone"})
		site.Put(t, "doc", "In DOCS", "Text.")
		site.PutIn(t, "OPS", "ops", "In OPS", jiratest.Plain("", "Text."))
		file := site.Attach("ops", "a.txt", "text/plain", "a")
		site.Close("OPS")
		found := read(t, site, nil).must()
		for _, external := range []string{site.ID("ops"), "attachment-" + file} {
			if c := found[external]; code(c) != connectors.PermissionsUnknown {
				t.Errorf("%s: %v, %v", external, c.Err, c.ACL)
			}
		}
		if found[site.ID("doc")].Err != nil {
			t.Errorf("that of the other project: %v", found[site.ID("doc")].Err)
		}
		_, err := read(t, site, map[string]string{"projects": "OPS"}).connect().(connectors.Tester).Test(t.Context())
		if !errors.Is(err, connectors.ErrForbidden) {
			t.Errorf("source test says %v", err)
		}
	})
}
