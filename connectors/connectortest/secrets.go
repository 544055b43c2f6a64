package connectortest

import (
	"context"
	"sync"

	"github.com/cairnhq/cairn"
)

// Secrets are the secret settings of a source of a test. They may be used by several
// goroutines at once.
type Secrets struct {
	mu     sync.Mutex
	values map[string]cairn.Secret
}

// NewSecrets returns secrets with the given values.
func NewSecrets(values map[string]string) *Secrets {
	s := &Secrets{values: map[string]cairn.Secret{}}
	for name, value := range values {
		s.values[name] = cairn.NewSecret(value)
	}
	return s
}

// Secret implements connectors.Secrets.
func (s *Secrets) Secret(_ context.Context, name string) (cairn.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[name], nil
}

// Replace implements connectors.Secrets.
func (s *Secrets) Replace(_ context.Context, name string, old, issued cairn.Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values[name] != old {
		return cairn.Errorf(cairn.ErrConflict, "the setting %s is another one by now", name)
	}
	s.values[name] = issued
	return nil
}

// Set stores a secret as an administrator does.
func (s *Secrets) Set(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = cairn.NewSecret(value)
}
