package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
)

func (m *memory) ListSlackPeople(_ context.Context, p Page) ([]SlackPerson, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.SortedFunc(slices.Values(m.slack), func(a, b SlackPerson) int { return strings.Compare(a.Workspace+a.Email, b.Workspace+b.Email) })
	return part(all, p)
}

func (m *memory) SetSlackPerson(_ context.Context, p SlackPerson) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.At = time.Now()
	m.slack = append(m.withoutSlackPerson(p.Workspace, p.Email), p)
	return p.At, nil
}

func (m *memory) DeleteSlackPerson(_ context.Context, workspace, email string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := m.withoutSlackPerson(workspace, email)
	if len(left) == len(m.slack) {
		return cairn.ErrNotFound
	}
	m.slack = left
	return nil
}

func (m *memory) withoutSlackPerson(workspace, email string) []SlackPerson {
	return slices.DeleteFunc(slices.Clone(m.slack), func(p SlackPerson) bool { return p.Workspace == workspace && p.Email == email })
}
