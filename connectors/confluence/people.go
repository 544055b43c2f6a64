package confluence

import (
	"context"
	"sync"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// principals makes principals of the people and groups of a site.
type principals struct{ atlassian.People }

// user returns the principal of a person; false when there is none. An account may have
// several names.
func (p principals) user(who person, alsoNamed ...string) (cairn.PrincipalKey, bool) {
	return p.User(who.email, append(alsoNamed, who.id)...)
}

// names keeps what accounts are called. It may be used by several goroutines at once.
type names struct {
	ask   func(ctx context.Context, ids []string) (map[string]person, error)
	mu    sync.Mutex
	known map[string]person
}

func newNames(ask func(ctx context.Context, ids []string) (map[string]person, error)) *names {
	return &names{ask: ask, known: map[string]person{}}
}

// learn asks for the accounts that are not known yet. One that the site does not know
// is kept without a name.
func (n *names) learn(ctx context.Context, ids ...string) error {
	var unknown []string
	n.mu.Lock()
	asked := map[string]bool{"": true}
	for _, id := range ids {
		if _, ok := n.known[id]; !ok && !asked[id] {
			asked[id] = true
			unknown = append(unknown, id)
		}
	}
	n.mu.Unlock()
	if len(unknown) == 0 {
		return nil
	}
	told, err := n.ask(ctx, unknown)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range unknown {
		who := told[id]
		who.id = id
		n.known[id] = who
	}
	return nil
}

// of returns what is known of an account.
func (n *names) of(id string) person {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[id]
}
