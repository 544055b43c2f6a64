package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/confluence/confluencetest"
	"github.com/cairnhq/cairn/connectors/git/gittest"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
	"github.com/cairnhq/cairn/connectors/slack/slacktest"
	"github.com/cairnhq/cairn/connectors/web/webtest"
)

// faked is the fake of what a kind of source reads. Put makes a document, or changes
// it: with a text below the heading Details.
type faked interface {
	Settings() map[string]string
	Secrets() map[string]string
	Put(t testing.TB, name, title, text string)
	Remove(t testing.TB, name string)
	// Link returns what the address of a citation begins with.
	Link(name string) string
}

// guardedFake says who may read a document: these people alone.
type guardedFake interface {
	Allow(t testing.TB, name string, emails ...string)
}

// discussed is a fake of a place where people comment on documents.
type discussed interface {
	// Discuss adds a comment with a text to a document, and returns its address.
	Discuss(t testing.TB, name, text string) string
}

// TestConnectors reads the fake of every kind of source with a server of its own: from the
// first sync over a question and its citation to other people, other text and the end.
func TestConnectors(t *testing.T) {
	t.Parallel()
	s := newSite(t, "CAIRN_ALLOWED_NETWORKS=127.0.0.0/8")
	ann, bob := s.personAt("ann@example.com", cairn.RoleMember), s.personAt("bob@example.com", cairn.RoleMember) // whom the fakes know
	secrets, mu := map[string]string{}, sync.Mutex{}
	places := map[string]func(testing.TB) faked{
		"confluence":  func(t testing.TB) faked { return confluencetest.New(t) },
		"git":         func(t testing.TB) faked { return gittest.New(t) },
		"github":      func(t testing.TB) faked { return githubtest.New(t) },
		"github wiki": func(t testing.TB) faked { return githubtest.NewWikis(t) },
		"jira":        func(t testing.TB) faked { return jiratest.New(t) },
		"slack":       func(t testing.TB) faked { return slacktest.New(t) },
		"web":         func(t testing.TB) faked { return webtest.New(t) },
	}
	t.Run("of", func(t *testing.T) {
		for name, open := range places {
			t.Run(name, func(t *testing.T) {
				kind, wiki, _ := strings.Cut(name, " ")
				if wiki == "" { // that comes first: its source has the name of another
					t.Parallel()
				}
				f := open(t)
				mu.Lock()
				for name, secret := range f.Secrets() {
					secrets[kind+" "+name] = secret
				}
				mu.Unlock()
				readFake(&reading{site: s.with(t), kind: kind, faked: f, ann: ann, bob: bob})
			})
		}
	})
	s.stop() // the log is written to until then
	for name, secret := range secrets {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the secret %s is in the log", name)
		}
	}
}

// reading is a source of a place, and two people.
type reading struct {
	*site
	faked
	kind     string
	ann, bob person
}

const hotelQuestion = "What is the hotel limit in Tromsø?"

func readFake(r *reading) {
	r.Put(r.t, "guide", "Travel guide", "The hotel limit in Tromsø is 170 euros a night.")
	r.Put(r.t, "menu", "Canteen", "On Fridays the canteen serves fish soup.")
	r.allow("menu", r.ann.Email, r.bob.Email)
	r.allow("guide", r.ann.Email)
	r.add()
	r.sync(false)

	link := r.Link("guide")
	a := r.ask(r.ann)
	if a.Outcome != "answered" || !strings.Contains(a.Text, "170") || len(a.Citations) == 0 {
		r.t.Fatalf("ann is told %+v", a)
	}
	if c := a.Citations[0]; !strings.HasPrefix(c.URL, link) || !strings.Contains(c.Quote, "170") {
		r.t.Errorf("the citation %q leads to %s; want %s…", c.Quote, c.URL, link)
	}
	r.t.Logf("the citation leads to %s", a.Citations[0].URL)
	r.closed(r.bob, "who may not read it")
	r.comment()

	r.Put(r.t, "guide", "Travel guide", "The hotel limit in Tromsø is 190 euros a night.")
	r.sync(false)
	if a := r.ask(r.ann); !strings.Contains(a.Text, "190") || strings.Contains(a.Text, "170") {
		r.t.Errorf("after a change ann is told %+v", a)
	}

	r.allow("guide", r.bob.Email)
	r.permissions()
	r.closed(r.ann, "who may read it no longer")
	if a := r.ask(r.bob); !strings.Contains(a.Text, "190") {
		r.t.Errorf("who may read it now is told %+v", a)
	}

	r.Remove(r.t, "guide")
	r.sync(true)
	r.closed(r.bob, "after the end")
	r.secretsStay()
	r.must(r.admin, "DELETE", "/api/v1/sources/"+r.kind, nil)
}

// comment adds a comment to the document: a citation of it opens the comment itself.
func (r *reading) comment() {
	r.t.Helper()
	f, ok := r.faked.(discussed)
	if _, wiki := r.faked.(*githubtest.Wikis); !ok || wiki { // whose pages have no comments
		return
	}
	link := f.Discuss(r.t, "guide", "Breakfast in Tromsø costs 23 euros.")
	r.sync(false)
	a := r.asks(r.ann, "What does breakfast in Tromsø cost?")
	for _, c := range a.Citations {
		if strings.Contains(c.Quote, "23 euros") {
			r.t.Logf("the citation of a comment leads to %s", c.URL)
			if c.URL != link {
				r.t.Errorf("the citation %q leads to %s; want %s", c.Quote, c.URL, link)
			}
			return
		}
	}
	r.t.Errorf("no citation has the comment: %+v", a)
}

// secretsStay looks for the secrets of the source where they must not be.
func (r *reading) secretsStay() {
	r.t.Helper()
	where := map[string]string{}
	for _, path := range []string{"/sources", "/sources/" + r.kind, "/sources/" + r.kind + "/runs", "/sources/" + r.kind + "/errors", "/audit"} {
		got := r.send("GET", "/api/v1"+path, bearer(r.admin.token)...)
		if got.status != 200 {
			r.t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
		where[path] = got.body
	}
	for name, secret := range r.Secrets() {
		for place, text := range where {
			if strings.Contains(text, secret) {
				r.t.Errorf("the secret %s is in %s", name, place)
			}
		}
	}
}

// allow lets people alone read a document: at the place, or of the whole source where the
// place tells nothing of people.
func (r *reading) allow(name string, emails ...string) {
	r.t.Helper()
	if g, ok := r.faked.(guardedFake); ok {
		g.Allow(r.t, name, emails...)
		return
	}
	if name == "guide" && r.exists() {
		r.must(r.admin, "PATCH", "/api/v1/sources/"+r.kind+` {"acl": `+userACL(emails)+`}`, nil)
	}
}

func (r *reading) exists() bool {
	return r.send("GET", "/api/v1/sources/"+r.kind, bearer(r.admin.token)...).status == 200
}

func userACL(emails []string) string {
	keys := make([]cairn.PrincipalKey, len(emails))
	for i, e := range emails {
		keys[i] = cairn.UserKey(e)
	}
	b, _ := json.Marshal(map[string]any{"allow": [][]cairn.PrincipalKey{keys}})
	return string(b)
}

// add adds the source and tests it.
func (r *reading) add() {
	r.t.Helper()
	settings := r.Settings()
	maps.Copy(settings, r.Secrets())
	acl := json.RawMessage(`"source"`)
	if _, ok := r.faked.(guardedFake); !ok {
		acl = json.RawMessage(userACL([]string{r.ann.Email}))
	}
	body, err := json.Marshal(map[string]any{"name": r.kind, "kind": r.kind, "settings": settings, "acl": acl})
	r.check(err)
	r.must(r.admin, "POST", "/api/v1/sources "+string(body), nil)
	var tested json.RawMessage
	r.must(r.admin, "POST", "/api/v1/sources/"+r.kind+"/test", &tested)
	r.t.Logf("the test says %s", tested)
}

// permissions reads who may read what at the place, without the documents.
func (r *reading) permissions() {
	r.t.Helper()
	if _, ok := r.faked.(guardedFake); ok {
		r.run(`{"permissions_only": true}`)
	}
}

// sync reads the place and waits for the end; full compares it with a listing.
func (r *reading) sync(full bool) {
	r.t.Helper()
	r.run(fmt.Sprintf(`{"full": %v}`, full))
}

// run has a run of the source, as body asks for it, and waits for the end.
func (r *reading) run(body string) {
	r.t.Helper()
	var run struct{ ID string }
	r.must(r.admin, "POST", "/api/v1/sources/"+r.kind+"/sync "+body, &run)
	var ended struct {
		ID string
		runReply
	}
	r.until("the end of the run", func() bool {
		var reply struct{ Runs []json.RawMessage }
		r.must(r.admin, "GET", "/api/v1/sources/"+r.kind+"/runs", &reply)
		for _, one := range reply.Runs {
			r.check(json.Unmarshal(one, &ended))
			if ended.ID == run.ID {
				break
			}
		}
		return ended.ID == run.ID && ended.final()
	})
	if ended.State != "succeeded" {
		r.t.Fatalf("the run ended so: %+v", ended)
	}
}

// told is an answer, as far as it is looked at here.
type told struct {
	Outcome   string
	Text      string
	Citations []struct{ Quote, URL string }
}

func (r *reading) ask(who person) told {
	r.t.Helper()
	return r.asks(who, hotelQuestion)
}

func (r *reading) asks(who person, question string) told {
	r.t.Helper()
	body, err := json.Marshal(map[string]any{"question": question, "sources": []string{r.kind}})
	r.check(err)
	var a told
	r.must(who, "POST", "/api/v1/ask "+string(body), &a)
	return a
}

// closed holds somebody to being told nothing of the document.
func (r *reading) closed(who person, why string) {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		got := r.send("POST", `/api/v1/search {"query": "hotel limit Tromsø", "sources": ["`+r.kind+`"]}`, bearer(who.token)...)
		a := told{}
		if got.status == 200 && !strings.Contains(got.body, "Tromsø") {
			res := r.send("POST", `/api/v1/ask {"question": "`+hotelQuestion+`", "sources": ["`+r.kind+`"]}`, bearer(who.token)...)
			if res.status != 200 || strings.Contains(res.body, "euros a night") {
				r.t.Fatalf("%s: %d %s", why, res.status, res.body)
			}
			r.check(json.Unmarshal([]byte(res.body), &a))
			if a.Outcome == "not_found" {
				return
			}
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: search says %d %s; the answer is %+v", why, got.status, got.body, a)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
