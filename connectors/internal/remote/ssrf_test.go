package remote_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
	"github.com/cairnhq/cairn/outbound"
)

// names is a DNS server that has an address for every name: that of loopback, except for
// fine.test, which may be reached, rebind.test, which may be at every other question, and
// both.test, which has both.
type names struct {
	rebound atomic.Int32
	asked   atomic.Int32
}

var (
	loopback = [4]byte{127, 0, 0, 1}
	fine     = [4]byte{127, 0, 0, 2} // is allowed in these tests
)

func (n *names) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if q.Type == dnsmessage.TypeA {
		n.asked.Add(1)
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

// resolver returns a resolver that asks the server.
func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
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

// canary listens on every address of this machine and counts who comes.
func canary(t *testing.T) (port string, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler: http.HandlerFunc(hello), ReadHeaderTimeout: time.Second,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		},
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, connections
}

// forbidden are addresses of what must not be reached, in the spellings by which other
// programs were led there; PORT is that of the canary.
var forbidden = strings.Fields(`
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
`)

// TestA12_35_NothingForbiddenIsReached tries each address as a setting, as a whole address
// in a request, and as where a server that may be reached leads to, at once and by way of
// another redirect. Not one connection comes to the canary.
func TestA12_35_NothingForbiddenIsReached(t *testing.T) {
	if len(forbidden) < 60 {
		t.Fatalf("there are %d addresses", len(forbidden))
	}
	port, reached := canary(t)
	dns := &names{}
	redirecting := served(t, "127.0.0.2:0", func(w http.ResponseWriter, r *http.Request) {
		to := r.FormValue("to")
		if r.URL.Path == "/twice" {
			to = "/once?to=" + strings.NewReplacer("%", "%25", "&", "%26", "#", "%23", "+", "%2B", " ", "%20").Replace(to)
		}
		w.Header()["Location"] = []string{to}
		w.WriteHeader(http.StatusFound)
	})
	network := outbound.NewNetwork(outbound.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, Resolver: dns.resolver(t), Timeout: 2 * time.Second})
	t.Cleanup(network.CloseIdleConnections)
	env := connectors.Environment{
		Network: network, Timeout: 2 * time.Second, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	base, err := remote.New(env, remote.Config{URL: redirecting})
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range forbidden {
		address := strings.ReplaceAll(spelling, "PORT", port)
		if strings.Contains(address, "rebind.test") { // what is looked up before may be reached
			dns.rebound.Store(0)
			if found, err := network.Lookup(t.Context(), "rebind.test"); err != nil || len(found) != 1 {
				t.Errorf("rebind.test, at first: %v, %v", found, err)
			}
		}
		if c, err := remote.New(env, remote.Config{URL: address}); err == nil {
			if _, err := c.Do(t.Context(), remote.Request{}); err == nil {
				t.Errorf("as a setting, %s was reached", address)
			}
		}
		for _, r := range []remote.Request{
			{Path: address}, {Path: "once", Query: map[string][]string{"to": {address}}}, {Path: "twice", Query: map[string][]string{"to": {address}}},
		} {
			dns.rebound.Store(1)
			if res, err := base.Do(t.Context(), r); err == nil && !nowhere(res, redirecting) {
				t.Errorf("by %s, %s was reached: %d from %s", r.Path, address, res.Status, res.URL)
			}
		}
		if n := reached.Load(); n != 0 {
			t.Fatalf("%s: %d connections came to the canary", address, n)
		}
	}
	if dns.asked.Load() < 20 {
		t.Errorf("only %d names were looked up", dns.asked.Load())
	}
	if _, err := network.Lookup(t.Context(), "both.test"); err == nil {
		t.Error("a name with an address that may not be reached is given out")
	}

	// The canary sings when it can be reached, and when the guard is asked too early.
	if res, err := base.Do(t.Context(), remote.Request{Path: fmt.Sprintf("http://fine.test:%s/", port)}); err != nil || res.Status != 200 || reached.Load() != 1 {
		t.Errorf("what may be reached is not: %+v, %v", res, err)
	}
	env.Network = early{http.DefaultTransport.(*http.Transport).Clone(), network}
	c, err := remote.New(env, remote.Config{URL: "http://127.0.0.1:" + port})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), remote.Request{}); err != nil || reached.Load() != 2 {
		t.Errorf("without the guard the canary is silent: %v", err)
	}
}

// early is a network that does not check what it connects to.
type early struct {
	http.RoundTripper
	network connectors.Network
}

func (e early) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return e.network.Lookup(ctx, host)
}

// nowhere reports whether a reply is of the server that redirects, which an odd address
// may be relative to.
func nowhere(res *remote.Response, redirecting string) bool {
	return "http://"+res.URL.Host == redirecting
}

// served serves at an address until the test ends.
func served(t *testing.T, address string, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("this machine has no %s: %v", address, err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, ReadHeaderTimeout: time.Second}}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}
