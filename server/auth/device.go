package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// A program without a browser signs in by the device authorization grant (RFC 8628): it
// shows a code, somebody who is signed in types it into a page and lets the program in, and
// the program, which has asked since, is handed a token of that person.
const (
	deviceTTL   = 10 * time.Minute // of the codes
	devicePace  = 2 * time.Second  // between questions
	devicePause = 5 * time.Second  // longer, each time that the program asks too soon
	deviceSlack = devicePace / 2   // by which a question may come early: networks are not even
)

// DeviceLogin is a program that asks to be let in.
type DeviceLogin struct {
	Name    string // as it calls itself
	Address string // from which it asked
	Scopes  []cairn.Scope
	TTL     time.Duration // of its token
	Asked   time.Time
	Expires time.Time // of its codes
}

// DeviceHashes are those of what belongs to a DeviceLogin.
type DeviceHashes struct {
	Device Hash // of the code with which it asks
	User   Hash // of the code that a person types
	Token  Hash // of the token that it gets
}

// DeviceState is what a program is told that asks whether it was let in, in the words of
// RFC 8628 and RFC 6749; empty when it was.
type DeviceState string

// The states.
const (
	DeviceAdmitted DeviceState = ""
	DeviceWaiting  DeviceState = "authorization_pending"
	DeviceTooSoon  DeviceState = "slow_down"
	DeviceRefused  DeviceState = "access_denied"
	DeviceExpired  DeviceState = "expired_token"
	DeviceUnknown  DeviceState = "invalid_grant" // there is none, or its token was handed over
)

// DevicePoll is a program's question whether it was let in.
type DevicePoll struct {
	At    time.Time
	Slack time.Duration // by which it may be early
	Pause time.Duration // by which the pace grows when it is too early
}

// Devices keeps the programs that ask to be let in. Those that nobody has decided upon and
// that have not expired are open.
type Devices interface {
	// CreateDevice stores a program, which asks at a pace. ErrConflict when there is one
	// with the same code.
	CreateDevice(ctx context.Context, h DeviceHashes, d DeviceLogin, pace time.Duration) error
	// OpenDevice returns the open one with a code that a person types; else ErrNotFound.
	OpenDevice(ctx context.Context, user Hash, now time.Time) (DeviceLogin, error)
	// AdmitDevice makes the token of the open one with a code, which is the account's own;
	// ErrNotFound when there is none, ErrInvalid when the account is disabled. There is
	// a minute left to fetch it.
	AdmitDevice(ctx context.Context, user Hash, account cairn.AccountID, now time.Time) error
	// RefuseDevice refuses the open one with a code; ErrNotFound when there is none.
	RefuseDevice(ctx context.Context, user Hash, now time.Time) error
	// PollDevice says how it stands with the program that asks with a code. An answer that
	// is final is given once; with DeviceAdmitted comes the token, which is valid.
	PollDevice(ctx context.Context, device Hash, p DevicePoll) (DeviceState, cairn.Token, error)
}

// DeviceCodes is what a program is given that asks to be let in.
type DeviceCodes struct {
	Device  string // to ask with
	User    string // for a person to type
	Expires time.Duration
	Pace    time.Duration // between questions
}

// BeginDevice notes a program that asks to be let in; of d its name, scopes and the
// lifetime of its token count. Too many from an address, or in all, are a *Limited.
func (a *Authenticator) BeginDevice(r *http.Request, d DeviceLogin) (DeviceCodes, error) {
	d.Address = a.ClientAddr(r)
	if err := a.devices.allow(networkOf(d.Address)); err != nil {
		return DeviceCodes{}, err
	}
	codes := DeviceCodes{Device: newSessionSecret(), User: newUserCode(), Expires: deviceTTL, Pace: devicePace}
	d.Asked = a.now()
	d.Expires = d.Asked.Add(deviceTTL)
	hashes := DeviceHashes{HashOf(codes.Device), hashOfUserCode(codes.User), HashOf(tokenOfDevice(codes.Device))}
	if err := a.store.CreateDevice(r.Context(), hashes, d, devicePace); err != nil {
		return DeviceCodes{}, err
	}
	return codes, nil
}

// PollDevice says how it stands with the program that asks with a code, and returns its
// token, and the secret of that, when it was let in. From an address from which many
// questions came with codes that are not known, or too soon, none is looked at for a while:
// it came too soon.
func (a *Authenticator) PollDevice(r *http.Request, code string) (DeviceState, cairn.Token, string, error) {
	network := networkOf(a.ClientAddr(r))
	if a.polls.exhausted(network) != nil {
		return DeviceTooSoon, cairn.Token{}, "", nil //nolint:nilerr // programs are told so in this way
	}
	state, token, err := a.store.PollDevice(r.Context(), HashOf(code), DevicePoll{At: a.now(), Slack: deviceSlack, Pause: devicePause})
	unknown := errors.Is(err, cairn.ErrNotFound)
	if unknown || state == DeviceTooSoon {
		_ = a.polls.allow(network) // this one was tried; the next is told to wait
	}
	if unknown {
		return DeviceUnknown, cairn.Token{}, "", nil
	}
	if err != nil || state != DeviceAdmitted {
		return state, cairn.Token{}, "", err
	}
	return state, token, tokenOfDevice(code), nil
}

// OpenDevice returns the program that shows a code, for whoever may let it in: somebody
// who is signed in in a browser. Errors are ErrDenied for others, *Limited, and ErrNotFound.
func (a *Authenticator) OpenDevice(ctx context.Context, id Identity, typed string) (DeviceLogin, error) {
	hash, err := a.typedBy(ctx, id, typed)
	if err != nil {
		return DeviceLogin{}, err
	}
	return a.store.OpenDevice(ctx, hash, a.now())
}

// DecideDevice lets the program that shows a code in as the caller, or refuses it. Errors
// are those of OpenDevice.
func (a *Authenticator) DecideDevice(ctx context.Context, id Identity, typed string, admit bool) error {
	hash, err := a.typedBy(ctx, id, typed)
	switch {
	case err != nil:
		return err
	case admit:
		return a.store.AdmitDevice(ctx, hash, id.Account.ID, a.now())
	}
	return a.store.RefuseDevice(ctx, hash, a.now())
}

// typedBy returns the hash of a code that a person has typed, and counts it: the code is
// short enough to be guessed by who may try often.
func (a *Authenticator) typedBy(ctx context.Context, id Identity, typed string) (Hash, error) {
	if id.Via != ViaSession {
		return Hash{}, cairn.Errorf(cairn.ErrDenied, "only who is signed in in a browser can let a program in; a token cannot")
	}
	return hashOfUserCode(typed), a.attempt(ctx, burst{20, 15 * time.Second}.limit("device", string(id.Account.ID)))
}
