package github_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
)

// members reads the groups of a source: the addresses in each, those in groups within it
// included.
func members(t *testing.T, c connectors.Connector) (map[string]map[string]bool, error) {
	t.Helper()
	people, below := map[string]map[string]bool{}, map[string][]string{}
	for m, err := range c.(connectors.Directory).Members(t.Context()) {
		if err != nil {
			return nil, err
		}
		if people[m.Group] == nil {
			people[m.Group] = map[string]bool{}
		}
		if m.Email != "" {
			people[m.Group][m.Email] = true
		}
		if m.Subgroup != "" {
			below[m.Group] = append(below[m.Group], m.Subgroup)
		}
	}
	for range len(people) { // as deep as groups can lie
		for group, subgroups := range below {
			for _, s := range subgroups {
				maps.Copy(people[group], people[s])
			}
		}
	}
	return people, nil
}

// readers returns who may read each document, by title.
func readers(t *testing.T, c connectors.Connector, everybody ...string) map[string]string {
	t.Helper()
	groups, err := members(t, c)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	changes, _ := read(t, c, "")
	for _, change := range changes {
		var let []string
		for _, address := range everybody {
			viewer := cairn.Viewer{Keys: []cairn.PrincipalKey{cairn.Everyone, cairn.UserKey(address)}}
			for name, people := range groups {
				if people[address] {
					viewer.Keys = append(viewer.Keys, cairn.GroupKey("hub", name))
				}
			}
			if connectors.InDirectory(*change.ACL, "hub").Admits(viewer) {
				name, _, _ := strings.Cut(address, "@")
				let = append(let, name)
			}
		}
		out[change.Metadata.Title] = strings.Join(let, " ")
	}
	return out
}

// company is an organisation in which everybody's access has another reason.
func company(t *testing.T) *githubtest.Site {
	s := githubtest.New(t)
	s.Change(func(w *githubtest.World) {
		for _, login := range []string{"member", "lead", "junior", "direct", "mapped", "saml", "nameless"} {
			w.Invite(login, "")
		}
		w.Verified = map[string][]string{"member": {"member@acme.test"}, "lead": {"LEAD@acme.test"}, "junior": {"junior@acme.test"}, "direct": {"direct@acme.test"}, "root": {"root@acme.test"}}
		w.SAML = map[string]string{"saml": "Saml@acme.test", "nameless": "x-4711", "lead": "lead@acme.test"}
		w.Teams = []*githubtest.Team{
			{Slug: "platform", Members: []string{"lead"}, Repositories: map[string]string{"engine": "WRITE", "odd": "SOMETHING_NEW"}},
			{Slug: "platform-juniors", Parent: "platform", Members: []string{"junior", "mapped", "saml"}, Repositories: map[string]string{}},
			{Slug: "empty", Repositories: map[string]string{"engine": "READ"}},
		}
		for name, visibility := range map[string]string{"site": "PUBLIC", "wiki": "INTERNAL", "engine": "PRIVATE", "ledger": "PRIVATE", "odd": "PRIVATE", "hidden": "PRIVATE"} {
			w.Repository(name).Visibility = visibility
		}
		w.Repository("ledger").Collaborators = map[string]string{"direct": "READ", "outsider": "WRITE", "nameless": "ADMIN"}
		w.Repository("wiki").Collaborators = map[string]string{"outsider": "READ"}
		w.Repository("odd").Collaborators = map[string]string{"member": "PEEK"}
		w.Repository("hidden").Collaborators, w.Repository("hidden").Untold = map[string]string{"member": "READ"}, true
		for _, r := range w.Repositories {
			w.Add(r, &githubtest.Item{Kind: githubtest.Issue, Title: r.Name})
		}
	})
	return s
}

var everybody = []string{"member@acme.test", "lead@acme.test", "junior@acme.test", "direct@acme.test", "mapped@acme.test", "saml@acme.test", "root@acme.test", "outsider@else.test", "stranger@acme.test", "nameless@acme.test"}

// Who may read what: each by another way, and nobody whose address is not known.
func TestWhoMayRead(t *testing.T) {
	s := company(t)
	want := map[string]string{
		"site":   "member lead junior direct mapped saml root outsider stranger nameless",
		"wiki":   "member lead junior direct saml root",
		"engine": "lead junior saml root", // nested teams; owners read everything
		"ledger": "direct root",
		"odd":    "root", // permissions that nobody knows
		"hidden": "root", // the credential is not told
	}
	if d := cmp.Diff(want, readers(t, connect(t, s), everybody...)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	s.Change(func(w *githubtest.World) { w.BasePermission = "read" })
	for name, let := range readers(t, connect(t, s), everybody...) {
		if name != "site" && let != want["wiki"] {
			t.Errorf("all members may read all repositories; %s is read by %s", name, let)
		}
	}
}

// An organisation that is null in a reply without an error has no members and teams to tell
// of: that is no list without any.
func TestNoOrganization(t *testing.T) {
	for _, field := range []string{"membersWithRole", "teams"} {
		s := company(t)
		fake := s.Faults.Fake
		s.Faults.Fake = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), field+"(") {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"data":{"organization":null}}`))
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			fake.ServeHTTP(w, r)
		})
		if found, err := members(t, connect(t, s)); !errors.Is(err, connectors.ErrUnexpected) {
			t.Errorf("%s: %v, %v", field, found, err)
		}
	}
}

// Addresses that GitHub does not tell come from the setting, which wins over GitHub.
func TestPeople(t *testing.T) {
	s := company(t)
	people := "Mapped=Mapped@acme.test, outsider=outsider@else.test, direct=stranger@acme.test"
	want := map[string]string{
		"site":   "member lead junior direct mapped saml root outsider stranger nameless",
		"wiki":   "member lead junior mapped saml root outsider stranger",
		"engine": "lead junior mapped saml root",
		"ledger": "root outsider stranger",
		"odd":    "root",
		"hidden": "root",
	}
	if d := cmp.Diff(want, readers(t, connect(t, s, "people", people), everybody...)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Without the identities, which owners alone are told, there are fewer addresses; without
// the members, the list of groups fails, and nothing is taken for empty.
func TestScopes(t *testing.T) {
	s := company(t)
	for _, scope := range []string{"owner", "admin:org"} {
		s.Withhold(scope)
		groups, err := members(t, connect(t, s))
		if err != nil || groups["acme"]["saml@acme.test"] || !groups["acme"]["member@acme.test"] {
			t.Errorf("without %s: %v, %v", scope, groups["acme"], err)
		}
	}
	s.Withhold("addresses")
	groups, err := members(t, connect(t, s, "people", "lead=lead@acme.test"))
	if err != nil || len(groups["acme"]) != 1 || !groups["acme/platform"]["lead@acme.test"] {
		t.Errorf("without addresses: %v, %v", groups, err)
	}
	s.Withhold("read:org")
	if _, err := members(t, connect(t, s)); !errors.Is(err, connectors.ErrForbidden) {
		t.Errorf("members without read:org: %v", err)
	}
	if _, err := connect(t, s).(connectors.Tester).Test(t.Context()); err == nil || !strings.Contains(err.Error(), "read:org") {
		t.Errorf("the test does not say what is missing: %v", err)
	}
	// What everybody may read needs no groups.
	groups, err = members(t, connect(t, s, "repos", "site"))
	if err != nil || len(groups) != 0 {
		t.Errorf("public repositories alone: %v, %v", groups, err)
	}
}

// A credential needs no permission for what is not read; for what is, the error says so.
func TestPermissionOfDiscussions(t *testing.T) {
	s := company(t)
	s.Withhold("discussions")
	if changes, _ := read(t, connect(t, s, "read", "issues, pulls, releases"), ""); len(changes) != 6 {
		t.Errorf("%d documents", len(changes))
	}
	for _, err := range connect(t, s).Changes(t.Context(), "") {
		if !errors.Is(err, connectors.ErrForbidden) || !strings.Contains(err.Error(), "lacks a permission") {
			t.Errorf("%v", err)
		}
	}
}

// A group has the id of its repository: another one that comes to have the name does not
// inherit those who may read.
func TestGroupsOutliveNames(t *testing.T) {
	s := company(t)
	s.Change(func(w *githubtest.World) {
		w.Repository("ledger").Name = "ledger-2025"
		w.Add(w.Repository("ledger"), &githubtest.Item{Kind: githubtest.Issue, Title: "new"})
		w.Repository("ledger").Visibility = "PRIVATE"
	})
	got := readers(t, connect(t, s), everybody...)
	if got["new"] != "root" || got["ledger"] != "direct root" {
		t.Errorf("%v", got)
	}
}

func TestTest(t *testing.T) {
	s := company(t)
	got, err := connect(t, s).(connectors.Tester).Test(t.Context())
	const want = "the credential is that of root and reads 6 repositories: 1 public, 1 internal, 4 private; the addresses of 6 people in 10 groups are known"
	if err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	for _, tt := range []struct {
		settings []string
		want     string
	}{
		{[]string{"owner", "nobody"}, "no organisation or user nobody"},
		{[]string{"repos", "nothing"}, "sees no repository of acme"},
	} {
		if _, err := connect(t, s, tt.settings...).(connectors.Tester).Test(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.settings, err)
		}
	}
}

// The methods of the site for tests end to end.
func TestSite(t *testing.T) {
	s := githubtest.New(t)
	s.Put(t, "Travel Policy", "Travel policy", "Trains first.")
	s.Put(t, "pay", "Pay", "Secret.")
	s.Allow(t, "pay", "ann@acme.test")
	want := map[string]string{"Travel policy": "ann bob", "Pay": "ann"}
	if d := cmp.Diff(want, readers(t, connect(t, s), "ann@acme.test", "bob@acme.test")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	s.Allow(t, "pay")
	s.Remove(t, "Travel Policy")
	want = map[string]string{"Pay": ""}
	if d := cmp.Diff(want, readers(t, connect(t, s), "ann@acme.test", "bob@acme.test")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
