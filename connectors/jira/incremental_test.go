package jira_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/jira"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
)

// TestIncremental changes an issue now and then, in time zones of all sorts: each is read
// again, and not what changed long before.
func TestIncremental(t *testing.T) {
	for _, name := range []string{"UTC", "Asia/Kathmandu", "America/St_Johns", "America/New_York", "Pacific/Kiritimati", "Etc/GMT+12", "Nowhere/Atlantis"} {
		t.Run(name, func(t *testing.T) {
			editions(t, func(t *testing.T, site *jiratest.Site) {
				zone, err := time.LoadLocation(name)
				if err != nil {
					zone = time.FixedZone(name, -9*60*60)
				}
				site.Zone(zone)
				for n := range 20 {
					site.Put(t, fmt.Sprint(n), fmt.Sprint(n), "Text.")
					site.Wait(50 * time.Hour)
				}
				r := read(t, site, nil)
				if n := len(r.must()); n != 20 {
					t.Fatalf("%d issues", n)
				}
				most := 2 // it and the last one of before
				if err != nil {
					most = 5 // all of this day
				}
				for n := range 5 {
					site.Wait(10 * time.Minute)
					site.Touch(fmt.Sprint(n))
					found := r.must()
					_, ok := found[site.ID(fmt.Sprint(n))]
					if !ok || len(found) > most {
						t.Errorf("an issue was touched; read are %v", slices.Sorted(maps.Keys(found)))
					}
				}
			})
		})
	}
}

// TestResume breaks a run off after each change: the next one goes on, loses nothing, and
// does not begin anew.
func TestResume(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Page(3)
		for n := range 6 {
			site.Put(t, fmt.Sprint(n), fmt.Sprint(n), "Text.")
			site.Wait(time.Hour)
		}
		for cut := 1; cut <= 6; cut++ {
			r := read(t, site, nil)
			found := map[string]bool{}
			n := 0
			for c, err := range r.connect().Changes(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				found[c.External] = true
				if c.Cursor != "" {
					r.cursor = c.Cursor
				}
				if n++; n == cut {
					break
				}
			}
			rest := r.must()
			if cut > 3 && rest[site.ID("0")].Open != nil {
				t.Errorf("broken off after %d changes, it begins anew", cut)
			}
			for external := range rest {
				found[external] = true
			}
			if len(found) != 6 {
				t.Errorf("broken off after %d changes, %d issues are read in all", cut, len(found))
			}
		}
	})
}

// TestOverlap finds an issue that came late into the search index: behind one that was
// updated after it.
func TestOverlap(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Put(t, "first", "First", "Text.")
		site.Put(t, "late", "Late", "Text.")
		site.Wait(3 * time.Minute)
		r := read(t, site, nil)
		site.Touch("first")
		r.must()
		before := r.cursor
		found := r.must()
		if _, ok := found[site.ID("late")]; !ok {
			t.Errorf("an issue updated three minutes before the last one is not read again: %v", slices.Sorted(maps.Keys(found)))
		}
		if r.cursor != before {
			t.Errorf("nothing happened, and the cursor goes from %s to %s", before, r.cursor)
		}
	})
}

// TestPermissionChange changes who may browse one of two projects: that one is read
// again, with unchanged revisions.
func TestPermissionChange(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		site.Project("OPS", "software")
		site.Browse("OPS", jiratest.Holder{Type: "group", Parameter: "ops"})
		for n := range 5 {
			site.Put(t, fmt.Sprint("doc", n), "Doc", "Text.")
			site.PutIn(t, "OPS", fmt.Sprint("ops", n), "Ops", jiratest.Plain("", "Text."))
			site.Wait(24 * time.Hour)
		}
		r := read(t, site, nil)
		before := r.must()
		site.Browse("OPS", jiratest.Holder{Type: "group", Parameter: "eng"})
		after := r.must()
		want := cairn.Allow(eng)
		for n := range 5 {
			id := site.ID(fmt.Sprint("ops", n))
			if d := cmp.Diff(&want, after[id].ACL); d != "" {
				t.Errorf("%s (-want +got):\n%s", id, d)
			}
			if before[id].Metadata.Revision != after[id].Metadata.Revision {
				t.Errorf("%s: the revision changed", id)
			}
			if _, ok := after[site.ID(fmt.Sprint("doc", n))]; ok && n < 4 {
				t.Errorf("doc%d is read again", n)
			}
		}
		if n := len(r.must()); n > 2 {
			t.Errorf("after that, %d issues are read again", n)
		}
	})
}

// TestSettingChange reads everything again when what is read of it changes.
func TestSettingChange(t *testing.T) {
	site := jiratest.New(t)
	site.Put(t, "old", "Old", "Text.")
	site.Wait(time.Hour)
	site.Put(t, "new", "New", "Text.")
	r := read(t, site, nil)
	before := r.must()
	r.settings["comments"] = "off"
	after := r.must()
	id := site.ID("old")
	if after[id].Open == nil || after[id].Metadata.Revision == before[id].Metadata.Revision {
		t.Errorf("with another setting, an old issue has the revision %q", after[id].Metadata.Revision)
	}
}

// TestShift updates and deletes issues while they are listed: no other issue is missed.
func TestShift(t *testing.T) {
	editions(t, func(t *testing.T, site *jiratest.Site) {
		for n := range 12 {
			site.Put(t, fmt.Sprint(n), fmt.Sprint(n), "Text.")
			site.Wait(2 * time.Minute)
		}
		r := read(t, site, nil)
		searches := 0
		site.Before(func(req *http.Request) {
			if !strings.Contains(req.URL.Path, "/search") || strings.Contains(req.URL.Path, "project") {
				return
			}
			switch searches++; searches {
			case 2:
				site.Touch("0")
			case 3:
				site.Remove(t, "1")
			case 5:
				site.Remove(t, "3")
				site.Touch("2")
			}
		})
		found := r.must()
		listing := map[string]bool{}
		searches = 10
		site.Before(func(req *http.Request) {
			if !strings.Contains(req.URL.Path, "/search") || strings.Contains(req.URL.Path, "project") {
				return
			}
			switch searches++; searches {
			case 13:
				site.Remove(t, "4")
			case 15:
				site.Touch("5")
			}
		})
		for _, external := range connectortest.List(t, r.connect()) {
			listing[external] = true
		}
		for n := range 12 {
			name := fmt.Sprint(n)
			if n == 1 || n == 3 || n == 4 {
				continue
			}
			if _, ok := found[site.ID(name)]; !ok {
				t.Errorf("issue %d is not read", n)
			}
			if !listing[site.ID(name)] {
				t.Errorf("issue %d is not listed", n)
			}
		}
	})
}

// TestUnavailable ends a run when the site does not tell permissions because it is down:
// no document fails for that.
func TestUnavailable(t *testing.T) {
	site := jiratest.New(t)
	site.Put(t, "doc", "Doc", "Text.")
	r := connectortest.NewRemote(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/permissionscheme") {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		site.ServeHTTP(w, req)
	}), site.Secrets())
	for c, err := range connectortest.Open(t, jira.Kind(), r.Env, site.SettingsAt(r.URL)).Changes(t.Context(), "") {
		if !errors.Is(err, connectors.ErrUnavailable) {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

// TestShiftingProjects removes a project while they are listed: no other one is missed.
func TestShiftingProjects(t *testing.T) {
	site := jiratest.New(t)
	for n := range 7 {
		site.Project(fmt.Sprint("P", n), "software")
		site.PutIn(t, fmt.Sprint("P", n), fmt.Sprint(n), "Issue", jiratest.Plain("", "Text."))
	}
	pages := 0
	site.Before(func(req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/project/search") {
			if pages++; pages == 3 {
				site.Unproject("P0")
			}
		}
	})
	found := read(t, site, nil).must()
	for n := 1; n < 7; n++ {
		if _, ok := found[site.ID(fmt.Sprint(n))]; !ok {
			t.Errorf("project P%d is not read", n)
		}
	}
}

// TestRestless gives up on a list that never holds still.
func TestRestless(t *testing.T) {
	site := jiratest.NewDataCenter(t)
	for n := range 12 {
		site.Put(t, fmt.Sprint(n), fmt.Sprint(n), "Text.")
	}
	n := 0
	site.Before(func(req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/search") {
			site.Touch(fmt.Sprint(n % 12))
			n++
		}
	})
	if _, err := read(t, site, nil).run(); err != nil && !errors.Is(err, connectors.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if n > 200 {
		t.Errorf("it asked %d times", n)
	}
}

// TestUnchanged holds a run in which nothing changed to few requests.
func TestUnchanged(t *testing.T) {
	site := jiratest.New(t)
	for n := range 30 {
		site.Put(t, fmt.Sprint(n), fmt.Sprint(n), "Text.")
		site.Wait(time.Hour)
	}
	r := read(t, site, nil)
	r.must()
	const search = "POST /rest/api/3/search/jql"
	site.Requests(search)
	r.remote.Faults.Heal()
	found := r.must()
	if n := site.Requests(search); n != 1 || len(found) != 1 {
		t.Errorf("it searches %d times and reads %d issues", n, len(found))
	}
	if n := r.remote.Faults.Requests(); n > 8 {
		t.Errorf("it takes %d requests", n)
	}
}
