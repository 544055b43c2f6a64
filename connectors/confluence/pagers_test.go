package confluence

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// shifting is a list with numbers, three elements a page, out of which something is taken
// after the first page.
type shifting struct {
	mu    sync.Mutex
	list  []string
	after func(list []string) []string // applied once
	asked int
}

func (s *shifting) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start, _ := strconv.Atoi(r.FormValue("start"))
	begin := min(start, len(s.list))
	_ = json.NewEncoder(w).Encode(map[string]any{"results": s.list[begin:min(begin+3, len(s.list))], "start": start, "limit": 3})
	if s.asked++; s.after != nil && s.asked%2 == 1 {
		s.list = s.after(slices.Clone(s.list))
		s.after = nil
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		list  []string
		after func([]string) []string
	}{
		{"empty", nil, nil},
		{"one", []string{"a"}, nil},
		{"a whole page", []string{"a", "b", "c"}, nil},
		{"pages", []string{"a", "b", "c", "d", "e", "f", "g", "h"}, nil},
		{"one is taken out", []string{"a", "b", "c", "d", "e", "f"}, func(l []string) []string { return l[1:] }},
		{"the last is taken out", []string{"a", "b", "c", "d", "e", "f"}, func(l []string) []string { return slices.Delete(l, 2, 3) }},
		{"one comes in", []string{"a", "b", "c", "d", "e", "f"}, func(l []string) []string { return append([]string{"0"}, l...) }},
		{"all are taken out", []string{"a", "b", "c", "d"}, func([]string) []string { return nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &shifting{list: tt.list, after: tt.after}
			r := connectortest.NewRemote(t, connectortest.NewFake(t, nil, connectortest.Route{Pattern: "GET /list", Query: []string{"start"}, Handle: s.serve}), nil)
			c, err := remote.New(r.Env, remote.Config{URL: r.URL})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for element, err := range numbers(t.Context(), c, remote.Request{Path: "list"}, func(s string) string { return s }) {
				if err != nil {
					t.Fatal(err)
				}
				got[element] = true
			}
			for _, element := range s.list { // as it is now
				if !got[element] {
					t.Errorf("%s is missing: %v", element, got)
				}
			}
		})
	}
}
