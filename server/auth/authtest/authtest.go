// Package authtest has the fake of auth.Store: it keeps everything in memory
// and behaves as the database does, uniqueness and last administrators included.
package authtest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// Store keeps accounts, groups, tokens, sessions and codes in memory. It may be
// used by several goroutines at once. The zero Store is not usable: call New.
type Store struct {
	mu       sync.Mutex
	accounts map[cairn.AccountID]cairn.Account
	groups   map[string]Members
	tokens   map[auth.Hash]cairn.Token
	sessions map[auth.Hash]auth.Session
	codes    map[auth.Hash]code
	touched  int

	bindings map[subject]cairn.AccountID
	pending  []auth.PendingBinding
	// dismissed are pending bindings that an administrator dismissed.
	dismissed map[subject]bool
	used      map[auth.Hash]bool

	passwords map[cairn.AccountID]string
	devices   map[auth.Hash]*device        // by the code with which they ask
	untils    map[auth.Hash]time.Time      // of limits, and of what is remembered
	others    map[cairn.AccountID][]string // groups of cairn.OIDCDirectory
	grants    map[cairn.AccountID][]cairn.GrantID
}

type code struct {
	account  cairn.AccountID
	expires  time.Time
	redeemed bool
}

// New returns an empty Store.
func New() *Store {
	return &Store{
		devices:  map[auth.Hash]*device{},
		accounts: map[cairn.AccountID]cairn.Account{}, groups: map[string]Members{},
		tokens: map[auth.Hash]cairn.Token{}, sessions: map[auth.Hash]auth.Session{}, codes: map[auth.Hash]code{},
		bindings: map[subject]cairn.AccountID{}, dismissed: map[subject]bool{}, used: map[auth.Hash]bool{},
		others: map[cairn.AccountID][]string{}, grants: map[cairn.AccountID][]cairn.GrantID{}, passwords: map[cairn.AccountID]string{}, untils: map[auth.Hash]time.Time{},
	}
}

// Add stores an account as it is, and the groups it belongs to.
func (s *Store) Add(a cairn.Account, groups ...string) cairn.Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.ID == "" {
		a.ID = cairn.AccountID(cairn.NewID())
	}
	s.accounts[a.ID] = a
	for _, g := range groups {
		in := s.groups[g]
		in.Accounts = append(in.Accounts, a.ID)
		s.groups[g] = in
	}
	return a
}

// SetGrants says which grants of an account live.
func (s *Store) SetGrants(account cairn.AccountID, grants ...cairn.GrantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants[account] = grants
}

// Token stores a token of an account that expires in an hour of now and returns
// its secret.
func (s *Store) Token(account cairn.AccountID, now time.Time, scopes ...cairn.Scope) string {
	secret := auth.NewToken()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[auth.HashOf(secret)] = cairn.Token{
		ID: cairn.NewID(), Account: account, Scopes: scopes, Created: now, Expires: now.Add(time.Hour),
	}
	return secret
}

// Touched returns how often TouchToken was called.
func (s *Store) Touched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.touched
}

// TokenByHash implements auth.Tokens.
func (s *Store) TokenByHash(_ context.Context, hash auth.Hash) (cairn.Token, auth.Holder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[hash]
	if !ok {
		return cairn.Token{}, auth.Holder{}, cairn.ErrNotFound
	}
	return t, s.holder(t.Account), nil
}

// TouchToken implements auth.Tokens.
func (s *Store) TouchToken(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched++
	return s.editToken(func(t *cairn.Token) bool { return t.ID == id }, func(t *cairn.Token) { t.LastUsed = at })
}

// CreateToken stores a token under its hash.
func (s *Store) CreateToken(_ context.Context, hash auth.Hash, t cairn.Token) (cairn.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.ID = cairn.NewID()
	s.tokens[hash] = t
	return t, nil
}

// RevokeToken ends a token of an account, or of anybody when account is empty.
func (s *Store) RevokeToken(_ context.Context, account cairn.AccountID, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := func(t *cairn.Token) bool { return t.ID == id && (account == "" || t.Account == account) }
	return s.editToken(mine, func(t *cairn.Token) { t.Revoked = at })
}

// AllTokens returns the tokens of an account, or all when account is empty,
// newest first.
func (s *Store) AllTokens(account cairn.AccountID) []cairn.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []cairn.Token
	for _, t := range s.tokens {
		if account == "" || t.Account == account {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b cairn.Token) int { return b.Created.Compare(a.Created) })
	return out
}

func (s *Store) editToken(which func(*cairn.Token) bool, edit func(*cairn.Token)) error {
	for hash, t := range s.tokens {
		if which(&t) {
			edit(&t)
			s.tokens[hash] = t
			return nil
		}
	}
	return cairn.ErrNotFound
}

// CreateSession implements auth.Sessions.
func (s *Store) CreateSession(_ context.Context, hash auth.Hash, session auth.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.holds(session) {
		return cairn.Errorf(cairn.ErrUnauthenticated, "sign in again")
	}
	session.By = auth.Proof{}
	s.sessions[hash] = session
	return nil
}

// holds reports whether what a session rests on still holds; it uses up the code.
func (s *Store) holds(session auth.Session) bool {
	switch by := session.By; {
	case session.ByCode:
		c := s.codes[by.Code]
		delete(s.codes, by.Code)
		return c.redeemed && c.account == session.Account
	case by.Person != auth.Subject{}:
		return s.bindings[subject{by.Person.Issuer, by.Person.Subject}] == session.Account
	}
	return true
}

// SessionByHash implements auth.Sessions.
func (s *Store) SessionByHash(_ context.Context, hash auth.Hash) (auth.Session, auth.Holder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.sessions[hash]
	if !ok {
		return auth.Session{}, auth.Holder{}, cairn.ErrNotFound
	}
	return session, s.holder(session.Account), nil
}

// TouchSession implements auth.Sessions.
func (s *Store) TouchSession(_ context.Context, hash auth.Hash, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session, ok := s.sessions[hash]; ok {
		session.Used = at
		s.sessions[hash] = session
	}
	return nil
}

// DeleteSession implements auth.Sessions.
func (s *Store) DeleteSession(_ context.Context, hash auth.Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, hash)
	return nil
}

// CreateCode implements auth.Codes.
func (s *Store) CreateCode(_ context.Context, hash auth.Hash, account cairn.AccountID, expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.codes, func(_ auth.Hash, c code) bool { return c.account == account })
	s.codes[hash] = code{account: account, expires: expires}
	return nil
}

// HasCode implements auth.Codes.
func (s *Store) HasCode(_ context.Context, hash auth.Hash, now time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.codes[hash]
	return ok && !c.redeemed && now.Before(c.expires), nil
}

// RedeemCode implements auth.Codes.
func (s *Store) RedeemCode(_ context.Context, hash auth.Hash, email string, now time.Time) (cairn.AccountID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.codes[hash]
	if !ok || c.redeemed || !now.Before(c.expires) {
		return "", cairn.ErrNotFound
	}
	if c.account != "" {
		s.codes[hash] = code{c.account, c.expires, true}
		return c.account, nil
	}
	for _, a := range s.accounts {
		if a.Role == cairn.RoleAdmin && a.ID != localID {
			return "", cairn.ErrNotFound
		}
	}
	a := cairn.Account{ID: cairn.AccountID(cairn.NewID()), Email: email, Role: cairn.RoleAdmin, Created: now}
	s.codes[hash] = code{a.ID, c.expires, true}
	delete(s.accounts, localID) // the fake hands nothing over
	s.accounts[a.ID] = a
	return a.ID, nil
}

// localID is that of the account of local mode.
const localID = "local"

// LocalAccount implements auth.Locals.
func (s *Store) LocalAccount(context.Context) (auth.Holder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[localID]; !ok {
		s.accounts[localID] = cairn.Account{ID: localID, Name: "local", Role: cairn.RoleAdmin}
	}
	return s.holder(localID), nil
}
