package auth

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cairnhq/cairn"
)

// LocalTokenFile is the name, in the data directory, of the file that holds the
// token of local mode.
const LocalTokenFile = "local.token"

// Local is the token of local mode, valid while the server runs: whoever presents
// it is the administrator "local", because only who may read a file of the
// server's user knows it.
type Local struct {
	token string
	hash  Hash
}

// NewLocal makes a token and writes it into dir (mode 0600), in place of that of
// an earlier server. The command line sends the file's token to whatever listens on
// the server's port; what that may learn while no server runs is of no use with the
// next one.
func NewLocal(dir string) (*Local, error) {
	token := NewToken()
	if err := writePrivate(filepath.Join(dir, LocalTokenFile), token); err != nil {
		return nil, fmt.Errorf("local mode: %w", err)
	}
	return &Local{token: token, hash: HashOf(token)}, nil
}

// Token returns the token, for the address that serve prints.
func (l *Local) Token() string { return l.token }

func (l *Local) matches(secret string) bool {
	h := HashOf(secret)
	return subtle.ConstantTimeCompare(h[:], l.hash[:]) == 1
}

// writePrivate replaces the file, so that who had the old one open sees nothing.
func writePrivate(path, token string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(token + "\n")
	return errors.Join(err, f.Close())
}

// CheckLocal refuses, in local mode, requests whose Host or Origin is not
// loopback. A page of the internet can make a name of its own resolve to
// 127.0.0.1 (DNS rebinding), but it cannot change these two headers.
func (a *Authenticator) CheckLocal(r *http.Request) error {
	if a.local == nil {
		return nil
	}
	if !LoopbackHost(r.Host) {
		return cairn.Errorf(cairn.ErrDenied, "in local mode the server answers only to localhost and 127.0.0.1; set CAIRN_PUBLIC_URL to serve others")
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || !LoopbackHost(u.Host) {
			return cairn.Errorf(cairn.ErrDenied, "in local mode the server answers only to pages of this machine")
		}
	}
	return nil
}

// LoopbackHost reports whether host, with or without a port, is this machine.
func LoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// SignInLocal signs a browser in that opened the printed address, when token is
// that of local mode, and reports whether it did.
func (a *Authenticator) SignInLocal(w http.ResponseWriter, r *http.Request, token string) (bool, error) {
	if a.local == nil || !a.local.matches(token) {
		return false, nil
	}
	h, err := a.store.LocalAccount(r.Context())
	if err != nil {
		return false, err
	}
	return true, a.startWith(w, r, Session{Account: h.Account.ID}, newSessionSecret())
}
