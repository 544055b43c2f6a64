package api

import (
	"context"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
)

func (m *memory) CreateGrant(ctx context.Context, g cairn.Grant, lifetime time.Duration) (GrantStatus, error) {
	holder, err := m.AccountByID(ctx, g.Account)
	if err != nil {
		return GrantStatus{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g.ID, g.Created = cairn.GrantID(cairn.NewID()), time.Now()
	g.Expires = g.Created.Add(lifetime)
	made := GrantStatus{Grant: g, Holder: holder, Lives: true}
	for _, s := range m.sources {
		if s.ID == g.Source {
			made.SourceName = s.Name
		}
	}
	m.grants = append(m.grants, made)
	return made, nil
}

func (m *memory) ListGrants(_ context.Context, ended bool, p Page) ([]GrantStatus, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(m.grants), func(g GrantStatus) bool { return !g.Lives && !ended })
	slices.Reverse(all)
	return part(all, p)
}

func (m *memory) RevokeGrant(_ context.Context, id cairn.GrantID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.grants {
		if g := &m.grants[i]; g.ID == id && g.Lives {
			g.Revoked, g.Lives = time.Now(), false
			return nil
		}
	}
	return cairn.ErrNotFound
}

func (m *memory) GrantOf(_ context.Context, account cairn.AccountID, document cairn.DocumentID) (cairn.Grant, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.grants {
		of := func(d StoredDocument) bool {
			return d.ID == document && (d.ID == g.Document || d.Source == g.Source)
		}
		if g.Account == account && g.Lives && slices.ContainsFunc(m.documents, of) {
			return g.Grant, nil
		}
	}
	return cairn.Grant{}, cairn.ErrNotFound
}
