package remote_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// TestA12_35_NothingForbiddenIsReached tries each address as a setting, as a whole address
// in a request, and as where a server that may be reached leads to, at once and by way of
// another redirect. Not one connection comes to the canary.
func TestA12_35_NothingForbiddenIsReached(t *testing.T) {
	canary, names := connectortest.NewCanary(t), &connectortest.Names{}
	redirecting := connectortest.ServeFine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := r.FormValue("to")
		if r.URL.Path == "/twice" {
			to = "/once?to=" + strings.NewReplacer("%", "%25", "&", "%26", "#", "%23", "+", "%2B", " ", "%20").Replace(to)
		}
		w.Header()["Location"] = []string{to}
		w.WriteHeader(http.StatusFound)
	}))
	network := connectortest.OnlyFine(t, names)
	env := connectors.Environment{
		Network: network, Timeout: 2 * time.Second, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	base, err := remote.New(env, remote.Config{URL: redirecting})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range canary.Forbidden(t) {
		if strings.Contains(address, "rebind.test") { // what is looked up before may be reached
			names.Rebind(true)
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
			names.Rebind(false)
			if res, err := base.Do(t.Context(), r); err == nil && !nowhere(res, redirecting) {
				t.Errorf("by %s, %s was reached: %d from %s", r.Path, address, res.Status, res.URL)
			}
		}
		if _, n := canary.Reached(); n != 0 {
			t.Fatalf("%s: %d connections came to the canary", address, n)
		}
	}
	if names.Asked() < 20 {
		t.Errorf("only %d names were looked up", names.Asked())
	}
	if _, err := network.Lookup(t.Context(), "both.test"); err == nil {
		t.Error("a name with an address that may not be reached is given out")
	}

	// The canary sings when it can be reached, and when the guard is asked too early.
	canary.Reached()
	res, err := base.Do(t.Context(), remote.Request{Path: canary.Fine()})
	if fine, elsewhere := canary.Reached(); err != nil || res.Status != 200 || fine != 1 || elsewhere != 0 {
		t.Errorf("what may be reached is not: %+v, %v", res, err)
	}
	env.Network = early{http.DefaultTransport.(*http.Transport).Clone(), network}
	c, err := remote.New(env, remote.Config{URL: "http://127.0.0.1:" + canary.Port})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), remote.Request{})
	if fine, elsewhere := canary.Reached(); err != nil || fine != 0 || elsewhere != 1 {
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
