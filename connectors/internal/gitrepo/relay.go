package gitrepo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net"
	"sync"

	"github.com/cairnhq/cairn/connectors"
)

// Relay stands between the git program and a repository's host. The program connects to
// a port of this machine's own and may use no other protocol; the relay alone goes
// outside, through the network that the operator allows, to the one host that the source
// names, and has the credential, which the program never sees. So there is no name that
// the program could look up, no redirect and no alternate that it could follow, and no
// alias that it could know.
type Relay struct {
	config   map[string]string // of git, that leads it here
	protocol string            // the one that git may use
	listener net.Listener
	stop     func() // ends what is under way
	serving  sync.WaitGroup

	mu     sync.Mutex
	failed error // the first failure since forget
	broken bool  // it was that of a connection: it may be tried again
}

// Upstream is how a relay reaches a repository's host.
type Upstream interface {
	// Open serves git on a relay of its own until the relay is closed.
	Open(ctx context.Context) (*Relay, error)
}

// listen opens a port of this machine. key is what git must know to be served.
func listen() (listener net.Listener, key string, err error) {
	listener, err = net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // it opens at once
	if err != nil {
		return nil, "", fmt.Errorf("open a port for git: %w", err)
	}
	return listener, rand.Text() + rand.Text(), nil
}

// close ends the relay and waits for what is under way.
func (r *Relay) close() {
	r.stop()
	_ = r.listener.Close()
	r.serving.Wait()
}

// fail notes why git is not served, for the message that people see.
func (r *Relay) fail(err error, broken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed, r.broken = err, broken
	}
}

// failure returns what was noted since the last call.
func (r *Relay) failure() (err error, broken bool) { //nolint:revive // the error is the value
	r.mu.Lock()
	defer r.mu.Unlock()
	err, broken = r.failed, r.broken
	r.failed, r.broken = nil, false
	return err, broken
}

// BrokenOff is the error of a host that fell silent or hung up in the middle, after which
// a command is tried again.
func BrokenOff(host string) error {
	return &connectors.Error{Kind: connectors.ErrUnavailable, Message: host + " could not be reached, or broke off, when asked for the repository"}
}

// replies keeps short replies of a host, so that a command that is run again asks anew
// only for what it did not get.
type replies struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*reply
}

type reply struct {
	kind string // media type
	body []byte
}

func (k *replies) get(request []byte) *reply {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known[sha256.Sum256(request)]
}

func (k *replies) put(request []byte, r *reply) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[[sha256.Size]byte]*reply{}
	}
	k.known[sha256.Sum256(request)] = r
}
