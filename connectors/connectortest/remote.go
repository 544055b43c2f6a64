package connectortest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/outbound"
)

// Remote is a fake source that is served on this machine, with Faults before it, and the
// environment in which connectors reach it.
type Remote struct {
	URL     string
	Env     connectors.Environment // reaches this machine alone, and waits on Clock
	Clock   *Clock
	Secrets *Secrets // those in Env
	Faults  *Faults
	// Expire ends the access tokens that the fake has given out; nil when it gives out none.
	Expire func()

	network *outbound.Network
}

// silence is how long sources may be silent in tests. A machine that is that busy makes
// a connector ask again, which it must be able to.
const silence = time.Second

// NewRemote serves a fake until the test ends. secrets are the secret settings of the
// source.
func NewRemote(t testing.TB, fake http.Handler, secrets map[string]string) *Remote {
	t.Helper()
	clock := &Clock{}
	r := &Remote{
		Clock: clock, Secrets: NewSecrets(secrets), Faults: &Faults{Fake: fake, Clock: clock},
		network: outbound.NewNetwork(outbound.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
	}
	server := httptest.NewServer(r.Faults)
	t.Cleanup(func() {
		r.network.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	r.URL = server.URL
	r.Env = connectors.Environment{
		Network: r.network, Version: "test", Timeout: silence, Now: clock.Now, Sleep: clock.Sleep,
		Source: "source", Secrets: r.Secrets, WorkDir: t.TempDir(),
	}
	return r
}

// Instead sends requests to hosts, such as api.github.com, to the fake: for sources
// whose address is no setting. The fake sees the host in the request.
func (r *Remote) Instead(hosts ...string) {
	to, err := url.Parse(r.URL)
	if err != nil {
		panic(err) // it is that of httptest
	}
	of := map[string]*url.URL{}
	for _, host := range hosts {
		of[host] = to
	}
	r.Env.Network = instead{r.Env.Network, of}
}

// instead sends requests for some hosts elsewhere.
type instead struct {
	connectors.Network
	hosts map[string]*url.URL
}

// RoundTrip implements http.RoundTripper.
func (i instead) RoundTrip(r *http.Request) (*http.Response, error) {
	to, ok := i.hosts[r.URL.Host]
	if !ok {
		return i.Network.RoundTrip(r)
	}
	moved := r.Clone(r.Context())
	moved.Host, moved.URL.Scheme, moved.URL.Host = r.URL.Host, to.Scheme, to.Host
	return i.Network.RoundTrip(moved)
}

// Open returns a connector of a kind, for settings that must be valid.
func Open(t testing.TB, kind connectors.Kind, env connectors.Environment, settings map[string]string) connectors.Connector {
	t.Helper()
	if err := kind.Validate(env, settings); err != nil {
		t.Fatal(err)
	}
	for _, s := range kind.Settings {
		if !s.Required || !s.Secret {
			continue
		}
		if value, err := env.Secrets.Secret(context.Background(), s.Name); err != nil || !value.Set() {
			t.Fatalf("the secret setting %s is required: %v", s.Name, err)
		}
	}
	c, err := kind.Open(env, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Text returns the text of a document that can be read.
func Text(t testing.TB, c connectors.Change) string {
	t.Helper()
	if c.Open == nil {
		t.Fatalf("%s cannot be opened: %v", c.External, c.Err)
	}
	r, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// List returns what a connector lists without an error, in order.
func List(t testing.TB, c connectors.Connector) []string {
	t.Helper()
	var all []string
	for external, err := range c.(connectors.Lister).Externals(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, external)
	}
	slices.Sort(all)
	return all
}
