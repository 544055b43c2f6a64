package outbound_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/outbound"
)

func get(t *testing.T, c *http.Client, url string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res, string(b), err
}

// TestA11_22_PrivateAddressesAreNotReached tries spellings of addresses that are
// not public. None of them needs a name to be looked up.
func TestA11_22_PrivateAddressesAreNotReached(t *testing.T) {
	c := outbound.NewClient(outbound.Config{})
	for _, host := range []string{
		"127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0", "[::]", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "169.254.169.254",
		"100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "[fe80::1]", "[fd00::1]", "[fd00:ec2::254]",
		"[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::127.0.0.1]", "[2001:db8::1]",
	} {
		_, _, err := get(t, c, "http://"+host+":1/")
		if !errors.Is(err, cairn.ErrDenied) {
			t.Errorf("%s: %v; want ErrDenied", host, err)
		}
	}
}

func TestAllowedNetworksAreReached(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://192.168.0.1/", http.StatusFound)
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat("x", 2000))
		}
		_, _ = io.WriteString(w, "here")
	}))
	defer s.Close()
	if _, _, err := get(t, outbound.NewClient(outbound.Config{}), s.URL); !errors.Is(err, cairn.ErrDenied) {
		t.Errorf("loopback that was not allowed: %v", err)
	}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c := outbound.NewClient(outbound.Config{Allowed: loopback, MaxBody: 1000})
	if _, body, err := get(t, c, s.URL); err != nil || body != "here" {
		t.Errorf("allowed: %q, %v", body, err)
	}
	if res, _, err := get(t, c, s.URL+"/away"); err != nil || res.StatusCode != http.StatusFound {
		t.Errorf("a redirect was followed: %v, %v", res, err)
	}
	var tooLong *http.MaxBytesError
	if _, _, err := get(t, c, s.URL+"/long"); !errors.As(err, &tooLong) {
		t.Errorf("a long reply: %v", err)
	}
}

// TestCredentialsOfCloudsStayClosed allows everything.
func TestCredentialsOfCloudsStayClosed(t *testing.T) {
	c := outbound.NewClient(outbound.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}})
	for _, host := range []string{"169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "100.100.100.200"} {
		if _, _, err := get(t, c, "http://"+host+"/latest"); !errors.Is(err, cairn.ErrDenied) {
			t.Errorf("%s: %v; want ErrDenied", host, err)
		}
	}
}
