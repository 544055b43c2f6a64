package jiratest

import (
	"slices"
	"testing"

	"encoding/json"
	"html"
)

// Text is a text in the forms in which the editions have it.
type Text struct {
	ADF        json.RawMessage // Cloud
	Wiki, HTML string          // Data Center
}

// Plain returns a text of one paragraph, below a heading when there is one.
func Plain(heading, text string) Text {
	quoted, _ := json.Marshal(text)
	title, _ := json.Marshal(heading)
	adf := `{"type":"paragraph","content":[{"type":"text","text":` + string(quoted) + `}]}`
	t := Text{Wiki: text, HTML: "<p>" + html.EscapeString(text) + "</p>"}
	if heading != "" {
		adf = `{"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":` + string(title) + `}]},` + adf
		t.Wiki, t.HTML = "h2. "+heading+"\n\n"+t.Wiki, "<h2>"+html.EscapeString(heading)+"</h2>"+t.HTML
	}
	t.ADF = json.RawMessage(`{"type":"doc","version":1,"content":[` + adf + `]}`)
	return t
}

// edit changes the site.
func (s *Site) edit(change func()) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	change()
}

// Put makes an issue of the project DOCS, or changes it.
func (s *Site) Put(t testing.TB, name, title, text string) {
	s.PutIn(t, "DOCS", name, title, Plain("Details", text))
}

// PutIn makes an issue of a project, or changes it where it is.
func (s *Site) PutIn(_ testing.TB, project, name, title string, body Text) {
	s.edit(func() {
		i := s.issues[s.names[name]]
		if i == nil {
			i = &issue{id: s.next(), project: project, number: s.projects[project].nextNumber(), reporter: "Ann", fields: map[string]any{}}
			i.created = s.now()
			s.issues[i.id], s.names[name] = i, i.id
		}
		i.summary, i.body = title, body
		s.touch(i)
	})
}

func (p *project) nextNumber() int {
	p.number++
	return p.number
}

// Remove deletes an issue.
func (s *Site) Remove(t testing.TB, name string) {
	s.edit(func() {
		if s.issues[s.names[name]] == nil {
			t.Errorf("there is no issue %q to remove", name)
		}
		delete(s.issues, s.names[name])
		delete(s.names, name)
	})
}

// Allow lets exactly these people read an issue of Cloud, as far as they may browse its
// project; nobody but the account of the source when there are none.
func (s *Site) Allow(t testing.TB, name string, emails ...string) {
	if !s.Cloud {
		t.Fatal("Data Center does not tell who is in a security level")
	}
	var members []Holder
	s.edit(func() {
		for _, address := range emails {
			for _, u := range s.users {
				if u.email == address {
					members = append(members, Holder{"user", u.id})
				}
			}
		}
	})
	if len(members) != len(emails) {
		t.Errorf("not all of %v are users of the site", emails)
	}
	s.Level("only "+name, members...)
	s.Secure(name, "only "+name)
}

// Project makes a project of a type, such as software or service_desk; team is one that
// its team manages.
func (s *Site) Project(key, kind string) {
	s.edit(func() {
		p := &project{id: s.next(), key: key, name: "Project " + key, lead: "Cid", kind: kind, roles: map[string]*role{}}
		if kind == "team" {
			p.kind, p.simplified = "software", true
		}
		s.projects[key] = p
	})
}

// Unproject removes a project with its issues.
func (s *Site) Unproject(key string) {
	s.edit(func() {
		delete(s.projects, key)
		for id, i := range s.issues {
			if i.project == key {
				delete(s.issues, id)
			}
		}
	})
}

// Browse lets exactly these holders browse a project. No issue is updated.
func (s *Site) Browse(key string, holders ...Holder) {
	s.edit(func() { s.projects[key].browse = holders })
}

// Close keeps the configuration of a project from the account.
func (s *Site) Close(key string) { s.edit(func() { s.projects[key].closed = true }) }

// Role gives exactly these people and groups a role in a project.
func (s *Site) Role(key, name string, users, groups []string) {
	s.edit(func() {
		p := s.projects[key]
		if p.roles[name] == nil {
			p.roles[name] = &role{id: s.next()}
		}
		p.roles[name].users, p.roles[name].groups = users, groups
	})
}

// RoleID returns the id of a role.
func (s *Site) RoleID(key, name string) (id string) {
	s.edit(func() { id = s.projects[key].roles[name].id })
	return id
}

// Level makes a security level, or replaces its members. All projects but those of teams
// have it.
func (s *Site) Level(name string, members ...Holder) {
	s.edit(func() {
		if s.levels[name] == nil {
			s.levels[name] = &level{id: s.next()}
		}
		s.levels[name].members = members
	})
}

// Secure gives an issue a security level; none when the name is empty.
func (s *Site) Secure(name, level string) { s.change(name, func(i *issue) { i.level = level }) }

// Restrict restricts an issue in a project of a team to roles, by their ids.
func (s *Site) Restrict(name string, roles ...string) {
	s.change(name, func(i *issue) { i.restricted = roles })
}

// Assign gives an issue to somebody.
func (s *Site) Assign(name, user string) { s.change(name, func(i *issue) { i.assignee = user }) }

// Fill sets a custom field of an issue.
func (s *Site) Fill(name, field string, value any) {
	s.change(name, func(i *issue) { i.fields[field] = value })
}

// Below makes an issue a child of another.
func (s *Site) Below(name, parent string) { s.change(name, func(i *issue) { i.parent = parent }) }

// LinkTo makes an issue block another.
func (s *Site) LinkTo(name, other string) {
	s.change(name, func(i *issue) {
		to := s.named(other)
		i.links = append(i.links, map[string]any{
			"id": s.next(), "type": map[string]any{"id": "10000", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"},
			"outwardIssue": map[string]any{"id": to.id, "key": s.key(to), "fields": map[string]any{"summary": to.summary}},
		})
	})
}

// Move moves an issue to another project.
func (s *Site) Move(name, project string) {
	s.change(name, func(i *issue) {
		if i.project != project {
			i.project, i.number = project, s.projects[project].nextNumber()
		}
	})
}

// Touch updates an issue.
func (s *Site) Touch(name string) { s.change(name, func(*issue) {}) }

func (s *Site) change(name string, change func(i *issue)) {
	s.edit(func() {
		i := s.named(name)
		change(i)
		s.touch(i)
	})
}

// Attach attaches a file to an issue, and returns its id.
func (s *Site) Attach(name, file, mediaType, text string) (id string) {
	s.change(name, func(i *issue) {
		id = s.next()
		i.attachments = append(i.attachments, &attachment{id: id, name: file, mediaType: mediaType, data: []byte(text), created: s.now()})
	})
	return id
}

// Detach removes a file.
func (s *Site) Detach(name, id string) {
	s.change(name, func(i *issue) {
		i.attachments = slices.DeleteFunc(i.attachments, func(a *attachment) bool { return a.id == id })
	})
}

// Comment makes a comment on an issue, and returns its id.
func (s *Site) Comment(name, author string, body Text) string {
	return s.comment(name, &comment{author: author, body: body})
}

// Restricted makes a comment that is for a group or role alone.
func (s *Site) Restricted(name, kind, who string, body Text) string {
	return s.comment(name, &comment{author: "Bob", body: body, visibility: map[string]any{"type": kind, "value": who, "identifier": who}})
}

// Internal makes an internal comment of a service project.
func (s *Site) Internal(name string, body Text) string {
	return s.comment(name, &comment{author: "Bob", body: body, internal: true})
}

func (s *Site) comment(name string, c *comment) string {
	s.change(name, func(i *issue) {
		c.id, c.created = s.next(), s.now()
		i.comments = append(i.comments, c)
	})
	return c.id
}

// CommentLink returns the address at which the site opens a comment on an issue.
func (s *Site) CommentLink(name, id string) string {
	link := s.Link(name) + "?focusedCommentId=" + id
	if !s.Cloud {
		link += "#comment-" + id
	}
	return link
}

// Discuss makes a comment on an issue, and returns its address.
func (s *Site) Discuss(_ testing.TB, name, text string) string {
	return s.CommentLink(name, s.Comment(name, "Bob", Plain("", text)))
}

// EditComment changes a comment; without a text, it is deleted.
func (s *Site) EditComment(name, id string, body *Text) {
	s.change(name, func(i *issue) {
		for n, c := range i.comments {
			if c.id == id && body != nil {
				c.body = *body
			} else if c.id == id {
				i.comments = slices.Delete(slices.Clone(i.comments), n, n+1)
				return
			}
		}
	})
}

// User makes an account, whose id is its name. Without an address its profile hides it.
func (s *Site) User(name, address string) {
	s.edit(func() { s.users[name] = &user{id: name, name: name + " Smith", email: address, private: address == ""} })
}

// Customer makes an account of somebody who uses the portal of a service project alone.
func (s *Site) Customer(name, address string) {
	s.User(name, address)
	s.edit(func() { s.users[name].kind = "customer" })
}

// Group makes a group, or replaces its members.
func (s *Site) Group(name string, members ...string) {
	s.edit(func() {
		if s.groups[name] == nil {
			s.groups[name] = &group{id: "g-" + s.next(), name: name}
		}
		s.groups[name].members = members
	})
}

// Break makes the text of an issue one that nobody can read.
func (s *Site) Break(name string) { s.change(name, func(i *issue) { i.broken = true }) }

// Puzzle gives an issue a security level that is in no scheme.
func (s *Site) Puzzle(name string) { s.change(name, func(i *issue) { i.puzzle = true }) }

// Demote takes the rights of an administrator of Jira from the account.
func (s *Site) Demote() { s.edit(func() { s.admin = false }) }

// Hide keeps a field of issues, a file by its id, what the search does not tell of comments,
// or the properties of comments from the account.
func (s *Site) Hide(name string) { s.edit(func() { s.hidden[name] = true }) }

// Show shows it again.
func (s *Site) Show(name string) { s.edit(func() { delete(s.hidden, name) }) }
