package connectors_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
)

// service is a fake of the service.
type service struct {
	mu    sync.Mutex
	last  int
	notes map[string]*note
}

type note struct {
	Number  int      `json:"number"`
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Deleted bool     `json:"deleted"`
	Shared  string   `json:"shared"`
	People  []string `json:"people"`
	text    string
	broken  bool
}

// edit changes a note, which is made when there is none.
func (s *service) edit(id string, change func(n *note)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	if s.notes[id] == nil || s.notes[id].Deleted {
		s.notes[id] = &note{ID: id, Title: "Note " + id, Shared: "all"}
	}
	change(s.notes[id])
	s.notes[id].Number = s.last
}

func (s *service) changes(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after, _ := strconv.Atoi(r.FormValue("after"))
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	list := slices.SortedFunc(maps.Values(s.notes), func(a, b *note) int { return a.Number - b.Number })
	list = slices.DeleteFunc(list, func(n *note) bool { return n.Number <= after })
	page := map[string]any{"changes": list[:min(limit, len(list))], "more": len(list) > limit}
	_ = json.NewEncoder(w).Encode(page)
}

func (s *service) text(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.notes[r.PathValue("id")]
	if n == nil || n.Deleted || n.broken {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write([]byte(n.text))
}

func TestExample(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		s := &service{notes: map[string]*note{}}
		known := func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer secret" }
		remote := connectortest.NewRemote(t, connectortest.NewFake(t, known,
			connectortest.Route{Pattern: "GET /api/changes", Query: []string{"limit!", "after"}, Accept: "application/json", Handle: s.changes},
			connectortest.Route{Pattern: "GET /api/notes/{id}", Handle: s.text},
		), map[string]string{"token": "secret"})
		return connectortest.Source{
			Remote: remote,
			Connect: func(t *testing.T) connectors.Connector {
				return connectortest.Open(t, Kind(), remote.Env, map[string]string{"url": remote.URL})
			},
			Put:      func(_ *testing.T, name, text string) { s.edit(name, func(n *note) { n.text = text }) },
			Remove:   func(_ *testing.T, name string) { s.edit(name, func(n *note) { n.Deleted = true }) },
			Break:    func(_ *testing.T, name string) { s.edit(name, func(n *note) { n.broken = true }) },
			External: func(name string) string { return name },
			Permit: func(_ *testing.T, name string, i int) {
				s.edit(name, func(n *note) {
					n.Shared, n.People = []string{"all", "people"}[i%2], []string{"ann@example.com", "bob@example.com"}[:i/2]
				})
			},
			ACL: func(name string) *cairn.ACL {
				acl := cairn.Allow(cairn.Everyone)
				if n := s.notes[name]; n.Shared == "people" {
					acl = cairn.Allow([]cairn.PrincipalKey{"user:ann@example.com", "user:bob@example.com"}[:len(n.People)]...)
				}
				return &acl
			},
			Puzzle: func(_ *testing.T, name string) { s.edit(name, func(n *note) { n.Shared = "by carrier pigeon" }) },
		}
	})
}
