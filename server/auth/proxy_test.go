package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/cairnhq/cairn/server/auth"
)

func TestClientAddr(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	cases := []struct {
		remote    string
		forwarded []string
		proxies   []netip.Prefix
		want      string
	}{
		{"192.0.2.1:5", nil, nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"203.0.113.9"}, nil, "192.0.2.1"},     // nobody is trusted
		{"192.0.2.1:5", []string{"203.0.113.9"}, proxies, "192.0.2.1"}, // not through the proxy
		{"10.0.0.1:5", nil, proxies, "10.0.0.1"},
		{"10.0.0.1:5", []string{"203.0.113.9"}, proxies, "203.0.113.9"},
		{"10.0.0.1:5", []string{"6.6.6.6, 203.0.113.9"}, proxies, "203.0.113.9"}, // the first is the caller's word
		{"10.0.0.1:5", []string{"6.6.6.6", "203.0.113.9,10.1.1.1"}, proxies, "203.0.113.9"},
		{"10.0.0.1:5", []string{"10.1.1.1"}, proxies, "10.1.1.1"},
		{"10.0.0.1:5", []string{"6.6.6.6, nonsense"}, proxies, "10.0.0.1"},
		{"10.0.0.1:5", []string{"6.6.6.6,, 10.1.1.1"}, proxies, "10.1.1.1"},
		{"10.0.0.1:5", []string{"203.0.113.9:4711"}, proxies, "203.0.113.9"},
		{"[fd00::1]:5", []string{"[2001:db8::7]:4711"}, proxies, "2001:db8::7"},
		{"[fd00::1]:5", []string{"2001:db8::7"}, proxies, "2001:db8::7"},
		{"[::ffff:10.0.0.1]:5", []string{"203.0.113.9"}, proxies, "203.0.113.9"},
		{"@", []string{"203.0.113.9"}, proxies, "@"},
	}
	for _, c := range cases {
		a, _, _ := newAuth(t, auth.Config{Proxies: c.proxies})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.forwarded
		r.Header.Set("X-Real-Ip", "7.7.7.7")
		r.Header.Set("Forwarded", "for=7.7.7.7")
		if got := a.ClientAddr(r); got != c.want {
			t.Errorf("%s, %q: %s; want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

// TestA12_44_LimitsByTheClientBehindAProxy has many people behind one proxy, and
// one who pretends to be many.
func TestA12_44_LimitsByTheClientBehindAProxy(t *testing.T) {
	a, _, _ := newAuth(t, auth.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	try := func(remote, forwarded string) error {
		r := from(remote)
		r.Header.Set("X-Forwarded-For", forwarded)
		_, err := a.SignIn(httptest.NewRecorder(), r, "WRONG", "")
		return err
	}
	limited := func(remote string, forwarded func(i byte) string) bool {
		for i := range byte(12) {
			if isLimited(try(remote, forwarded(i))) {
				return true
			}
		}
		return false
	}
	if limited("10.0.0.1", func(i byte) string { return netip.AddrFrom4([4]byte{203, 0, 113, i}).String() }) {
		t.Error("twelve people behind the proxy were limited together")
	}
	if !limited("10.0.0.1", func(i byte) string { return netip.AddrFrom4([4]byte{6, 6, 6, i}).String() + ", 203.0.113.200" }) {
		t.Error("one who writes other addresses before the own was not limited")
	}
	if !limited("192.0.2.7", func(i byte) string { return netip.AddrFrom4([4]byte{6, 6, 6, i}).String() }) {
		t.Error("one who does not come through the proxy was not limited")
	}
	if !limited("10.0.0.1", func(i byte) string { return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: i}).String() }) {
		t.Error("one network of IPv6 was not limited")
	}
}
