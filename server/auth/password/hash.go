package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// Cost is what one hash costs.
type Cost struct {
	KiB    uint32 // of memory
	Passes uint32 // over it
	Lanes  uint8
}

// DefaultCost is the second recommended option of RFC 9106, section 4, in one lane
// instead of four: a sign-in takes one processor. It is above what OWASP asks for at
// least (19 MiB, two passes).
func DefaultCost() Cost { return Cost{KiB: 64 << 10, Passes: 3, Lanes: 1} }

// patience is how long a password waits for its turn.
const patience = 5 * time.Second

// atOnce returns how many hashes are made at once: two, each of which takes the memory
// of its cost, and on less than four processors one, so that whoever guesses leaves
// some for the rest.
func atOnce() int {
	if runtime.NumCPU() < 4 {
		return 1
	}
	return 2
}

const (
	saltBytes = 16
	keyBytes  = 32
)

// ErrBusy says that too many others are signing in at the moment.
var ErrBusy = errors.New("too many passwords are being checked")

// Hasher makes and checks hashes, only so many at once. It may be used by several
// goroutines at once.
type Hasher struct {
	cost  Cost
	turns chan struct{}
	decoy string
}

// New returns a Hasher whose hashes cost so much.
func New(cost Cost) *Hasher {
	return &Hasher{cost: cost, turns: make(chan struct{}, atOnce()), decoy: newPHC(cost, make([]byte, keyBytes)).String()}
}

// Hash returns a new hash of a password that Check has accepted. Errors are those of
// ctx and ErrBusy.
func (h *Hasher) Hash(ctx context.Context, text string) (string, error) {
	p := newPHC(h.cost, nil)
	key, err := h.derive(ctx, p, text)
	if err != nil {
		return "", err
	}
	p.key = key
	return p.String(), nil
}

// Matches reports whether a hash is that of a password. An empty hash is nobody's:
// it matches nothing and takes as long as a new one. Errors are those of ctx,
// ErrBusy, and that the hash cannot be read.
func (h *Hasher) Matches(ctx context.Context, hash, text string) (bool, error) {
	nobody := hash == ""
	if nobody {
		hash = h.decoy
	}
	p, err := parse(hash)
	if err != nil {
		return false, err
	}
	key, err := h.derive(ctx, p, text)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1 && !nobody, nil
}

// Outdated reports whether a hash costs something else than new ones do.
func (h *Hasher) Outdated(hash string) bool {
	p, err := parse(hash)
	return err == nil && p.cost != h.cost
}

// derive waits for its turn and computes the key of a password.
func (h *Hasher) derive(ctx context.Context, p phc, text string) ([]byte, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, ErrBusy
	}
	defer func() { <-h.turns }()
	if prepared, err := prepare(text); err == nil {
		text = prepared // else it is that of no hash
	}
	return argon2.IDKey([]byte(text), p.salt, p.cost.Passes, p.cost.KiB, p.cost.Lanes, keyBytes), nil
}

// phc is a hash as the PHC string format writes it:
// $argon2id$v=19$m=65536,t=3,p=1$SALT$KEY.
type phc struct {
	cost      Cost
	salt, key []byte
}

func newPHC(cost Cost, key []byte) phc {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: crypto/rand ends the process instead
	return phc{cost, salt, key}
}

// String returns the hash in the format.
func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.KiB, p.cost.Passes, p.cost.Lanes,
		base64.RawStdEncoding.EncodeToString(p.salt), base64.RawStdEncoding.EncodeToString(p.key))
}

// parse reads what String has written, and nothing else.
func parse(hash string) (phc, error) {
	var p phc
	parts := strings.Split(hash, "$")
	if len(parts) == 6 {
		_, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.cost.KiB, &p.cost.Passes, &p.cost.Lanes)
		salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
		key, errKey := base64.RawStdEncoding.DecodeString(parts[5])
		p.salt, p.key = salt, key
		if errors.Join(err, errSalt, errKey) == nil && p.cost.Passes > 0 && p.cost.Lanes > 0 && len(key) == keyBytes && p.String() == hash {
			return p, nil
		}
	}
	return phc{}, errors.New("a stored password is no hash of argon2id in the PHC string format") // never quoted
}
