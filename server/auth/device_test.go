package auth_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

var userCode = regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`)

// asks begins a program's sign-in from an address.
func asks(t *testing.T, a *auth.Authenticator, addr string) auth.DeviceCodes {
	t.Helper()
	codes, err := a.BeginDevice(from(addr), auth.DeviceLogin{Name: "laptop", Scopes: []cairn.Scope{cairn.ScopeSearch}, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if !userCode.MatchString(codes.User) || len(codes.Device) < 52 {
		t.Fatalf("%+v", codes)
	}
	return codes
}

// told polls and returns what the program is told, which is no token.
func told(t *testing.T, a *auth.Authenticator, code string) auth.DeviceState {
	t.Helper()
	state, token, secret, err := a.PollDevice(from("192.0.2.1"), code)
	if err != nil || state == auth.DeviceAdmitted || token.ID != "" || secret != "" {
		t.Fatalf("%q, %+v, %v", state, token, err)
	}
	return state
}

func TestDeviceIsLetIn(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	ann, err := a.Identify(withCookie(signIn(t, a, store, c, cairn.RoleMember)))
	if err != nil {
		t.Fatal(err)
	}
	codes := asks(t, a, "198.51.100.7")
	if got := told(t, a, codes.Device); got != auth.DeviceWaiting {
		t.Errorf("at first: %q", got)
	}
	typed := strings.ToLower(strings.ReplaceAll(codes.User, "-", " "))
	d, err := a.OpenDevice(t.Context(), ann, typed)
	if err != nil || d.Name != "laptop" || d.Address != "198.51.100.7" || !d.Asked.Equal(c.now) {
		t.Errorf("%+v, %v", d, err)
	}
	if err := a.DecideDevice(t.Context(), ann, typed, true); err != nil {
		t.Fatal(err)
	}
	if err := a.DecideDevice(t.Context(), ann, typed, true); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	state, token, secret, err := a.PollDevice(from("198.51.100.7"), codes.Device)
	if err != nil || state != auth.DeviceAdmitted || token.Account != ann.Account.ID || !auth.WellFormed(secret) {
		t.Fatalf("%q, %+v, %v", state, token, err)
	}
	id, err := a.Identify(bearer(secret))
	if err != nil || id.Account.ID != ann.Account.ID || len(id.Scopes) != 1 || id.Via != auth.ViaToken {
		t.Errorf("%+v, %v", id, err)
	}
	if got := told(t, a, codes.Device); got != auth.DeviceUnknown {
		t.Errorf("once more: %q", got)
	}
	// The token cannot let another program in: that would outlive it.
	if _, err := a.OpenDevice(t.Context(), id, asks(t, a, "192.0.2.9").User); !errors.Is(err, cairn.ErrDenied) {
		t.Errorf("by a token: %v", err)
	}
}

func TestDeviceIsRefused(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	ann, err := a.Identify(withCookie(signIn(t, a, store, c, cairn.RoleMember)))
	if err != nil {
		t.Fatal(err)
	}
	codes := asks(t, a, "192.0.2.1")
	if err := a.DecideDevice(t.Context(), ann, codes.User, false); err != nil {
		t.Fatal(err)
	}
	if err := a.DecideDevice(t.Context(), ann, codes.User, true); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("after it was refused: %v", err)
	}
	if got := told(t, a, codes.Device); got != auth.DeviceRefused {
		t.Errorf("refused: %q", got)
	}

	late := asks(t, a, "192.0.2.1")
	c.advance(10 * time.Minute)
	if _, err := a.OpenDevice(t.Context(), ann, late.User); !errors.Is(err, cairn.ErrNotFound) {
		t.Errorf("after ten minutes: %v", err)
	}
	if got := told(t, a, late.Device); got != auth.DeviceExpired {
		t.Errorf("after ten minutes: %q", got)
	}

	revoked := asks(t, a, "192.0.2.1")
	if err := a.DecideDevice(t.Context(), ann, revoked.User, true); err != nil {
		t.Fatal(err)
	}
	for _, token := range store.AllTokens(ann.Account.ID) {
		if err := store.RevokeToken(t.Context(), "", token.ID, c.now); err != nil {
			t.Fatal(err)
		}
	}
	if got := told(t, a, revoked.Device); got != auth.DeviceRefused {
		t.Errorf("whose token was revoked: %q", got)
	}
}

// TestDeviceKeepsThePace asks too often, which makes it wait for longer each time.
func TestDeviceKeepsThePace(t *testing.T) {
	a, _, c := newAuth(t, auth.Config{})
	codes := asks(t, a, "192.0.2.1")
	for _, step := range []struct {
		after time.Duration
		want  auth.DeviceState
	}{
		{0, auth.DeviceWaiting}, {2 * time.Second, auth.DeviceWaiting}, {1500 * time.Millisecond, auth.DeviceWaiting}, // a little early
		{0, auth.DeviceTooSoon}, {2 * time.Second, auth.DeviceTooSoon}, {7 * time.Second, auth.DeviceTooSoon}, {17 * time.Second, auth.DeviceWaiting},
	} {
		c.advance(step.after)
		if got := told(t, a, codes.Device); got != step.want {
			t.Errorf("after %v: %q, want %q", step.after, got, step.want)
		}
	}
}

// TestA12_44_DeviceCodesAreNotGuessed tries many codes, of both kinds.
func TestA12_44_DeviceCodesAreNotGuessed(t *testing.T) {
	a, store, c := newAuth(t, auth.Config{})
	ann, err := a.Identify(withCookie(signIn(t, a, store, c, cairn.RoleMember)))
	if err != nil {
		t.Fatal(err)
	}
	var limited *auth.Limited
	for n := range 21 {
		_, err := a.OpenDevice(t.Context(), ann, "BBBB-BBBB")
		if want := n == 20; errors.As(err, &limited) != want || !want && !errors.Is(err, cairn.ErrNotFound) {
			t.Fatalf("guess %d: %v", n, err)
		}
	}
	codes := asks(t, a, "192.0.2.1")
	if err := a.DecideDevice(t.Context(), ann, codes.User, true); !errors.As(err, &limited) {
		t.Errorf("a right one after them: %v", err)
	}
	if got := told(t, a, codes.Device); got != auth.DeviceWaiting {
		t.Errorf("%q", got)
	}
	for range 30 {
		if got := told(t, a, codes.Device); got != auth.DeviceTooSoon {
			t.Fatalf("%q", got)
		}
		if got := told(t, a, "made up"); got != auth.DeviceUnknown {
			t.Fatalf("%q", got)
		}
	}
	if got := told(t, a, "made up"); got != auth.DeviceTooSoon {
		t.Errorf("after 60 questions that are wrong or too soon: %q", got)
	}
	for n := range 10 { // one was asked for above
		_, err := a.BeginDevice(from("192.0.2.1"), auth.DeviceLogin{Name: "x"})
		if errors.As(err, &limited) != (n == 9) {
			t.Fatalf("beginning %d from an address: %v", n, err)
		}
	}
}
