package authtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

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

// Through returns that an account belongs to each of its groups itself, or
// ErrNotFound.
func (s *Store) Through(ctx context.Context, id cairn.AccountID) (map[cairn.PrincipalKey][]cairn.PrincipalKey, error) {
	h, err := s.Holder(ctx, id)
	if err != nil {
		return nil, err
	}
	chains := make(map[cairn.PrincipalKey][]cairn.PrincipalKey, len(h.Groups))
	for _, key := range h.Groups {
		chains[key] = []cairn.PrincipalKey{key}
	}
	return chains, nil
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

// UpdateAccount stores what edit makes of an account, unless its address is taken or
// no administrator would remain.
func (s *Store) UpdateAccount(_ context.Context, id cairn.AccountID, edit func(*cairn.Account) error) (cairn.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.accounts[id]
	if !ok {
		return cairn.Account{}, cairn.ErrNotFound
	}
	a := old
	if err := edit(&a); err != nil {
		return cairn.Account{}, err
	}
	if s.taken(a) {
		return cairn.Account{}, cairn.Errorf(cairn.ErrConflict, "there is an account with the address %s", a.Email)
	}
	s.accounts[id] = a
	for _, other := range s.accounts {
		if other.Role == cairn.RoleAdmin && !other.Disabled {
			if a.Disabled {
				s.endEverything(a.ID)
			}
			return a, nil
		}
	}
	s.accounts[id] = old
	return cairn.Account{}, cairn.Errorf(cairn.ErrConflict, "no administrator would remain")
}

func (s *Store) taken(a cairn.Account) bool {
	for _, other := range s.accounts {
		if other.ID != a.ID && a.Email != "" && other.Email == a.Email {
			return true
		}
	}
	return false
}

// Members are those of a group.
type Members struct {
	Accounts []cairn.AccountID
	Groups   []cairn.PrincipalKey
}

// AllGroups returns the groups with their members.
func (s *Store) AllGroups() map[string]Members {
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
	s.groups[name] = Members{}
	return nil
}

// SetGroup replaces the members of a group; the groups among them must be there.
func (s *Store) SetGroup(_ context.Context, name string, members []cairn.AccountID, groups []cairn.PrincipalKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.groups[name]; !ok {
		return cairn.ErrNotFound
	}
	for _, k := range groups {
		if _, ok := s.groups[nameOf(k)]; !ok {
			return cairn.ErrNotFound
		}
	}
	s.groups[name] = Members{slices.Clone(members), slices.Clone(groups)}
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

// nameOf returns the name of a group that is kept here, by its key.
func nameOf(k cairn.PrincipalKey) string {
	return strings.TrimPrefix(string(k), string(cairn.GroupKey(cairn.OwnDirectory, "")))
}

// holder returns an account with the keys of its groups, through others as well.
func (s *Store) holder(id cairn.AccountID) auth.Holder {
	h := auth.Holder{Account: s.accounts[id], Grants: s.grants[id]}
	held := map[string]bool{}
	for more := true; more; {
		more = false
		for name, in := range s.groups {
			through := slices.ContainsFunc(in.Groups, func(k cairn.PrincipalKey) bool { return held[nameOf(k)] })
			if !held[name] && (through || slices.Contains(in.Accounts, id)) {
				held[name], more = true, true
			}
		}
	}
	for _, name := range s.others[id] {
		h.Groups = append(h.Groups, cairn.GroupKey(cairn.OIDCDirectory, name))
	}
	for _, name := range slices.Sorted(maps.Keys(held)) {
		h.Groups = append(h.Groups, cairn.GroupKey(cairn.OwnDirectory, name))
	}
	return h
}
