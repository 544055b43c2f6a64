package connectortest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/cairnhq/cairn/outbound"
)

// Fine is the one address of this machine that OnlyFine reaches.
const Fine = "127.0.0.2"

// asker is where a canary connects to itself from.
const asker = "127.0.0.3"

// OnlyFine returns a network that reaches Fine and nothing else of this machine, and looks
// names up at a server of names.
func OnlyFine(t testing.TB, names *Names) *outbound.Network {
	t.Helper()
	network := outbound.NewNetwork(outbound.Config{
		Allowed: []netip.Prefix{netip.MustParsePrefix(Fine + "/32")}, Resolver: names.Resolver(t), Timeout: 10 * time.Second,
	})
	t.Cleanup(network.CloseIdleConnections)
	return network
}

// ServeFine serves at Fine until the test ends, and returns the address. Where this machine
// has no such address, the test is skipped.
func ServeFine(t testing.TB, h http.Handler) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", Fine+":0")
	if err != nil {
		t.Skipf("this machine has no %s: %v", Fine, err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, ReadHeaderTimeout: time.Second}}
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// Names is a DNS server that has an address for every name: that of loopback, except for
// fine.test, which is at Fine, rebind.test, which is at every other question, and
// both.test, which has both. The zero Names may be used by several goroutines at once.
type Names struct {
	rebound atomic.Int32
	asked   atomic.Int32
}

// Rebind says at which address rebind.test is at the next question: at Fine when fine is
// true, then at the other.
func (n *Names) Rebind(fine bool) {
	n.rebound.Store(1)
	if fine {
		n.rebound.Store(0)
	}
}

// Asked returns how many names were looked up.
func (n *Names) Asked() int { return int(n.asked.Load()) }

func (n *Names) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if q.Type == dnsmessage.TypeA {
		n.asked.Add(1)
		fine, loopback := netip.MustParseAddr(Fine).As4(), [4]byte{127, 0, 0, 1}
		at := [][4]byte{loopback}
		switch strings.ToLower(strings.TrimSuffix(q.Name.String(), ".")) {
		case "fine.test":
			at = [][4]byte{fine}
		case "rebind.test":
			if n.rebound.Add(1)%2 == 1 {
				at = [][4]byte{fine}
			}
		case "both.test":
			at = [][4]byte{fine, loopback}
		}
		for _, a := range at {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 0},
				Body:   &dnsmessage.AResource{A: a},
			})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

// Resolver returns a resolver that asks the server, which serves until the test ends.
func (n *Names) Resolver(t testing.TB) *net.Resolver {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 4096)
		for {
			size, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(n.answer(b[:size]), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// Canary listens on every address of this machine, and keeps what comes to it. It answers
// each request with an empty object of JSON. It may be used by several goroutines at once.
type Canary struct {
	Port string

	fine, elsewhere atomic.Int32  // connections
	asked           chan struct{} // connections of reached

	reached func() // returns when all that are open have been counted: they are accepted in turn

	mu   sync.Mutex
	told strings.Builder
}

// NewCanary listens until the test ends.
func NewCanary(t testing.TB) *Canary {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Canary{asked: make(chan struct{}, 1)}
	s := &http.Server{
		Handler: c, ReadHeaderTimeout: time.Second,
		ConnState: func(conn net.Conn, state http.ConnState) {
			at, err := netip.ParseAddrPort(conn.LocalAddr().String())
			from, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
			switch {
			case state != http.StateNew:
			case from.Addr().Unmap().String() == asker:
				c.asked <- struct{}{}
			case err == nil && at.Addr().Unmap().String() == Fine:
				c.fine.Add(1)
			default:
				c.elsewhere.Add(1)
			}
		},
	}
	s.SetKeepAlivesEnabled(false) // each request is a connection
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	_, c.Port, _ = net.SplitHostPort(l.Addr().String())
	c.reached = func() {
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(asker)}}).DialContext(t.Context(), "tcp", Fine+":"+c.Port)
		if err != nil { // a machine without such addresses
			return
		}
		<-c.asked
		_ = conn.Close()
	}
	return c
}

// ServeHTTP implements http.Handler.
func (c *Canary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(&c.told, "%s %s %v %s\n", r.Method, r.URL, r.Header, body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}")
}

// Fine returns the address at which the canary may be reached by OnlyFine.
func (c *Canary) Fine() string { return "http://fine.test:" + c.Port + "/" }

// Reached returns how many connections came since the last call: at Fine, and at the
// addresses that OnlyFine must not reach.
func (c *Canary) Reached() (fine, elsewhere int) {
	c.reached()
	return int(c.fine.Swap(0)), int(c.elsewhere.Swap(0))
}

// Told returns all that the canary was told: requests with headers and bodies.
func (c *Canary) Told() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told.String()
}

// forbidden are addresses of what must not be reached, in the spellings by which other
// programs were led there; PORT is that of the canary.
const forbidden = `
http://127.0.0.1:PORT/ http://127.0.0.1.:PORT/ http://127.1:PORT/ http://127.0.1:PORT/ http://127.255.255.254:PORT/ http://0.0.0.0:PORT/
http://0:PORT/ http://00000000:PORT/ http://2130706433:PORT/ http://017700000001:PORT/ http://0x7f000001:PORT/ http://0x7f.1:PORT/
http://0x7f.0.0.1:PORT/ http://0177.0.0.1:PORT/ http://127.0.0.0x1:PORT/ http://127.00.00.01:PORT/ http://127.000.000.001:PORT/
http://[::1]:PORT/ http://[::]:PORT/ http://[0:0:0:0:0:0:0:1]:PORT/ http://[::ffff:127.0.0.1]:PORT/ http://[::ffff:7f00:1]:PORT/
http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/ http://[::127.0.0.1]:PORT/ http://[::1%25lo]:PORT/ http://[64:ff9b::7f00:1]:PORT/
http://[64:ff9b::127.0.0.1]:PORT/ http://[2002:7f00:1::]:PORT/ http://[2001:0:7f00:1::]:PORT/ http://[fe80::1%25lo]:PORT/ http://[fd00::1]:PORT/
http://localhost:PORT/ http://LOCALHOST:PORT/ http://localhost.:PORT/ http://x.localhost:PORT/ http://localhost.localdomain:PORT/
http://ip6-localhost:PORT/ http://127.0.0.1.nip.test:PORT/ http://rebind.test:PORT/ http://internal:PORT/
http://127。0。0。1:PORT/ http://127%2e0%2e0%2e1:PORT/ http://①②⑦.⓪.⓪.①:PORT/ http://localhost%00.fine.test:PORT/ http://ⓛocalhost:PORT/
http://fine.test@127.0.0.1:PORT/ http://fine.test:80@127.0.0.1:PORT/ http://127.0.0.1:PORT@127.0.0.1:PORT/ http://fine.test%2f@127.0.0.1:PORT/
http://127.0.0.1:PORT\@fine.test/ http:\\127.0.0.1:PORT/ http:127.0.0.1:PORT/ http:///127.0.0.1:PORT/ //127.0.0.1:PORT/ https://127.0.0.1:PORT/
http://169.254.169.254/ http://[::ffff:a9fe:a9fe]/ http://[fd00:ec2::254]/ http://metadata.google.internal/ http://2852039166/ http://100.100.100.200/
file:///etc/hostname gopher://127.0.0.1:PORT/ ftp://127.0.0.1:PORT/ dict://127.0.0.1:PORT/ unix:///var/run/docker.sock jar:http://127.0.0.1:PORT/!/
`

// Forbidden returns addresses that no request may be led to by OnlyFine, more than 60: odd
// spellings of this machine, its other addresses, names that lead to it, and places that
// are no business of a source.
func (c *Canary) Forbidden(t testing.TB) []string {
	t.Helper()
	all := strings.Fields(strings.ReplaceAll(forbidden, "PORT", c.Port))
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	network := outbound.NewNetwork(outbound.Config{})
	for _, a := range own {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() {
			continue // they stand above
		}
		if _, err := network.Lookup(t.Context(), p.Addr().String()); err == nil {
			continue // a public one
		}
		all = append(all, "http://"+net.JoinHostPort(p.Addr().String(), c.Port)+"/")
		if p.Addr().Is4() {
			all = append(all, "http://[::ffff:"+p.Addr().String()+"]:"+c.Port+"/")
		}
	}
	if len(all) < 60 {
		t.Fatalf("there are %d addresses", len(all))
	}
	return all
}
