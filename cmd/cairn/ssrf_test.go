package main

import (
	"context"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// TestA12_35_NoAnswerLeadsToTheCanary lets the site of every kind of source lead elsewhere
// with each thing that it answers: by a redirect, and by all addresses in it. It leads once
// to where it may, so that it is known at which places a connector follows to another host:
// they stand in followed. Then it leads to addresses that must not be reached: to each 48th
// of them at every place, to all of them at one place of each kind of source, whose sites
// share them, or to all everywhere where CAIRN_TEST_SSRF is "all". What may be reached is told
// no credential.
func TestA12_35_NoAnswerLeadsToTheCanary(t *testing.T) {
	t.Parallel()
	follows := map[string][]string{}
	following := slices.DeleteFunc(slices.Collect(maps.Keys(followed)), func(name string) bool { return followed[name] == nil })
	for name, open := range frontedSites() {
		t.Run(name, func(t *testing.T) { follows[name] = leadAstray(t, open(t), shareOf(name, following)) })
	}
	if diff := cmp.Diff(followed, follows); diff != "" && !t.Failed() {
		t.Errorf("where connectors follow to another host (-want +got):\n%s", diff)
	}
}

func leadAstray(t *testing.T, f *fronted, own share) (follows []string) {
	canary, names := connectortest.NewCanary(t), &connectortest.Names{}
	network, kind := connectortest.OnlyFine(t, names), kinds()[f.kind]
	if err := exercise(t.Context(), kind, f.environment(t, network, f.secrets()), f.settings, true); err != nil {
		t.Fatalf("when nothing is changed: %v", err)
	}
	forbidden, whole := canary.Forbidden(t), os.Getenv("CAIRN_TEST_SSRF") == "all"
	for i, place := range f.Asked() {
		for _, way := range []string{"redirect", "links"} {
			// lead returns whether there was anything to lead with.
			lead := func(to string, n int, briefly bool) bool {
				if len(f.instead) > 0 { // from https, nothing else is followed
					to = strings.Replace(to, "http://", "https://", 1)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				led, done := false, false
				f.Change(func(at string, r *http.Request, a *passed) {
					switch {
					case done && briefly: // what follows the redirect has happened
						cancel()
					case at == place && way == "redirect":
						a.redirect(r, []int{301, 302, 303, 307, 308}[n%5], to)
						led, done = true, true
					case at == place:
						led = a.lead(to) || led
					}
				})
				names.Rebind(true)
				_ = exercise(ctx, kind, f.environment(t, network, f.secrets()), f.settings, n%2 == 0)
				return led
			}
			if !lead(canary.Fine(), 0, false) {
				continue
			}
			fine, _ := canary.Reached()
			first := fine > 0 && len(follows) == 0
			switch {
			case fine > 0 && way == "redirect" && !slices.Contains(follows, "redirects"):
				follows = append(follows, "redirects")
			case fine > 0 && way == "links":
				follows = append(follows, "links of "+place)
			}
			for n, to := range forbidden {
				if !whole && (!first || !own.has(n)) && (n+i)%48 != 0 {
					continue
				}
				lead(to, n, way == "redirect")
				if _, n := canary.Reached(); n > 0 {
					t.Fatalf("%s of %s to %s: %d connections came to the canary", way, place, to, n)
				}
			}
		}
	}
	for secret, value := range f.secrets() {
		if told := canary.Told(); strings.Contains(told, value) || strings.Contains(told, "Authorization") {
			t.Errorf("the %s, or another credential, was sent to the canary: %s", secret, told)
		}
	}
	slices.Sort(follows)
	return follows
}

// followed is where connectors follow to another host, without the credential.
var followed = map[string][]string{
	"confluence app":        {"links of GET api.atlassian.com/ex/confluence/#/wiki/rest/api/content/#/child/attachment/#/download", "redirects"},
	"confluence cloud":      {"links of GET /wiki/rest/api/content/#/child/attachment/#/download", "redirects"},
	"confluence datacenter": {"links of GET /confluence/rest/api/content"},
	"git":                   nil,
	"github app":            {"links of GET /api/v3/repos/acme/guide/issues", "redirects"},
	"github token":          {"links of GET /api/v3/repos/acme/guide/issues", "redirects"},
	"jira app":              {"links of GET api.atlassian.com/ex/jira/#/rest/api/3/attachment/content/#", "redirects"},
	"jira cloud":            {"links of GET /rest/api/3/attachment/content/#", "redirects"},
	"jira datacenter":       nil,
	"slack":                 {"redirects"},
	"web":                   nil,
}

// TestA12_35_NoSettingLeadsToTheCanary gives every setting of every kind of source an
// address that may be reached, so that it is known which settings lead to a host: they stand
// in hosts. Those of a kind are then given each address that must not be reached, which its
// sites share; the others some of them, or all where CAIRN_TEST_SSRF is "all".
func TestA12_35_NoSettingLeadsToTheCanary(t *testing.T) {
	t.Parallel()
	leads := map[string][]string{}
	sites := frontedSites()
	for _, kind := range slices.Sorted(maps.Keys(kinds())) {
		var ways []string
		for name := range sites {
			if of, _, _ := strings.Cut(name, " "); of == kind {
				ways = append(ways, name)
			}
		}
		_, local := offline[kind]
		if len(ways) == 0 != local {
			t.Errorf("the kind %s has %d sites in this test", kind, len(ways))
		}
		if local {
			sites[kind], ways = func(testing.TB) *fronted {
				return &fronted{kind: kind, secrets: func() map[string]string { return nil }}
			}, []string{kind}
		}
		for _, name := range ways {
			t.Run(name, func(t *testing.T) {
				leads[kind] = append(leads[kind], tryAll(t, sites[name](t), shareOf(name, ways))...)
			})
		}
	}
	maps.DeleteFunc(leads, func(_ string, found []string) bool { return len(found) == 0 })
	for kind, found := range leads {
		slices.Sort(found)
		leads[kind] = slices.Compact(found)
	}
	if diff := cmp.Diff(hosts, leads); diff != "" && !t.Failed() {
		t.Errorf("settings that lead to a host (-want +got):\n%s", diff)
	}
}

// hosts are the settings that say which host is asked.
var hosts = map[string][]string{
	"confluence": {"url"}, "git": {"url"}, "github": {"url"}, "jira": {"url"}, "slack": {"url"}, "web": {"sitemap", "url"},
}

// offline are the kinds of source that ask no other machine.
var offline = map[string]bool{"files": true, "push": true, "sample": true}

// tryAll gives every setting of a source the addresses, and returns those that lead to the
// canary when it may be reached.
func tryAll(t *testing.T, f *fronted, own share) (leads []string) {
	canary, names := connectortest.NewCanary(t), &connectortest.Names{}
	network, kind := connectortest.OnlyFine(t, names), kinds()[f.kind]
	for i, setting := range kind.Settings {
		try := func(address string, whole bool) {
			for n, value := range forms(f.kind, address) {
				if n > 0 && !whole {
					break
				}
				settings, secrets := maps.Clone(f.settings), maps.Clone(f.secrets())
				if settings == nil {
					settings = map[string]string{}
				}
				switch {
				case setting.Secret:
					if secrets == nil {
						secrets = map[string]string{}
					}
					secrets[setting.Name] = value
				default:
					settings[setting.Name] = value
				}
				if f.kind == "web" && setting.Name == "sitemap" { // which is one of the site
					settings["url"] = value
				}
				names.Rebind(false)
				_ = exercise(t.Context(), kind, f.environment(t, network, secrets), settings, true)
			}
		}
		try(canary.Fine(), true)
		fine, _ := canary.Reached()
		if fine > 0 {
			leads = append(leads, setting.Name)
		}
		whole := os.Getenv("CAIRN_TEST_SSRF") == "all"
		for n, address := range canary.Forbidden(t) {
			if !whole && (fine == 0 || !own.has(n)) && (n+i)%16 != 0 {
				continue
			}
			try(address, whole || fine > 0)
			if _, n := canary.Reached(); n > 0 {
				t.Fatalf("the setting %s with %s: %d connections came to the canary", setting.Name, address, n)
			}
		}
	}
	return leads
}

// forms returns what an administrator would write who wants a source to ask an address.
func forms(kind, address string) []string {
	host, rest, _ := strings.Cut(strings.TrimPrefix(address, "http://"), "/")
	all := []string{address, host}
	if kind == "git" {
		all = append(all, "http://"+host+"/"+rest+"acme/handbook.git", "ssh://git@"+host+"/acme/handbook.git")
	}
	return all
}
