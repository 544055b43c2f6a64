package web

import (
	"strings"
	"testing"
	"time"
)

// The examples of RFC 9309, section 5, and what else its text says.
func TestRobots(t *testing.T) {
	for _, tt := range []struct {
		name, text    string
		allow, forbid string // separated by spaces
		delay         time.Duration
		sitemaps      int
	}{
		{
			"simple (5.1)",
			"User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\nUser-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n" +
				"User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\nUser-Agent: quxbot\n",
			"/ /publications/ /publications/x.gifs", "/a.gif /example/ /example/page.html", 0, 0,
		},
		{"longest match (5.2)", "User-Agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\nDisallow: /example", "/example/page/ /example/page/x /", "/example/page/disallowed.gif /example /examples", 0, 0},
		{"allow wins of equals", "User-agent: *\nDisallow: /page\nAllow: /page", "/page", "", 0, 0},
		{"named group alone", "User-agent: *\nDisallow: /\n\nUser-agent: CAIRN/2.0\nDisallow: /x", "/ /y", "/x /x/y", 0, 0},
		{"another's name", "User-agent: cairnbot\nDisallow: /\n", "/", "", 0, 0},
		{"groups of a name are one", "User-agent: cairn\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: cairn\nDisallow: /b", "/c", "/a /b", 0, 0},
		{"two names of a group", "User-agent: x\nUser-agent: cairn\n\nDisallow: /a", "/b", "/a", 0, 0},
		{"empty group of the name", "User-agent: *\nDisallow: /\nUser-agent: cairn\n", "/", "", 0, 0},
		{"empty rule", "User-agent: *\nDisallow:\n", "/", "", 0, 0},
		{"rules before a group", "Disallow: /\nUser-agent: *\nDisallow: /a", "/", "/a", 0, 0},
		{"escapes", "User-agent: *\nDisallow: /ü\nDisallow: /%7Ejoe/\nDisallow: /a%3cb", "/u", "/%C3%BCx /~joe/x /a%3Cb", 0, 0},
		{"stars and ends", "User-agent: *\nDisallow: /*/secret*.html$\nDisallow: /fish$\nDisallow: /a*b*c$", "/secret.html /x/secret.html? /fish/ /ab /abcx", "/x/secret1.html /fish /axbxc /abcabc", 0, 0},
		{"query", "User-agent: *\nDisallow: /*?print=", "/a?b=1", "/a?print=1", 0, 0},
		{"comments, ends of lines, mark", "\xef\xbb\xbfUser-agent: * # all\r\nDisallow: /a # not\rDisallow : /b\n", "/c", "/a /b", 0, 0},
		{"delay and sitemaps", "Sitemap: /one.xml\nUser-agent: *\nSitemap: https://a.example/two.xml\nCrawl-delay: 1.5\nDisallow: /a", "/b", "/a", 1500 * time.Millisecond, 2},
		{"no robots.txt", "<html><body>Disallow nothing</body></html>", "/", "", 0, 0},
		{"empty", "", "/", "", 0, 0},
	} {
		r := parseRobots([]byte(tt.text))
		for target := range strings.FieldsSeq(tt.allow) {
			if !r.allows(target) {
				t.Errorf("%s: %s is forbidden", tt.name, target)
			}
		}
		for target := range strings.FieldsSeq(tt.forbid) {
			if r.allows(target) {
				t.Errorf("%s: %s is allowed", tt.name, target)
			}
		}
		if r.delay != tt.delay || len(r.sitemaps) != tt.sitemaps {
			t.Errorf("%s: a delay of %s and %d sitemaps", tt.name, r.delay, len(r.sitemaps))
		}
	}
}

// FuzzRobots checks that no robots.txt makes the reader fail or take long.
func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /a*b$\nCrawl-delay: 1e400\n", "/axb")
	f.Fuzz(func(t *testing.T, text, target string) {
		r := parseRobots([]byte(text))
		r.allows(target)
		if r.delay < 0 {
			t.Errorf("a delay of %s", r.delay)
		}
	})
}

func TestWildcardIsQuick(t *testing.T) {
	pattern, target := strings.Repeat("*a", 5000)+"$", "/"+strings.Repeat("a", 1700)+"b"
	begin := time.Now()
	for range 100 {
		wildcard(pattern, target)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("it takes %s", d/100)
	}
}
