package confluencetest

import (
	"strings"
	"testing"
)

// Put makes a page of the space DOCS, or changes it.
func (s *Site) Put(_ testing.TB, name, title, text string) {
	s.PutBody(name, title, "<h1>Details</h1><p>"+escape(text)+"</p>")
}

// PutBody makes a page of the space DOCS, or changes it: its text is in storage format.
func (s *Site) PutBody(name, title, body string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.named(name)
	if c == nil {
		c = s.make("page", "DOCS")
		s.names[name] = c.id
	}
	c.title, c.body = title, body
	s.touch(c)
}

// PutIn makes a page of a space.
func (s *Site) PutIn(key, name, title, text string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.make("page", key)
	c.title, c.body = title, "<p>"+escape(text)+"</p>"
	s.names[name] = c.id
}

// Post makes a blog post of the space DOCS.
func (s *Site) Post(name, title, text string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.make("blogpost", "DOCS")
	c.title, c.body = title, "<h1>Details</h1><p>"+escape(text)+"</p>"
	s.names[name] = c.id
}

// Folder makes a folder, which Cloud has, or moves it below another content.
func (s *Site) Folder(name, parent string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.named(name)
	if c == nil {
		c = s.make("folder", "DOCS")
		s.names[name] = c.id
	}
	c.title, c.parent = name, s.names[parent]
}

// Attach attaches a file to a page, or makes a new version of it.
func (s *Site) Attach(page, name, mediaType, text string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.named(page + "/" + name)
	if c == nil {
		c = s.make("attachment", "DOCS")
		delete(s.contents, c.id)
		c.id = "att" + c.id
		s.contents[c.id] = c
		s.names[page+"/"+name] = c.id
	}
	c.title, c.mediaType, c.data, c.parent = name, mediaType, []byte(text), s.names[page]
	s.touch(c)
}

// Comment makes a comment on a page, inline on a quote where there is one, or changes it.
// It answers another comment where one is named.
func (s *Site) Comment(name, page, answers, quote, body string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.named(name)
	if c == nil {
		kind := "footer"
		if quote != "" {
			kind = "inline"
		}
		c = s.make(kind, "DOCS")
		s.names[name] = c.id
	}
	c.author, c.body, c.quote, c.parent, c.reply = "Bob", body, quote, s.names[page], s.names[answers]
	s.touch(c)
}

// CommentLink returns the address at which the site opens a comment on a page.
func (s *Site) CommentLink(page, name string) string {
	link := s.Link(page) + "?focusedCommentId=" + s.ID(name)
	if !s.Cloud {
		link += "#comment-" + s.ID(name)
	}
	return link
}

// Discuss makes a comment on a page, and returns its address.
func (s *Site) Discuss(_ testing.TB, page, text string) string {
	s.Comment("comment on "+page, page, "", "", "<p>"+escape(text)+"</p>")
	return s.CommentLink(page, "comment on "+page)
}

// Remove moves something to the trash. What lies below a page moves up.
func (s *Site) Remove(_ testing.TB, name string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.named(name)
	if c == nil {
		s.T.Errorf("there is no content %q to remove", name)
		return
	}
	c.status = "trashed"
	delete(s.names, name)
	for _, child := range s.contents {
		if child.parent == c.id && (child.kind == "page" || child.kind == "folder") {
			child.parent = c.parent
		}
	}
}

// Move moves a page below another content, or to the top of its space. Its version stays.
func (s *Site) Move(name, parent string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.named(name).parent = s.names[parent]
}

// Allow lets exactly these people read a page, as far as they may read what it lies in;
// nobody but the account of the source when there are none. Who is not known gets an
// account and may view the space.
func (s *Site) Allow(_ testing.TB, name string, emails ...string) {
	people := []string{"Bot"}
	for _, address := range emails {
		people = append(people, s.account(address))
	}
	s.Restrict(name, people, nil)
}

// account returns the id of the account with an address, which it makes when there is
// none.
func (s *Site) account(address string) string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	for id, u := range s.users {
		if u.email == address {
			return id
		}
	}
	name, _, _ := strings.Cut(address, "@")
	s.users[address] = &user{id: address, name: name, email: address}
	s.spaces["DOCS"].users = append(s.spaces["DOCS"].users, address)
	return address
}

// Restrict lets exactly these people and groups read something; everybody when there are
// none. No version changes.
func (s *Site) Restrict(name string, users, groups []string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c := s.named(name)
	c.users, c.groups = users, groups
}

// Link returns how the address of a page begins.
func (s *Site) Link(name string) string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	base := s.Base()
	if s.Cloud {
		return base + "/wiki" + webUI(s.named(name))
	}
	return base + "/confluence" + webUI(s.named(name))
}

// Space makes a space, which nobody may view.
func (s *Site) Space(key string, personal bool) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.spaces[key] = &space{id: s.next(), key: key, name: "Space " + key, personal: personal}
}

// View lets exactly these people and groups view a space.
func (s *Site) View(key string, users, groups []string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.spaces[key].users, s.spaces[key].groups = users, groups
}

// Public lets anonymous people view a space, or not.
func (s *Site) Public(key string, public bool) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.spaces[key].anonymous = public
}

// Roles turns on roles in spaces, and gives people and access classes that of a viewer.
func (s *Site) Roles(key string, users, access []string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.roles = true
	s.spaces[key].roleUsers, s.spaces[key].access = users, access
}

// User makes an account, whose id is its name. Without an address its profile hides it.
func (s *Site) User(name, address string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.users[name] = &user{id: name, name: name + " Smith", email: address, private: address == ""}
}

// Group makes a group, or replaces its members.
func (s *Site) Group(name string, members ...string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.groups[name] == nil {
		s.groups[name] = &group{id: "g-" + s.next(), name: name}
	}
	s.groups[name].members = members
}

// Break makes the text of something unreadable.
func (s *Site) Break(name string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.named(name).broken = true
}

// Puzzle gives something restrictions of an unknown form.
func (s *Site) Puzzle(name string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.named(name).puzzle = true
}

// Orphan lets the site keep to itself what something lies in.
func (s *Site) Orphan(name string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.named(name).orphan = true
}

// Refuse lets the site keep the restrictions of something to itself.
func (s *Site) Refuse(name string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.named(name).refused = true
}

// Unindex takes something out of the search index, which is behind.
func (s *Site) Unindex(name string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.named(name).hidden = true
}

// PageSize sets how many elements a page of a list has.
func (s *Site) PageSize(n int) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.size = n
}

// Demote takes the rights of an administrator from the account, which Data Center tells
// permissions of spaces only to.
func (s *Site) Demote() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.admin = false
}

// ID returns the id of something.
func (s *Site) ID(name string) string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.names[name]
}
