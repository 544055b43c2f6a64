package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
)

// front stands before a fake, at connectortest.Fine, as a machine that somebody has broken
// into stands for the site that it was: what it passes on it can change. The addresses of
// this machine in what the fake answers become the front's own.
type front struct {
	URL string

	t    testing.TB
	fake *url.URL
	send http.Transport

	mu     sync.Mutex
	asked  map[string]int
	real   map[string]string // credentials of the fake, by those that the source has
	change func(place string, r *http.Request, answer *passed)
}

// passed is an answer on its way.
type passed struct {
	status int
	header http.Header
	body   []byte
}

// newFront returns a front before the fake at an address, whose settings it changes to
// lead to itself.
func newFront(t testing.TB, settings map[string]string) *front {
	t.Helper()
	f := &front{t: t, asked: map[string]int{}, send: http.Transport{DisableCompression: true}}
	f.URL = connectortest.ServeFine(t, f)
	t.Cleanup(f.send.CloseIdleConnections)
	at, err := url.Parse(settings["url"])
	if err != nil || at.Host == "" {
		t.Fatalf("a fake at %q: %v", settings["url"], err)
	}
	f.fake = &url.URL{Scheme: at.Scheme, Host: at.Host}
	for name, value := range settings {
		settings[name] = strings.ReplaceAll(value, f.fake.String(), f.URL)
	}
	return f
}

// Change lets f see, and change, each answer; nil: none. The place is what was asked,
// without what differs from one document to the other.
func (f *front) Change(change func(place string, r *http.Request, answer *passed)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change, f.asked = change, map[string]int{}
}

// Asked returns the places that were asked for since Change.
func (f *front) Asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.asked))
}

var (
	ofOne      = regexp.MustCompile(`[^/]*[0-9][^/]*`)
	apiVersion = regexp.MustCompile(`^v?[0-9]$|^~`)
	loopback   = regexp.MustCompile(`http://127\.0\.0\.1:([0-9]+)`)
	other      = regexp.MustCompile(`^/~([0-9]+)`)
)

// placeOf returns what a request asks for: /pages/# for /pages/123.
func placeOf(r *http.Request, own string) string {
	path := ofOne.ReplaceAllStringFunc(other.ReplaceAllString(r.URL.Path, "/~"), func(part string) string {
		if apiVersion.MatchString(part) {
			return part
		}
		return "#"
	})
	host := ""
	if r.Host != own {
		host = r.Host
	}
	return r.Method + " " + host + path
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	own := strings.TrimPrefix(f.URL, "http://")
	place := placeOf(r, own)
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", f.fake.Host
	if m := other.FindStringSubmatch(r.URL.Path); m != nil { // another server of the fake's
		out.URL.Host, out.URL.Path = "127.0.0.1:"+m[1], strings.TrimPrefix(r.URL.Path, m[0])
	}
	if r.Host == own {
		out.Host = out.URL.Host
	}
	f.mu.Lock()
	for name, values := range out.Header {
		out.Header[name] = []string{f.translate(strings.Join(values, ", "))}
	}
	f.mu.Unlock()
	res, err := f.send.RoundTrip(out)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	a := &passed{res.StatusCode, res.Header.Clone(), body}
	a.header.Del("Content-Length")
	elsewhere := f.URL
	if r.Host != own { // it stands for a site of the network, which has https
		elsewhere = "https://" + mediaHost
	}
	a.rewrite(func(text string) string { return f.own(text, elsewhere) }, func(_, value string) string { return f.own(value, elsewhere) })
	f.mu.Lock()
	change := f.change
	f.asked[place]++
	f.mu.Unlock()
	if change != nil {
		change(place, r, a)
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// translate puts the credentials that the fake knows in the place of the source's.
func (f *front) translate(header string) string {
	basic, ok := strings.CutPrefix(header, "Basic ")
	if b, err := base64.StdEncoding.DecodeString(basic); ok && err == nil {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(f.translate(string(b))))
	}
	for had, known := range f.real {
		header = strings.ReplaceAll(header, had, known)
	}
	return header
}

// own makes addresses of the fake those of the front, and those of its other servers
// addresses at another.
func (f *front) own(text, elsewhere string) string {
	text = strings.ReplaceAll(text, f.fake.String(), f.URL)
	return loopback.ReplaceAllString(text, elsewhere+"/~$1")
}

// rewrite changes a body that is text, also a packed one, and the values of headers.
func (a *passed) rewrite(text func(string) string, header func(name, value string) string) {
	for name, values := range a.header {
		for i, value := range values {
			a.header[name][i] = header(name, value)
		}
	}
	if strings.Contains(a.header.Get("Content-Type"), "git-upload-pack") {
		return
	}
	packed, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		a.body = []byte(text(string(a.body)))
		return
	}
	plain, _ := io.ReadAll(packed)
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.WriteString(z, text(string(plain)))
	_ = z.Close()
	a.body = out.Bytes()
}

// links are the addresses in what sources answer, as far as this test knows them: those of
// HTML, rooted ones in quotes, and whole ones.
var links = regexp.MustCompile(`((?:href|src)=\\?["'])([^"'<>\\]*)|(["'])(/[A-Za-z0-9_%~][^"'<>\s\\]*)|(https?://[^\s"'<>\\),;]*)`)

// lead makes all addresses in an answer lead to another host, with their own path, and
// reports whether there are any.
func (a *passed) lead(to string) (led bool) {
	escaped := to
	if strings.Contains(a.header.Get("Content-Type"), "json") {
		b, _ := json.Marshal(to)
		escaped = strings.Trim(string(b), `"`)
	}
	a.rewrite(func(text string) string {
		return links.ReplaceAllStringFunc(text, func(found string) string {
			m := links.FindStringSubmatch(found)
			if strings.Contains(found, "://www.sitemaps.org/") || strings.Contains(found, "mailto:") {
				return found
			}
			led = true
			return m[1] + m[3] + at(escaped, m[2]+m[4]+m[5])
		})
	}, func(name, value string) string {
		switch name {
		case "Location", "Content-Location":
			led = true
			return at(to, value)
		case "Link":
			led = true
			return regexp.MustCompile(`<[^>]*>`).ReplaceAllStringFunc(value, func(found string) string {
				return "<" + at(to, strings.Trim(found, "<>")) + ">"
			})
		}
		return value
	})
	return led
}

// redirect makes an answer one that leads to another host, with the path of the request.
func (a *passed) redirect(r *http.Request, status int, to string) {
	a.status, a.body = status, nil
	a.header = http.Header{"Location": {at(to, r.URL.RequestURI())}}
}

// at returns the path of an address at another host.
func at(host, address string) string {
	if !strings.HasSuffix(host, "/") {
		return host
	}
	if _, rest, ok := strings.Cut(address, "://"); ok {
		_, address, _ = strings.Cut(rest, "/")
	}
	return host + strings.TrimLeft(address, "/")
}

// detour is a network that sends requests for some hosts to a front, which sees the host.
type detour struct {
	connectors.Network
	hosts []string
	to    *front
}

// RoundTrip implements http.RoundTripper.
func (d detour) RoundTrip(r *http.Request) (*http.Response, error) {
	if !slices.Contains(d.hosts, r.URL.Host) {
		return d.Network.RoundTrip(r)
	}
	moved := r.Clone(r.Context())
	moved.Host, moved.URL.Scheme, moved.URL.Host = r.URL.Host, "http", strings.TrimPrefix(d.to.URL, "http://")
	return d.Network.RoundTrip(moved)
}
