package gitrepo

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// strict is a network that fails the test when it is used.
type strict struct{ t *testing.T }

func (s strict) RoundTrip(r *http.Request) (*http.Response, error) {
	s.t.Errorf("%s %s was asked", r.Method, r.URL)
	return nil, io.ErrUnexpectedEOF
}

func (s strict) Lookup(_ context.Context, host string) ([]netip.Addr, error) {
	s.t.Errorf("%s was looked up", host)
	return nil, io.ErrUnexpectedEOF
}

// Whoever else on this machine finds the port of a relay gets nothing from it, and git
// nothing but the two addresses of the protocol.
func TestRelaysServeGitAlone(t *testing.T) {
	base, _ := url.Parse("http://git.example.test/acme/handbook.git")
	w, err := NewWeb(connectors.Environment{Network: strict{t}}, remote.Config{URL: "http://git.example.test/"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.Repository(base).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	here, key := r.config["http.proxy"], strings.TrimPrefix(r.config["http.extraHeader"], keyHeader+": ")
	proxy, _ := url.Parse(here)
	direct, through := &http.Client{Transport: &http.Transport{}}, &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	for _, tt := range []struct {
		client            *http.Client
		method, url, key  string
		refusedByTheProxy bool
	}{
		{direct, "GET", here + "/repository/info/refs?service=git-upload-pack", "", false},
		{direct, "GET", here + "/repository/info/refs?service=git-upload-pack", "wrong", false},
		{direct, "GET", here + "/repository/info/refs?service=git-receive-pack", key, false},
		{direct, "GET", here + "/repository/HEAD", key, false},
		{direct, "POST", here + "/repository/git-receive-pack", key, false},
		{direct, "GET", here + "/other/info/refs?service=git-upload-pack", key, false},
		{through, "GET", "http://127.0.0.2:1/repository/info/refs?service=git-upload-pack", key, false},
		{through, "GET", "https://git.example.test/repository/info/refs?service=git-upload-pack", key, true},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), tt.method, tt.url, nil)
		if tt.key != "" {
			req.Header.Set(keyHeader, tt.key)
		}
		res, err := tt.client.Do(req)
		if tt.refusedByTheProxy {
			if err == nil {
				t.Errorf("%s: the relay connects", tt.url)
			}
			continue
		}
		if err != nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s: %v, %v", tt.method, tt.url, res, err)
			continue
		}
		_ = res.Body.Close()
	}
	direct.CloseIdleConnections()
	through.CloseIdleConnections()
}

func TestStreamRelaysServeGitAlone(t *testing.T) {
	r, err := Dial(func(context.Context, string) (Conversation, error) {
		t.Error("the host was asked")
		return nil, io.ErrUnexpectedEOF
	}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	path := strings.TrimPrefix(r.config["remote.origin.url"], "git://"+r.listener.Addr().String())
	for _, request := range []string{
		"git-upload-pack /\x00", "git-upload-pack /wrong\x00host=x\x00", "git-receive-pack " + path + "\x00", "git-upload-archive " + path + "\x00", "git-upload-pack " + path + "x\x00", "",
	} {
		conn, err := net.Dial("tcp", r.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "%04x%s", len(request)+4, request)
		if b, err := io.ReadAll(conn); len(b) > 0 {
			t.Errorf("%q is answered with %q, %v", request, b, err)
		}
		_ = conn.Close()
	}
}
