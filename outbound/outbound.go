// Package outbound reaches others by addresses that the server was given: it connects
// to public addresses and to networks that the operator allowed, to nothing else.
package outbound

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/cairnhq/cairn"
)

// Config is what may be reached, and for how long. The zero Config reaches public
// addresses alone.
type Config struct {
	// Allowed are networks that may be reached although they are not public. The
	// addresses at which clouds give out credentials stay closed.
	Allowed []netip.Prefix
	Timeout time.Duration // of a request with its reply; 0: 10 s
	MaxBody int64         // of a reply, in bytes; 0: 1 MiB
	// Resolver looks up names; nil: that of the machine.
	Resolver *net.Resolver
}

// NewClient returns a client that may be used by several goroutines at once. It
// checks the address of every connection, after names were resolved. It follows
// no redirect: the reply to the caller is the redirect itself. It uses no proxy of
// the environment, which would connect in its place.
func NewClient(cfg Config) *http.Client {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	return &http.Client{
		Transport: limited{newTransport(cfg), cfg.MaxBody}, Timeout: cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Network sends requests for callers that bound time and size themselves, and looks
// up addresses for programs that connect themselves. It may be used by several
// goroutines at once.
type Network struct {
	*http.Transport
	guard    guard
	resolver *net.Resolver
}

// NewNetwork returns a Network that checks the address of every connection, after
// names were resolved, and uses no proxy of the environment. Timeout is that of making a
// connection; MaxBody does not count.
func NewNetwork(cfg Config) *Network {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	n := &Network{Transport: newTransport(cfg), guard: cfg.Allowed, resolver: cfg.Resolver}
	if n.resolver == nil {
		n.resolver = net.DefaultResolver
	}
	return n
}

// Lookup returns the addresses of a host. One that may not be reached is an ErrDenied
// error, also beside others that may: a name with both is not to be trusted.
func (n *Network) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := n.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look up an address: %w", err)
	}
	for i, addr := range found {
		found[i] = addr.Unmap()
		if err := n.guard.check(addr); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func newTransport(cfg Config) *http.Transport {
	dialer := &net.Dialer{Timeout: cfg.Timeout, ControlContext: guard(cfg.Allowed).control, Resolver: cfg.Resolver}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: cfg.Timeout,
		MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
}

// limited ends replies that are longer than most bytes with an error.
type limited struct {
	http.RoundTripper
	most int64
}

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = http.MaxBytesReader(nil, res.Body, l.most)
	return res, nil
}

// CloseIdleConnections lets http.Client close the connections.
func (l limited) CloseIdleConnections() {
	if t, ok := l.RoundTripper.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// guard holds the networks that may be reached beside public addresses.
type guard []netip.Prefix

// control is asked before every connection with the address that it would go to.
func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, err)
	}
	return g.check(to.Addr())
}

// check returns an ErrDenied unless addr may be reached.
func (g guard) check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	if within(credentials, addr) {
		return cairn.Errorf(cairn.ErrDenied, "%s gives out the credentials of a cloud; it is never asked", addr)
	}
	if within(g, addr) || public(addr) {
		return nil
	}
	return cairn.Errorf(cairn.ErrDenied, "%s is not a public address; set CAIRN_ALLOWED_NETWORKS if the server may reach it", addr)
}

func within(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

func public(addr netip.Addr) bool {
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !within(special, addr)
}

// credentials are where clouds tell a machine its secrets.
var credentials = prefixes("169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "100.100.100.200/32",
	"fd00:ec2::254/128", "fd00:ec2::23/128")

// special are the blocks of the IANA registries of special purpose that netip does
// not know as private, and those of IPv6 that hold an address of IPv4.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	"5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}
