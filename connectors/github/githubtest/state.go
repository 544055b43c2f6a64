package githubtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors/git/gittest"
)

// World is what a Site holds. It is changed in Site.Change alone.
type World struct {
	Organization   string // owner of all repositories
	BasePermission string // of all members in all repositories: none, read, write or admin
	Owners         []string
	Members        []string            // logins, owners included
	Verified       map[string][]string // addresses in the organisation's verified domains, by login
	SAML           map[string]string   // names at the identity provider, by login; nil: there is none
	Teams          []*Team
	Repositories   []*Repository

	now  time.Time // of the last change; zero: the time is what it is
	step time.Duration
	last int64 // id
}

// Team is a team.
type Team struct {
	Slug, Parent string
	Members      []string
	Repositories map[string]string // permission by name
}

// Repository is a repository of the organisation.
type Repository struct {
	Name          string
	Visibility    string            // PUBLIC, INTERNAL, PRIVATE
	Collaborators map[string]string // permission by login, of those who were let in one by one
	Untold        bool              // the credential may not see the collaborators
	Blocked       bool              // the credential may not list the issues
	NoWiki        bool              // the wiki is switched off
	Items         []*Item

	id     int64
	number int
	wiki   *gittest.Repository // nil: nobody has written a page yet
}

// ID returns the id of a repository.
func (r *Repository) ID() int64 { return r.id }

// Kind is what an item is.
type Kind string

// The kinds of items.
const (
	Issue      Kind = "issue"
	Pull       Kind = "pull"
	Discussion Kind = "discussion"
	Release    Kind = "release"
)

// Item is an issue, a pull request, a discussion or a release.
type Item struct {
	Kind          Kind
	Title, HTML   string
	Author        string
	State, Reason string // OPEN, CLOSED, MERGED
	Labels        []string
	Draft         bool
	Comments      []*Comment
	Reviews       []*Review
	Threads       []*Thread
	Broken        bool // it cannot be read

	id               int64
	number           int
	created, updated time.Time
}

// Number returns the number of an issue, pull request or discussion, the id of a release.
func (i *Item) Number() int64 {
	if i.Kind == Release {
		return i.id
	}
	return int64(i.number)
}

// Comment is a comment on an item, or on a place of a pull request.
type Comment struct {
	Author, HTML string
	Minimized    string // why; empty: it is shown
	Answer       bool
	Replies      []*Comment

	id int64
	at time.Time
}

// Review is a review of a pull request.
type Review struct {
	Author, HTML, State string

	id int64
	at time.Time
}

// Thread are the comments on a place of a pull request.
type Thread struct {
	Path     string
	Line     int
	Resolved bool
	Comments []*Comment

	id int64
}

// tick returns the time of a change, in seconds as GitHub's are.
func (w *World) tick() time.Time {
	if w.now.IsZero() {
		return time.Now().UTC().Truncate(time.Second)
	}
	w.now = w.now.Add(w.step)
	return w.now
}

func (w *World) nextID() int64 {
	w.last++
	return w.last
}

// Repository returns a repository, which is made, public, when there is none.
func (w *World) Repository(name string) *Repository {
	for _, r := range w.Repositories {
		if r.Name == name {
			return r
		}
	}
	r := &Repository{Name: name, Visibility: "PUBLIC", Collaborators: map[string]string{}, id: w.nextID()}
	w.Repositories = append(w.Repositories, r)
	return r
}

// Add adds an item to a repository.
func (w *World) Add(r *Repository, i *Item) *Item {
	i.id, i.created = w.nextID(), w.tick()
	i.updated = i.created
	if i.Author == "" {
		i.Author = "ann"
	}
	if i.State == "" {
		i.State = "OPEN"
	}
	if i.Kind != Release {
		r.number++
		i.number = r.number
	}
	r.Items = append(r.Items, i)
	w.Touch(i)
	return i
}

// Touch makes an item one that has changed now, with all that is new in it.
func (w *World) Touch(i *Item) {
	i.updated = w.tick()
	for _, c := range i.Comments {
		w.stamp(c)
	}
	for _, r := range i.Reviews {
		if r.id == 0 {
			r.id, r.at = w.nextID(), w.tick()
		}
	}
	for _, t := range i.Threads {
		if t.id == 0 {
			t.id = w.nextID()
		}
		for _, c := range t.Comments {
			w.stamp(c)
		}
	}
}

func (w *World) stamp(c *Comment) {
	if c.id == 0 {
		c.id, c.at = w.nextID(), w.tick()
	}
	for _, reply := range c.Replies {
		w.stamp(reply)
	}
}

// Delete removes an item, of which GitHub tells nobody.
func (w *World) Delete(i *Item) {
	for _, r := range w.Repositories {
		r.Items = slices.DeleteFunc(r.Items, func(other *Item) bool { return other == i })
	}
}

// Transfer moves an issue or a discussion to another repository, where it gets a number.
func (w *World) Transfer(i *Item, to *Repository) {
	w.Delete(i)
	to.number++
	i.number, i.id = to.number, w.nextID()
	to.Items = append(to.Items, i)
	w.Touch(i)
}

// Home returns the repository of an item; nil when it is gone.
func (w *World) Home(i *Item) *Repository {
	for _, r := range w.Repositories {
		if slices.Contains(r.Items, i) {
			return r
		}
	}
	return nil
}

// Invite makes somebody a member of the organisation, with an address in its domains.
func (w *World) Invite(login, address string) {
	if !slices.Contains(w.Members, login) {
		w.Members = append(w.Members, login)
	}
	if address != "" && !slices.Contains(w.Verified[login], address) {
		w.Verified[login] = append(w.Verified[login], address)
	}
}

// full is the name of a repository with that of its owner.
func (w *World) full(r *Repository) string { return w.Organization + "/" + r.Name }

// path is where an item is on the site.
func (w *World) path(i *Item) string {
	r := w.Home(i)
	if r == nil {
		return ""
	}
	switch i.Kind {
	case Release:
		return fmt.Sprintf("/%s/releases/tag/v%d", w.full(r), i.id)
	case Pull:
		return fmt.Sprintf("/%s/pull/%d", w.full(r), i.number)
	case Discussion:
		return fmt.Sprintf("/%s/discussions/%d", w.full(r), i.number)
	}
	return fmt.Sprintf("/%s/issues/%d", w.full(r), i.number)
}

// slug makes a name that a repository may have.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
}
