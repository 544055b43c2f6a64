package confluence_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/confluence/confluencetest"
	"github.com/cairnhq/cairn/connectors/connectortest"
)

func (p *place) wantACL(t *testing.T, name string, clauses ...[]cairn.PrincipalKey) {
	t.Helper()
	c := p.one(t, name)
	if c.Err != nil {
		t.Errorf("%s: %v", name, c.Err)
		return
	}
	want := cairn.ACL{Allow: clauses}.Canonical()
	if d := cmp.Diff(want, *c.ACL); d != "" {
		t.Errorf("%s: another ACL (-want +got):\n%s", name, d)
	}
	if d := cmp.Diff(p.ACL(name), *c.ACL); d != "" {
		t.Errorf("%s: another ACL than the site has (-site +got):\n%s", name, d)
	}
	if d := cmp.Diff(c.ACL, p.permission(t, name).ACL); d != "" {
		t.Errorf("%s: permissions alone tell another ACL (-changes +permissions):\n%s", name, d)
	}
}

// permission returns what is told of who may read one document.
func (p *place) permission(t *testing.T, name string) (found connectors.Permission) {
	t.Helper()
	for told, err := range p.connect(t).(connectors.Permissions).Permissions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if told.External == p.ID(name) {
			found = told
		}
	}
	return found
}

func keys(all ...cairn.PrincipalKey) []cairn.PrincipalKey {
	return append([]cairn.PrincipalKey{}, all...)
}

var (
	staff = connectors.SiteGroup("staff")
	eng   = connectors.SiteGroup("eng")
	ann   = cairn.UserKey("ann@example.com")
	bob   = cairn.UserKey("bob@example.com")
)

func TestInheritance(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		for _, name := range []string{"top", "middle", "leaf", "other"} {
			p.Put(t, name, name, "x")
		}
		p.Attach("leaf", "a.txt", "text/plain", "attached")
		p.Move("middle", "top")
		p.Move("leaf", "middle")
		p.Restrict("top", []string{"Ann", "Bob"}, []string{"eng"})
		p.Restrict("leaf", []string{"Bob"}, nil)
		p.wantACL(t, "middle", keys(staff), keys(ann, bob, eng))
		p.wantACL(t, "leaf", keys(staff), keys(ann, bob, eng), keys(bob))
		p.wantACL(t, "leaf/a.txt", keys(staff), keys(ann, bob, eng), keys(bob))
		p.wantACL(t, "other", keys(staff))

		p.Move("middle", "other") // its version stays
		p.wantACL(t, "leaf", keys(staff), keys(bob))
		p.Restrict("other", nil, []string{"eng"})
		p.wantACL(t, "leaf", keys(staff), keys(eng), keys(bob))
		p.Public("DOCS", true)
		p.wantACL(t, "leaf", keys(staff, cairn.Everyone), keys(eng), keys(bob))
	})
}

// TestManyReaders restricts a page to more people and groups than a reply holds.
func TestManyReaders(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		p.Put(t, "page", "page", "x")
		p.Group("sales")
		p.Restrict("page", []string{"Ann", "Bob", "Cid", "Bot", "Nobody"}, []string{"eng", "ops", "sales"})
		p.wantACL(t, "page", keys(staff), keys(
			ann, bob, cairn.UserKey("cid@example.com"), cairn.UserKey("bot@example.com"), eng, connectors.SiteGroup("ops"), connectors.SiteGroup("sales"),
		))
	})
}

func TestFolders(t *testing.T) {
	p := newPlace(t, confluencetest.New(t))
	p.Put(t, "top", "top", "x")
	p.Folder("outer", "top")
	p.Folder("inner", "outer")
	p.Put(t, "leaf", "leaf", "x")
	p.Move("leaf", "inner")
	p.Restrict("outer", nil, []string{"eng"})
	p.Restrict("top", []string{"Ann"}, nil)
	p.wantACL(t, "leaf", keys(staff), keys(eng), keys(ann))
	if _, there := must(p.read(t))[p.ID("inner")]; there {
		t.Error("a folder is a document")
	}
}

// TestUnknown checks that what lies in something whose readers are not understood is
// nobody's, and all else as it was.
func TestUnknown(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		for _, name := range []string{"top", "leaf", "other"} {
			p.Put(t, name, name, "x")
		}
		p.Move("leaf", "top")
		p.Attach("leaf", "a.txt", "text/plain", "attached")
		p.Puzzle("top")
		changes := must(p.read(t))
		for _, name := range []string{"top", "leaf", "leaf/a.txt"} {
			var unknown *connectors.DocumentError
			if c := changes[p.ID(name)]; !errors.As(c.Err, &unknown) || unknown.Code != connectors.PermissionsNotUnderstood || c.ACL != nil || c.Open != nil {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if changes[p.ID("other")].Err != nil {
			t.Errorf("another page: %v", changes[p.ID("other")].Err)
		}
		for told, err := range p.connect(t).(connectors.Permissions).Permissions(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if unknown := told.External != p.ID("other"); (told.Err != nil) != unknown || (told.ACL == nil) != unknown {
				t.Errorf("%+v", told)
			}
		}
	})
}

// TestRefusedRestrictions checks that a page keeps the permissions that it had when those
// of what it lies in are kept from the account.
func TestRefusedRestrictions(t *testing.T) {
	p := newPlace(t, confluencetest.New(t))
	p.Folder("folder", "")
	p.Put(t, "leaf", "leaf", "x")
	p.Move("leaf", "folder")
	p.wantACL(t, "leaf", keys(staff))
	p.Refuse("folder")
	var unknown *connectors.DocumentError
	for i, err := range []error{p.one(t, "leaf").Err, p.permission(t, "leaf").Err} {
		if !errors.As(err, &unknown) || unknown.Code != connectors.PermissionsUnknown {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestUntoldParent checks that a page is nobody's of which the site does not tell what it
// lies in.
func TestUntoldParent(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		p.Put(t, "top", "top", "x")
		p.Put(t, "leaf", "leaf", "x")
		p.Move("leaf", "top")
		p.Restrict("top", []string{"Ann"}, nil)
		p.Orphan("leaf")
		var unknown *connectors.DocumentError
		if c := p.one(t, "leaf"); !errors.As(c.Err, &unknown) || unknown.Code != connectors.PermissionsUnknown && unknown.Code != connectors.PermissionsNotUnderstood {
			t.Errorf("%+v", c)
		}
	})
}

// TestHiddenAddresses checks that people whose address the site hides are let in by
// nothing but the setting people.
func TestHiddenAddresses(t *testing.T) {
	p := newPlace(t, confluencetest.New(t))
	p.User("Zoe", "")
	p.Put(t, "page", "page", "x")
	p.Restrict("page", []string{"Zoe"}, nil)
	p.View("DOCS", []string{"Zoe", "Ann"}, nil)
	p.Group("eng", "Zoe", "Ann")
	p.wantACL(t, "page", keys(ann), keys())
	p.settings["people"] = "Zoe=Zoe@Example.com"
	zoe := cairn.UserKey("zoe@example.com")
	if got, want := *p.one(t, "page").ACL, (cairn.ACL{Allow: [][]cairn.PrincipalKey{keys(ann, zoe), keys(zoe)}}).Canonical(); !cmp.Equal(want, got) {
		t.Errorf("%v", got)
	}
	members := map[connectors.Member]bool{}
	for m, err := range p.connect(t).(connectors.Directory).Members(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		members[m] = true
	}
	want := map[connectors.Member]bool{
		{Group: "ops"}: true, {Group: "eng"}: true, {Group: "staff"}: true,
		{Group: "eng", Email: "ann@example.com"}: true, {Group: "eng", Email: "zoe@example.com"}: true,
		{Group: "staff", Email: "ann@example.com"}: true, {Group: "staff", Email: "bob@example.com"}: true, {Group: "staff", Email: "cid@example.com"}: true,
	}
	if d := cmp.Diff(want, members); d != "" {
		t.Errorf("other members (-want +got):\n%s", d)
	}
}

// TestBrokenListOfUsers breaks the list that tells the addresses: without them every group
// would look as if nobody were in it.
func TestBrokenListOfUsers(t *testing.T) {
	site := confluencetest.NewDataCenter(t)
	site.Group("eng", "Ann")
	r := connectortest.NewRemote(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/admin/users/list/active") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"results": 7}`))
			return
		}
		site.ServeHTTP(w, r)
	}), site.Secrets())
	p := &place{Site: site, remote: r, settings: site.SettingsAt(r.URL)}
	var failed error
	for _, err := range p.connect(t).(connectors.Directory).Members(t.Context()) {
		failed = err
	}
	if !errors.Is(failed, connectors.ErrUnexpected) {
		t.Errorf("the groups are read with %v", failed)
	}
}

func TestEverybody(t *testing.T) {
	p := newPlace(t, confluencetest.New(t), "everyone", "staff, all-licensed-users")
	p.Put(t, "page", "page", "x")
	if got := p.one(t, "page").ACL.Allow; !cmp.Equal(got, [][]cairn.PrincipalKey{keys(cairn.Everyone)}) {
		t.Errorf("a group that stands for everybody: %v", got)
	}
	delete(p.settings, "everyone")
	p.View("DOCS", nil, []string{"eng"})
	p.Roles("DOCS", []string{"Bob"}, []string{"all-licensed-users"})
	p.wantACL(t, "page", keys(eng, bob))
	p.settings["everyone"] = "all-licensed-users"
	if got := p.one(t, "page").ACL.Allow; !cmp.Equal(got, [][]cairn.PrincipalKey{keys(cairn.Everyone, eng, bob)}) {
		t.Errorf("an access class that stands for everybody: %v", got)
	}
	delete(p.settings, "everyone")
	p.Roles("DOCS", nil, []string{"anonymous-users"})
	p.wantACL(t, "page", keys(eng, cairn.Everyone))
}

// TestUnindexed checks that a page which the search does not know yet is restricted as it
// is, at the cost of one request more.
func TestUnindexed(t *testing.T) {
	p := newPlace(t, confluencetest.New(t))
	p.Put(t, "new", "new", "x")
	p.Put(t, "old", "old", "x")
	p.Restrict("new", []string{"Ann"}, nil)
	p.Unindex("new")
	p.wantACL(t, "new", keys(staff), keys(ann))
	if n := p.Requests("GET /wiki/rest/api/content/{id}/restriction/byOperation/read"); n != 2 {
		t.Errorf("in two runs, %d restrictions were asked for one by one", n)
	}
}

// TestPermissionsAreCheap counts the requests of a run over permissions.
func TestPermissionsAreCheap(t *testing.T) {
	editions(t, func(t *testing.T, p *place) {
		const pages = 40
		for i := range pages {
			p.Put(t, string(rune('a'+i%26))+string(rune('a'+i/26)), "x", "x")
		}
		p.remote.Faults.Heal() // begins to count
		for _, err := range p.connect(t).(connectors.Permissions).Permissions(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		// The fake lists two a page: 20 pages of pages, as many of restrictions in Cloud, or
		// 39 in Data Center, whose pages overlap by one; and some for the space.
		if n := p.remote.Faults.Requests(); n > pages+15 {
			t.Errorf("%d requests for %d pages", n, pages)
		}
	})
}
