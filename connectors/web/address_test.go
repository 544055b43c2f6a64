package web

import (
	"net/url"
	"strings"
	"testing"
)

func TestLink(t *testing.T) {
	base, err := url.Parse("https://example.com/docs/a/b.html?x=1")
	if err != nil {
		t.Fatal(err)
	}
	n := newNormaliser([]string{"Sort"})
	for _, tt := range []struct{ reference, want string }{ // empty: no address
		{"c.html", "https://example.com/docs/a/c.html"},
		{"c.html#part", "https://example.com/docs/a/c.html"},
		{"#part", "https://example.com/docs/a/b.html?x=1"},
		{"?page=2", "https://example.com/docs/a/b.html?page=2"},
		{"../../../etc/", "https://example.com/etc/"},
		{"/x/./y/../z", "https://example.com/x/z"},
		{"/x/%2e%2e/z", "https://example.com/z"},
		{"/x/..", "https://example.com/"},
		{"//EXAMPLE.org:443", "https://example.org/"},
		{"HTTP://Example.COM:80/A", "http://example.com/A"},
		{"http://example.com:8080/", "http://example.com:8080/"},
		{"http://example.com./", "http://example.com/"},
		{"https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"},
		{"/%7euser/%c3%bc?q=%2f", "https://example.com/~user/%C3%BC?q=%2F"},
		{"/a b", "https://example.com/a%20b"},
		{"/100%", "https://example.com/100%25"},
		{"/100%%zz", "https://example.com/100%25%25zz"},
		{"/a\n/b", "https://example.com/a/b"},
		{"/a/", "https://example.com/a/"},
		{"/a//b", "https://example.com/a//b"},
		{"/a?", "https://example.com/a"},
		{"/a?utm_source=x&b=2&UTM_Medium=y&gclid=1&a=1", "https://example.com/a?b=2&a=1"},
		{"/a?sort=up&b", "https://example.com/a?b"},
		{"/a;jsessionid=0A1?PHPSESSID=1", "https://example.com/a"},
		{"http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"},
		{"http://My_Wiki/", "http://my_wiki/"},
		{"http://①②⑦.0.0.1/", "http://127.0.0.1/"},
		{"mailto:a@example.com", ""},
		{"javascript:alert(1)", ""},
		{"ftp://example.com/", ""},
		{"file:///etc/passwd", ""},
		{"https://user:secret@example.com/", ""},
		{"https://example.com@evil.example/", ""},
		{"http://", ""},
		{"http://a b/", ""},
		{"http://[::1", ""},
		{"/" + strings.Repeat("x", maxAddress), ""},
	} {
		got, ok := n.link(base, tt.reference)
		if !ok {
			got = ""
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.reference, got, tt.want)
		}
		if u, err := url.Parse(got); ok && err == nil {
			if again, ok := n.address(u); !ok || again != got {
				t.Errorf("%q: normalised again, it is %q", got, again)
			}
		}
	}
}

// FuzzLink checks that what becomes of a reference is normal, and an address of the web.
func FuzzLink(f *testing.F) {
	for _, s := range []string{"../a%2", "//h:1/%zz?a=%&b", "HTTPS://[::1]:443/..;jsessionid=1", "\x00é?utm_=1&&"} {
		f.Add(s)
	}
	base, _ := url.Parse("https://example.com/docs/")
	n := newNormaliser(nil)
	f.Fuzz(func(t *testing.T, reference string) {
		at, ok := n.link(base, reference)
		if !ok {
			return
		}
		u, err := url.Parse(at)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "" {
			t.Fatalf("%q became %q: %v", reference, at, err)
		}
		if again, ok := n.address(u); !ok || again != at {
			t.Errorf("%q became %q, and that %q", reference, at, again)
		}
		if originOf(at)+targetOf(at) != at || !strings.HasPrefix(targetOf(at), "/") {
			t.Errorf("%q has the origin %q and the target %q", at, originOf(at), targetOf(at))
		}
	})
}

func TestScope(t *testing.T) {
	for _, tt := range []struct {
		name             string
		starts           []string
		include, exclude []string
		holds, leaves    []string
	}{
		{
			"folder of a file", []string{"https://a.example/docs/index.html"}, nil, nil,
			[]string{"https://a.example/docs/", "https://a.example/docs/x/y?z=1"},
			[]string{"https://a.example/", "https://a.example/documents/", "http://a.example/docs/", "https://b.example/docs/", "https://a.example:444/docs/"},
		},
		{
			"a version", []string{"https://a.example/docs/v1.2", "https://a.example/faq/index.php?id=1"}, nil, nil,
			[]string{"https://a.example/docs/v1.2/x", "https://a.example/docs/v1.2", "https://a.example/faq/x"},
			[]string{"https://a.example/docs/", "https://a.example/docs/v1.3", "https://a.example/"},
		},
		{
			"folder without a slash", []string{"https://a.example/docs"}, nil, nil,
			[]string{"https://a.example/docs", "https://a.example/docs/x"},
			[]string{"https://a.example/docsx", "https://a.example/"},
		},
		{
			"folder with a slash", []string{"https://a.example/docs/", "https://a.example/faq/"}, nil, nil,
			[]string{"https://a.example/docs", "https://a.example/docs/x", "https://a.example/faq/x"},
			[]string{"https://a.example/", "https://a.example/doc"},
		},
		{
			"globs", []string{"https://a.example/start"}, []string{"/docs/**", "/blog/*.html"}, []string{"/docs/old/**", "/**/*\\?*"},
			[]string{"https://a.example/start", "https://a.example/docs/a/b", "https://a.example/blog/x.html"},
			[]string{"https://a.example/start/x", "https://a.example/docs/old/x", "https://a.example/docs/a?b=1/2", "https://a.example/blog/a/b.html"},
		},
	} {
		s, err := newScope(tt.starts, tt.include, tt.exclude)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range tt.holds {
			if !s.holds(at) {
				t.Errorf("%s: %s is left out", tt.name, at)
			}
		}
		for _, at := range tt.leaves {
			if s.holds(at) {
				t.Errorf("%s: %s is read", tt.name, at)
			}
		}
	}
}
