package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/slack/slacktest"
)

// crowd is a workspace whose channels, members and documents change at random, with a
// model of who may read what.
type crowd struct {
	*slackSite
	people  []slackPerson
	users   []string // of everybody, those without an account among them
	keys    map[string][]cairn.PrincipalKey
	papers  map[string]cairn.ACL // by the word that only this paper has
	made    int
	public  int // words that were shown to a channel
	private int // to one person
	shared  int
	kept    int // shares that were refused
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{slackSite: newSlackSite(t), keys: map[string][]cairn.PrincipalKey{}}
	for i := range 4 {
		p := c.employee(fmt.Sprintf("p%d", i))
		c.people = append(c.people, p)
		c.keys[p.user] = []cairn.PrincipalKey{cairn.AccountKey(p.ID), cairn.UserKey(p.Email), cairn.Everyone}
	}
	c.must(c.admin, "POST", `/api/v1/groups {"name":"team"}`, nil)
	c.must(c.admin, "PUT", `/api/v1/groups/team {"members":["p0@acme.test","p1@acme.test"]}`, nil)
	for _, p := range c.people[:2] {
		c.keys[p.user] = append(c.keys[p.user], "group:cairn:team")
	}
	stranger, app := c.w.Person("stranger@acme.test"), c.w.Add(slacktest.User{Bot: true})
	guest := c.w.Add(slacktest.User{Email: "p3@acme.test", Guest: true})
	c.keys[stranger], c.keys[app], c.keys[guest] = []cairn.PrincipalKey{cairn.Everyone}, []cairn.PrincipalKey{cairn.Everyone}, nil
	c.users = []string{stranger, app, guest}
	for _, p := range c.people {
		c.users = append(c.users, p.user)
	}
	return c
}

var subjects = []string{"boiler", "lighthouse", "orchard", "harbour"}

// publish replaces all documents by others, three of each subject.
func (c *crowd) publish(rt *rapid.T) {
	some := rapid.SliceOfN(rapid.SampledFrom([]cairn.PrincipalKey{
		cairn.Everyone, cairn.Everyone, "group:cairn:team", "user:p0@acme.test", "user:p1@acme.test", "user:p2@acme.test", "user:p3@acme.test",
	}), 1, 4)
	c.papers = map[string]cairn.ACL{}
	var lines strings.Builder
	for i, subject := range slices.Repeat(subjects, 3) {
		c.made++
		acl := cairn.ACL{Allow: rapid.SliceOfN(some, 1, 2).Draw(rt, "allow")}
		if rapid.IntRange(0, 3).Draw(rt, "denies") == 0 {
			acl.Deny = some.Draw(rt, "deny")
		}
		word := fmt.Sprintf("zq%05dx", c.made)
		c.papers[word] = acl
		b, err := json.Marshal(map[string]any{
			"id": fmt.Sprintf("paper-%d", i), "title": "The " + subject + " by " + word, "url": "https://docs.acme.test/" + word,
			"text": "The opening code of the " + subject + " is " + word + ".", "acl": acl,
		})
		c.check(err)
		lines.Write(append(b, '\n'))
	}
	c.must(c.admin, "POST", "/api/v1/sources/handbook/documents/batch "+lines.String(), nil)
}

// room is a channel with those who are in it.
type room struct {
	channel string
	members []string
}

// mayRead reports whether the holders of a user's keys may read a paper.
func (c *crowd) mayRead(user, word string) bool {
	return c.papers[word].Admits(cairn.Viewer{Keys: c.keys[user]})
}

// inspect checks all that was ever shown in a channel. seen is how many messages were
// checked before, when others were in it.
func (c *crowd) inspect(rt *rapid.T, r room, seen int) int {
	all := c.w.Messages(r.channel)
	for _, m := range all[seen:] {
		readers := r.members
		if m.User != "" {
			readers = []string{m.User}
		}
		for word := range c.papers {
			if !strings.Contains(shown(m), word) {
				continue
			}
			if m.User == "" {
				c.public++
			} else {
				c.private++
			}
			for _, reader := range readers {
				if !c.mayRead(reader, word) {
					rt.Fatalf("%s may not read %s %+v, and was shown it: %s", reader, word, c.papers[word], shown(m))
				}
			}
		}
	}
	return len(all)
}

const crowdTries = 8

// TestSlackAudience asks in random channels about random documents, and shares what was
// answered after somebody has joined: no word, title or address of a document is shown to
// anybody who may not read it.
func TestSlackAudience(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	tries := 0
	rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
		if tries++; tries > crowdTries && !t.Failed() {
			return // each takes a second
		}
		c.publish(rt)
		rooms, seen := c.ask(rt)
		for i, r := range rooms {
			seen[i] = c.inspect(rt, r, 0)
		}
		for i := range rooms {
			c.share(rt, &rooms[i])
		}
		c.settle()
		for i, r := range rooms {
			before := seen[i]
			c.inspect(rt, r, before)
			for _, m := range c.w.Messages(r.channel)[before:] {
				if m.User == "" {
					c.shared++
				} else {
					c.kept++
				}
			}
		}
	})
	t.Logf("shown to channels %d, to one person %d, shared %d, other words %d", c.public, c.private, c.shared, c.kept)
	if c.public < 5 || c.private < 5 || c.kept < 3 {
		t.Error("too little was shown to tell anything")
	}
}

// ask asks in rooms of random people, in all at once.
func (c *crowd) ask(rt *rapid.T) (rooms []room, seen []int) {
	for range 5 {
		asker := rapid.SampledFrom(c.people).Draw(rt, "asker")
		r := room{members: []string{asker.user}}
		for _, u := range rapid.SliceOfNDistinct(rapid.SampledFrom(c.users), 0, 2, rapid.ID).Draw(rt, "others") {
			if u != asker.user {
				r.members = append(r.members, u)
			}
		}
		r.channel = c.w.Channel(r.members...)
		words := "What is the opening code of the " + rapid.SampledFrom(subjects).Draw(rt, "subject") + "?"
		if rapid.Bool().Draw(rt, "by command") {
			c.accept("commands", c.w.Command(fmt.Sprintf("t%d", c.next()), asker.user, r.channel, words))
		} else {
			c.mention(asker.user, r.channel, words)
		}
		rooms, seen = append(rooms, r), append(seen, 0)
	}
	c.settle()
	return rooms, seen
}

// share lets somebody join, perhaps, and clicks on what was given to one person.
func (c *crowd) share(rt *rapid.T, r *room) {
	if rapid.Bool().Draw(rt, "somebody joins") {
		u := rapid.SampledFrom(c.users).Draw(rt, "who joins")
		c.w.Join(r.channel, u)
		if !slices.Contains(r.members, u) {
			r.members = append(r.members, u)
		}
	}
	for _, m := range c.w.Messages(r.channel) {
		if m.User != "" && strings.Contains(m.Blocks, "cairn_share") {
			c.accept("interactions", c.w.Click(fmt.Sprintf("s%d", c.next()), m.User, r.channel, "cairn_share", shareValue(c.t, m)))
		}
	}
}
