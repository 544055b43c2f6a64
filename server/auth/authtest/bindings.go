package authtest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// subject is a person of an issuer.
type subject struct{ issuer, subject string }

// SignInPerson implements auth.Bindings.
func (s *Store) SignInPerson(_ context.Context, p auth.Person, now time.Time) (cairn.AccountID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[p.Once] {
		return "", auth.RefusedStale
	}
	s.used[p.Once] = true
	id, err := s.accountOf(p, now)
	if err != nil {
		return "", err
	}
	if s.accounts[id].Disabled {
		return "", auth.RefusedDisabled
	}
	if _, bound := s.bindings[subject{p.Issuer, p.Subject}]; !bound {
		s.endBefore(s.accounts[id])
	}
	s.bindings[subject{p.Issuer, p.Subject}] = id
	s.others[id] = slices.Clone(p.Groups)
	return id, nil
}

// endBefore ends what signed in as an account before its first identity; the tokens of
// administrators stay.
func (s *Store) endBefore(a cairn.Account) {
	if a.Role == cairn.RoleAdmin {
		s.endAccess(a.ID, auth.Hash{})
	} else {
		s.endEverything(a.ID)
	}
}

func (s *Store) accountOf(p auth.Person, now time.Time) (cairn.AccountID, error) {
	who := subject{p.Issuer, p.Subject}
	if id, ok := s.bindings[who]; ok {
		return id, nil
	}
	if p.Email == "" {
		return "", auth.RefusedUnverified
	}
	for _, a := range s.accounts {
		switch {
		case a.Email != p.Email:
			continue
		case a.Disabled:
			return "", auth.RefusedDisabled
		case slices.Contains(slices.Collect(maps.Values(s.bindings)), a.ID) || s.dismissed[who]:
			s.note(a, p, now)
			return "", auth.RefusedPending
		}
		return a.ID, nil
	}
	if !p.MayJoin {
		return "", auth.RefusedUnknown
	}
	a := cairn.Account{ID: cairn.AccountID(cairn.NewID()), Email: p.Email, Name: p.Name, Role: cairn.RoleMember, Created: now}
	s.accounts[a.ID] = a
	return a.ID, nil
}

func (s *Store) note(a cairn.Account, p auth.Person, now time.Time) {
	if s.dismissed[subject{p.Issuer, p.Subject}] {
		return
	}
	for i, b := range s.pending {
		if b.Account.ID == a.ID && b.Issuer == p.Issuer && b.Subject == p.Subject {
			s.pending[i].Last, s.pending[i].Attempts = now, b.Attempts+1
			return
		}
	}
	s.pending = append(s.pending, auth.PendingBinding{
		ID: cairn.NewID(), Account: a, Issuer: p.Issuer, Subject: p.Subject, Name: p.Name, First: now, Last: now, Attempts: 1,
	})
}

// AllBindings returns the pending bindings, oldest first.
func (s *Store) AllBindings() []auth.PendingBinding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pending)
}

// ConfirmBinding gives the account of a pending binding to its subject.
func (s *Store) ConfirmBinding(_ context.Context, id string) (cairn.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.takeBinding(id)
	if err != nil {
		return cairn.Account{}, err
	}
	maps.DeleteFunc(s.bindings, func(_ subject, account cairn.AccountID) bool { return account == b.Account.ID })
	s.endAccess(b.Account.ID, auth.Hash{})
	delete(s.others, b.Account.ID)
	s.bindings[subject{b.Issuer, b.Subject}] = b.Account.ID
	return s.accounts[b.Account.ID], nil
}

// DismissBinding refuses the subject of a pending binding for good.
func (s *Store) DismissBinding(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.takeBinding(id)
	if err == nil {
		s.dismissed[subject{b.Issuer, b.Subject}] = true
	}
	return err
}

func (s *Store) takeBinding(id string) (auth.PendingBinding, error) {
	i := slices.IndexFunc(s.pending, func(b auth.PendingBinding) bool { return b.ID == id })
	if i < 0 {
		return auth.PendingBinding{}, cairn.ErrNotFound
	}
	b := s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	return b, nil
}

// HolderOf implements auth.Bindings.
func (s *Store) HolderOf(_ context.Context, person auth.Subject) (auth.Holder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.bindings[subject{person.Issuer, person.Subject}]
	if !ok {
		return auth.Holder{}, cairn.ErrNotFound
	}
	return s.holder(id), nil
}
