package authtest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// PasswordByEmail implements auth.Passwords.
func (s *Store) PasswordByEmail(_ context.Context, email string) (cairn.AccountID, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, a := range s.accounts {
		if a.Email == email && email != "" && !a.Disabled && !s.provided(id) && s.passwords[id] != "" {
			return id, s.passwords[id], nil
		}
	}
	return "", "", cairn.ErrNotFound
}

// PasswordOf implements auth.Passwords.
func (s *Store) PasswordOf(_ context.Context, account cairn.AccountID) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provided(account) {
		return "", cairn.Errorf(cairn.ErrDenied, "the account is an identity provider's")
	}
	return s.passwords[account], nil
}

// SetPassword implements auth.Passwords.
func (s *Store) SetPassword(ctx context.Context, account cairn.AccountID, old, hash string, keep auth.Hash) error {
	before, err := s.PasswordOf(ctx, account)
	if err != nil {
		return err
	}
	if before != old {
		return cairn.Errorf(cairn.ErrConflict, "the password was changed meanwhile")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[account] = hash
	s.endAccess(account, keep)
	return nil
}

// RehashPassword implements auth.Passwords.
func (s *Store) RehashPassword(_ context.Context, account cairn.AccountID, old, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passwords[account] == old {
		s.passwords[account] = hash
	}
	return nil
}

// RemovePassword implements auth.Passwords.
func (s *Store) RemovePassword(_ context.Context, account cairn.AccountID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[account]; !ok {
		return cairn.ErrNotFound
	}
	delete(s.passwords, account)
	s.endAccess(account, auth.Hash{})
	return nil
}

// endAccess ends the sessions of an account but for keep, and its codes.
func (s *Store) endAccess(account cairn.AccountID, keep auth.Hash) {
	maps.DeleteFunc(s.sessions, func(h auth.Hash, session auth.Session) bool { return session.Account == account && h != keep })
	maps.DeleteFunc(s.codes, func(_ auth.Hash, c code) bool { return c.account == account })
}

// endEverything ends the sessions, codes and tokens of an account.
func (s *Store) endEverything(account cairn.AccountID) {
	s.endAccess(account, auth.Hash{})
	for hash, t := range s.tokens {
		if t.Account == account && t.Revoked.IsZero() {
			t.Revoked = time.Now()
			s.tokens[hash] = t
		}
	}
}

// provided reports whether an identity provider brought an account.
func (s *Store) provided(account cairn.AccountID) bool {
	return slices.Contains(slices.Collect(maps.Values(s.bindings)), account)
}

// Attempt implements auth.Attempts.
func (s *Store) Attempt(_ context.Context, now time.Time, limits ...auth.Limit) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[auth.Hash]time.Time{}
	for _, l := range limits {
		until := s.untils[l.Key]
		if until.Before(now) {
			until = now
		}
		next[l.Key] = until.Add(l.Every)
		if wait := next[l.Key].Sub(now) - time.Duration(l.Size)*l.Every; wait > 0 {
			return wait, nil
		}
	}
	maps.Copy(s.untils, next)
	return 0, nil
}

// Remember implements auth.Attempts.
func (s *Store) Remember(_ context.Context, key auth.Hash, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.untils[key]) {
		s.untils[key] = until
	}
	return nil
}

// Remembers implements auth.Attempts.
func (s *Store) Remembers(_ context.Context, key auth.Hash, now time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.untils[key]), nil
}
