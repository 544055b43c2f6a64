package authtest

import (
	"context"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// device is a program that asks to be let in.
type device struct {
	auth.DeviceLogin
	hashes  auth.DeviceHashes
	pace    time.Duration
	polled  time.Time
	refused bool
	token   string // id
}

// CreateDevice implements auth.Devices.
func (s *Store) CreateDevice(_ context.Context, h auth.DeviceHashes, d auth.DeviceLogin, pace time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.devices {
		if other.hashes.User == h.User {
			return cairn.Errorf(cairn.ErrConflict, "this code was given to another program; try again")
		}
	}
	s.devices[h.Device] = &device{DeviceLogin: d, hashes: h, pace: pace}
	return nil
}

// openDevice returns the program that somebody can decide upon.
func (s *Store) openDevice(user auth.Hash, now time.Time) (*device, error) {
	for _, d := range s.devices {
		if d.hashes.User == user && now.Before(d.Expires) && !d.refused && d.token == "" {
			return d, nil
		}
	}
	return nil, cairn.ErrNotFound
}

// OpenDevice implements auth.Devices.
func (s *Store) OpenDevice(_ context.Context, user auth.Hash, now time.Time) (auth.DeviceLogin, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.openDevice(user, now)
	if err != nil {
		return auth.DeviceLogin{}, err
	}
	return d.DeviceLogin, nil
}

// AdmitDevice implements auth.Devices.
func (s *Store) AdmitDevice(_ context.Context, user auth.Hash, account cairn.AccountID, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.openDevice(user, now)
	if err != nil {
		return err
	}
	d.token = cairn.NewID()
	d.Expires = maxTime(d.Expires, now.Add(time.Minute))
	s.tokens[d.hashes.Token] = cairn.Token{ID: d.token, Account: account, Name: d.Name, Scopes: d.Scopes, Created: now, Expires: now.Add(d.TTL)}
	return nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// RefuseDevice implements auth.Devices.
func (s *Store) RefuseDevice(_ context.Context, user auth.Hash, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.openDevice(user, now)
	if err == nil {
		d.refused = true
	}
	return err
}

// PollDevice implements auth.Devices.
func (s *Store) PollDevice(_ context.Context, hash auth.Hash, p auth.DevicePoll) (auth.DeviceState, cairn.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.devices[hash]
	switch {
	case !ok:
		return "", cairn.Token{}, cairn.ErrNotFound
	case p.At.Before(d.Expires) && !d.refused && d.token == "":
		early := !d.polled.IsZero() && p.At.Sub(d.polled) < d.pace-p.Slack
		if d.polled = p.At; early {
			d.pace += p.Pause
			return auth.DeviceTooSoon, cairn.Token{}, nil
		}
		return auth.DeviceWaiting, cairn.Token{}, nil
	}
	delete(s.devices, hash)
	t := s.tokens[d.hashes.Token]
	switch {
	case !p.At.Before(d.Expires):
		return auth.DeviceExpired, cairn.Token{}, nil
	case d.refused || !t.Revoked.IsZero() || s.accounts[t.Account].Disabled:
		return auth.DeviceRefused, cairn.Token{}, nil
	}
	return auth.DeviceAdmitted, t, nil
}
