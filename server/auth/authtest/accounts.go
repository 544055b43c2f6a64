package authtest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// AllAccounts returns the accounts by e-mail.
func (s *Store) AllAccounts() []cairn.Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.accounts), func(a, b cairn.Account) int {
		return cmp.Or(cmp.Compare(a.Email, b.Email), cmp.Compare(a.ID, b.ID))
	})
}

// AccountByID returns an account, or ErrNotFound.
func (s *Store) AccountByID(_ context.Context, id cairn.AccountID) (cairn.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[id]
	if !ok {
		return cairn.Account{}, cairn.ErrNotFound
	}
	return a, nil
}

// Holder returns an account with its groups, or ErrNotFound.
func (s *Store) Holder(_ context.Context, id cairn.AccountID) (auth.Holder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[id]; !ok {
		return auth.Holder{}, cairn.ErrNotFound
	}
	return s.holder(id), nil
}

// AccountByEmail returns an account, or ErrNotFound.
func (s *Store) AccountByEmail(_ context.Context, email string) (cairn.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accounts {
		if a.Email == email && email != "" {
			return a, nil
		}
	}
	return cairn.Account{}, cairn.ErrNotFound
}

// CreateAccount stores an account under a new id, unless its address is taken.
func (s *Store) CreateAccount(_ context.Context, a cairn.Account) (cairn.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.ID = cairn.AccountID(cairn.NewID())
	if s.taken(a) {
		return cairn.Account{}, cairn.Errorf(cairn.ErrConflict, "there is an account with the address %s", a.Email)
	}
	s.accounts[a.ID] = a
	return a, nil
}

// UpdateAccount replaces an account, unless its address is taken or no
// administrator would remain.
func (s *Store) UpdateAccount(_ context.Context, a cairn.Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.accounts[a.ID]
	if !ok {
		return cairn.ErrNotFound
	}
	if s.taken(a) {
		return cairn.Errorf(cairn.ErrConflict, "there is an account with the address %s", a.Email)
	}
	s.accounts[a.ID] = a
	for _, other := range s.accounts {
		if other.Role == cairn.RoleAdmin && !other.Disabled {
			return nil
		}
	}
	s.accounts[a.ID] = old
	return cairn.Errorf(cairn.ErrConflict, "no administrator would remain")
}

func (s *Store) taken(a cairn.Account) bool {
	for _, other := range s.accounts {
		if other.ID != a.ID && a.Email != "" && other.Email == a.Email {
			return true
		}
	}
	return false
}

// AllGroups returns the groups with the ids of their members.
func (s *Store) AllGroups() map[string][]cairn.AccountID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.groups)
}

// CreateGroup stores an empty group, unless there is one of that name.
func (s *Store) CreateGroup(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.groups[name]; ok {
		return cairn.Errorf(cairn.ErrConflict, "there is a group %s", name)
	}
	s.groups[name] = nil
	return nil
}

// SetGroup replaces the members of a group.
func (s *Store) SetGroup(_ context.Context, name string, members []cairn.AccountID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.groups[name]; !ok {
		return cairn.ErrNotFound
	}
	s.groups[name] = slices.Clone(members)
	return nil
}

// DeleteGroup removes a group.
func (s *Store) DeleteGroup(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.groups[name]; !ok {
		return cairn.ErrNotFound
	}
	delete(s.groups, name)
	return nil
}
