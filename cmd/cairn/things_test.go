package main

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

// things are what one person has, by the names that requests use for them. They are
// made when a request needs them.
type things struct {
	*site
	owner    person
	group    string // id of the group in which the owner alone reads
	audience string // its principal
	word     string // stands in every text
	made     map[string]string
}

func (s *site) things(owner person) *things {
	s.t.Helper()
	th := &things{site: s, owner: owner, word: canaries{}.word("document"), made: map[string]string{}}
	name := "readers-" + cairn.NewID()
	var group struct{ ID string }
	s.must(s.admin, "POST", `/scim/v2/Groups {"displayName":"`+name+`","members":[{"value":"`+string(owner.ID)+`"}]}`, &group)
	th.group, th.audience = group.ID, "group:scim:"+name
	return th
}

var named = regexp.MustCompile(`\$[a-z]+`)

// fill returns a request about the things themselves.
func (th *things) fill(request string) string {
	th.t.Helper()
	return os.Expand(request, func(name string) string {
		if _, ok := th.made[name]; !ok {
			th.make(name)
		}
		return th.made[name]
	})
}

// missing returns a request about things of the same form that nobody has.
func (th *things) missing(request string) string {
	return os.Expand(request, func(name string) string {
		if name == "source" || name == "folder" {
			return strings.ToLower(cairn.NewID())
		}
		return cairn.NewID()
	})
}

// use forgets what a request has used up.
func (th *things) use(operation, request string) {
	delete(th.made, "new")
	names := named.FindAllString(request, -1)
	if len(names) == 0 || !strings.HasPrefix(operation, http.MethodDelete) && !slices.Contains(spent, operation) {
		return
	}
	th.forget(names[len(names)-1][1:])
}

// from has what goes with a thing.
var from = map[string][]string{
	"source": {"document", "entry"}, "document": {"version", "message"}, "conversation": {"message"}, "message": {"conversation"},
}

func (th *things) forget(name string) {
	if _, ok := th.made[name]; ok {
		delete(th.made, name)
		for _, other := range from[name] {
			th.forget(other)
		}
	}
}

// make makes a thing.
func (th *things) make(name string) {
	th.t.Helper()
	id := strings.ToLower(cairn.NewID())
	var reply struct{ ID, Version string }
	switch name {
	case "new":
	case "begin":
		id = th.word[:8]
	case "source":
		th.must(th.admin, "POST", `/api/v1/sources {"name":"`+id+`","kind":"push","acl":"`+th.audience+`","settings":{"writers":"`+th.owner.Email+`"}}`, nil)
	case "folder":
		th.must(th.admin, "POST", `/api/v1/sources {"name":"`+id+`","kind":"files","settings":{"path":"`+th.folder+`"}}`, nil)
	case "document", "version":
		th.push(th.fill(`$source`), "")
		return
	case "entry":
		th.must(th.admin, "PUT", `/api/v1/sources/`+th.fill(`$source`)+`/documents?id=`+id+` {"title":"b","text":"b"}`, nil)
	case "message", "conversation":
		th.ask()
		return
	case "group":
		th.must(th.admin, "POST", `/api/v1/groups {"name":"`+id+`"}`, nil)
	case "slack":
		id += "@acme.test"
		th.must(th.admin, "PUT", `/api/v1/slack/people/T0ACME/`+id+` {"user":"`+th.owner.Email+`"}`, nil)
	case "user":
		id = string(th.person(cairn.RoleMember).ID)
	case "token":
		id, _ = th.newToken(th.owner.Account, time.Hour)
	case "grant":
		th.must(th.admin, "POST", `/api/v1/grants {"user":"`+string(th.person(cairn.RoleMember).ID)+`","source":"`+th.fill(`$folder`)+`","reason":"incident"}`, &reply)
		id = reply.ID
	case "device":
		var asked struct {
			Code string `json:"user_code"`
		}
		th.check(json.Unmarshal([]byte(th.send("POST", requests["POST /oauth/device_authorization"]).body), &asked))
		id = asked.Code
	case "binding":
		id = th.pending()
	case "erasure":
		th.must(th.admin, "PUT", `/api/v1/sources/`+th.fill(`$source`)+`/documents?id=`+id+` {"title":"e","text":"e"}`, &reply)
		th.must(th.admin, "DELETE", `/api/v1/documents/`+reply.ID, &reply)
		id = reply.ID
	case "provided":
		th.must(th.admin, "POST", `/scim/v2/Groups {"displayName":"`+id+`"}`, &reply)
		id = reply.ID
	default:
		th.t.Fatalf("there is no thing %q", name)
	}
	th.made[name] = id
}

// push brings the document, for its audience or with another ACL. It is source code by its
// name, so that it is found as such too.
func (th *things) push(source, acl string) {
	th.t.Helper()
	var pushed struct{ ID, Version string }
	th.must(th.admin, "PUT", `/api/v1/sources/`+source+`/documents?id=a.go {"title":"`+th.word+`","author":"`+th.word+`","media_type":"text/plain","text":"The safe opens with `+th.word+`."`+acl+`}`, &pushed)
	th.made["document"], th.made["version"] = pushed.ID, pushed.Version
}

// ask makes an answer from the document, with an opinion of it.
func (th *things) ask() {
	th.t.Helper()
	document := th.fill(`$document`)
	var a client.Answer
	th.must(th.owner, "POST", th.fill(`/api/v1/ask {"question":"What does the safe open with, `+th.word+`?","sources":["$source"]}`), &a)
	if len(a.Citations) == 0 || a.Citations[0].DocumentID != document || !strings.Contains(a.Text, th.word) {
		th.t.Fatalf("%+v does not rest on the document", a)
	}
	th.must(th.owner, "POST", `/api/v1/messages/`+a.MessageID+`/feedback {"rating":"up","comment":"`+th.word+`"}`, nil)
	th.made["message"], th.made["conversation"] = a.MessageID, a.ConversationID
}

// pending makes a second identity come with the address of an account.
func (th *things) pending() string {
	th.t.Helper()
	who := th.person(cairn.RoleMember)
	for range 2 {
		_, _ = th.db.SignInPerson(th.t.Context(), auth.Person{
			Issuer: "https://id.acme.test", Subject: cairn.NewID(), Email: who.Email, Once: auth.HashOf(cairn.NewID()), Until: time.Now().Add(time.Hour),
		}, time.Now())
	}
	all, _, err := th.db.ListBindings(th.t.Context(), api.Page{Limit: 200})
	th.check(err)
	i := slices.IndexFunc(all, func(b auth.PendingBinding) bool { return b.Account.ID == who.ID })
	if i < 0 {
		th.t.Fatal("the second identity does not wait")
	}
	return all[i].ID
}

// state returns what the owner sees of the things, to be compared.
func (th *things) state() string {
	th.t.Helper()
	var all []string
	for _, path := range []string{"/api/v1/documents/$document", "/api/v1/conversations/$conversation", "/api/v1/conversations", "/api/v1/sources/$source"} {
		all = append(all, th.send("GET", th.fill(path), bearer(th.owner.token)...).body)
	}
	b, err := json.Marshal(all)
	th.check(err)
	return string(b)
}
