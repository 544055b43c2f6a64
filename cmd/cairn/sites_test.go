package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/confluence/confluencetest"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git/gittest"
	"github.com/cairnhq/cairn/connectors/github/githubtest"
	"github.com/cairnhq/cairn/connectors/jira/jiratest"
	"github.com/cairnhq/cairn/connectors/slack/slacktest"
	"github.com/cairnhq/cairn/connectors/web/webtest"
)

// fronted is a fake with a front before it, filled with something of all that a connector
// asks for, and the way in which a source reads it.
type fronted struct {
	*front
	kind     string
	settings map[string]string
	secrets  func() map[string]string
	instead  []string // hosts that the front takes the place of
}

// deaf is a test that does not hear what a strict fake finds wrong with the requests of a
// connector that somebody leads astray.
type deaf struct{ testing.TB }

func (deaf) Errorf(string, ...any) {}
func (deaf) Error(...any)          {}

// atlassianHosts are those that apps of Atlassian ask in the place of a site.
var atlassianHosts = []string{"api.atlassian.com", "auth.atlassian.com", mediaHost}

const mediaHost = "api.media.atlassian.com"

// frontedSites returns a fake of each kind of source that asks other machines, and of each
// way in which it does, by a name that begins with the kind.
func frontedSites() map[string]func(testing.TB) *fronted {
	return map[string]func(testing.TB) *fronted{
		"confluence cloud": func(t testing.TB) *fronted { return frontConfluence(t, confluencetest.New(deaf{t})) },
		"confluence app": func(t testing.TB) *fronted {
			s := confluencetest.New(deaf{t})
			s.OAuth()
			f := frontConfluence(t, s)
			f.instead = atlassianHosts
			return f
		},
		"confluence datacenter": func(t testing.TB) *fronted { return frontConfluence(t, confluencetest.NewDataCenter(deaf{t})) },
		"git": func(t testing.TB) *fronted {
			s := gittest.New(deaf{t})
			s.Put(t, "guide", "Guide", "Text.")
			key, known := newSSHKey(t)
			settings := s.Settings()
			settings["known_hosts"] = "* " + known // for settings that lead to a host of SSH
			return newFronted(t, "git", settings, func() map[string]string {
				secrets := s.Secrets()
				secrets["ssh_key"] = key
				return secrets
			})
		},
		"github token": func(t testing.TB) *fronted {
			s := frontedGitHub(t)
			return newFronted(t, "github", s.Settings(), s.Secrets)
		},
		"github app": func(t testing.TB) *fronted {
			settings, secrets := frontedGitHub(t).UseApp(t)
			return newFronted(t, "github", settings, func() map[string]string { return secrets })
		},
		"jira cloud": func(t testing.TB) *fronted { return frontJira(t, jiratest.New(deaf{t})) },
		"jira app": func(t testing.TB) *fronted {
			s := jiratest.New(deaf{t})
			s.OAuth()
			f := frontJira(t, s)
			f.instead = atlassianHosts
			return f
		},
		"jira datacenter": func(t testing.TB) *fronted { return frontJira(t, jiratest.NewDataCenter(deaf{t})) },
		"slack": func(t testing.TB) *fronted {
			s := slacktest.New(deaf{t})
			for _, name := range []string{"guide", "menu", "plan"} {
				s.Put(t, name, name, "Text.")
			}
			s.Change(func(w *slacktest.World) {
				w.Post(w.Channel("guide"), &slacktest.Message{User: w.Person("ann@example.com").ID, Text: "See", Files: []*slacktest.File{{Name: "a.txt", Mimetype: "text/plain", Content: "x"}}})
			})
			return newFronted(t, "slack", s.Settings(), s.Secrets)
		},
		"web": func(t testing.TB) *fronted {
			s := webtest.New(deaf{t})
			s.Lenient = true
			for _, name := range []string{"p1", "p2", "p3", "p4", "p5", "p6"} {
				s.Put(t, name, name, "Text.")
			}
			s.Move(t, "p1")
			return newFronted(t, "web", s.Settings(), s.Secrets)
		},
	}
}

// share is the part of a list that one of the sites of a kind is given: those of all its
// sites are the list.
type share struct{ part, of int }

// shareOf returns the share of a site, of all those of its kind among some.
func shareOf(site string, among []string) share {
	kind, _, _ := strings.Cut(site, " ")
	all := slices.DeleteFunc(slices.Clone(among), func(name string) bool {
		of, _, _ := strings.Cut(name, " ")
		return of != kind
	})
	slices.Sort(all)
	return share{max(slices.Index(all, site), 0), max(len(all), 1)}
}

// has reports whether the n-th of a list is in the share.
func (s share) has(n int) bool { return n%s.of == s.part }

// newSSHKey returns a private key and the public one, as ssh-keygen writes them.
func newSSHKey(t testing.TB) (private, public string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func newFronted(t testing.TB, kind string, settings map[string]string, secrets func() map[string]string) *fronted {
	t.Helper()
	return &fronted{front: newFront(t, settings), kind: kind, settings: settings, secrets: secrets}
}

func frontConfluence(t testing.TB, s *confluencetest.Site) *fronted {
	t.Helper()
	for _, name := range []string{"guide", "menu", "plan"} {
		s.Put(t, name, name, "Text.")
	}
	s.Post("news", "News", "Text.")
	s.Attach("guide", "notes", "text/plain", "Text.")
	s.Comment("remark", "guide", "", "", "<p>Text.</p>")
	return newFronted(t, "confluence", s.Settings(), s.Secrets)
}

func frontJira(t testing.TB, s *jiratest.Site) *fronted {
	t.Helper()
	for _, name := range []string{"guide", "menu", "plan"} {
		s.Put(t, name, name, "Text.")
	}
	s.Attach("guide", "notes.txt", "text/plain", "Text.")
	for range 3 {
		s.Comment("guide", "Ann", jiratest.Plain("", "Text."))
	}
	return newFronted(t, "jira", s.Settings(), s.Secrets)
}

func frontedGitHub(t testing.TB) *githubtest.Site {
	t.Helper()
	s := githubtest.New(deaf{t})
	for _, name := range []string{"guide", "menu", "plan"} {
		s.Put(t, name, name, "Text.")
	}
	s.Change(func(w *githubtest.World) {
		for range 3 {
			w.Add(w.Repository("guide"), &githubtest.Item{Kind: githubtest.Issue, Title: "One more", HTML: "<p>Text.</p>"})
		}
		w.Add(w.Repository("guide"), &githubtest.Item{Kind: githubtest.Release, Title: "v1", HTML: `<p><a href="/acme/guide/releases/download/v1/a.zip">a.zip</a></p>`})
	})
	return s
}

// environment returns what a connector is opened with that reaches others by a network.
func (f *fronted) environment(t testing.TB, network connectors.Network, secrets map[string]string) connectors.Environment {
	if len(f.instead) > 0 {
		network = detour{network, f.instead, f.front}
	}
	clock := &connectortest.Clock{}
	return connectors.Environment{
		Network: network, Version: "test", Timeout: 2 * time.Second, Now: clock.Now, Sleep: clock.Sleep, FilesRoots: []string{},
		Source: "source", Secrets: connectortest.NewSecrets(secrets), WorkDir: t.TempDir(),
	}
}

// exercise does everything with a source that a server does: it checks the settings, tests
// it where that is asked for, reads it with all documents, reads on, lists it, and asks for
// permissions and members. It returns what failed first.
func exercise(ctx context.Context, kind connectors.Kind, env connectors.Environment, settings map[string]string, test bool) (first error) {
	failed := func(err error) bool {
		if err != nil && first == nil {
			first = err
		}
		return err != nil
	}
	if failed(kind.Validate(env, settings)) || kind.Open == nil {
		return first
	}
	c, err := kind.Open(env, maps.Clone(settings))
	if failed(err) {
		return first
	}
	if tester, ok := c.(connectors.Tester); ok && test {
		_, err := tester.Test(ctx)
		failed(err)
	}
	var cursor connectors.Cursor
	for range 2 {
		if ctx.Err() != nil {
			return first
		}
		for change, err := range c.Changes(ctx, cursor) {
			if failed(err) {
				break
			}
			if change.Cursor != "" {
				cursor = change.Cursor
			}
			failed(change.Err)
			if change.Open == nil {
				continue
			}
			body, err := change.Open(ctx)
			if failed(err) {
				continue
			}
			_, err = io.Copy(io.Discard, body)
			failed(err)
			_ = body.Close()
		}
	}
	if lister, ok := c.(connectors.Lister); ok {
		for _, err := range lister.Externals(ctx) {
			failed(err)
		}
	}
	if guarded, ok := c.(connectors.Permissions); ok {
		for _, err := range guarded.Permissions(ctx) {
			failed(err)
		}
	}
	if directory, ok := c.(connectors.Directory); ok {
		for _, err := range directory.Members(ctx) {
			failed(err)
		}
	}
	return first
}
