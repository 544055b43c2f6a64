package github

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func embedded(body string) string {
	var w strings.Builder
	embed(&w, body, 2, "here")
	return strings.TrimSuffix(w.String(), "\n")
}

func TestEmbed(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{`<p dir="auto">One &amp; <em>two</em></p>`, `<p>One &amp; <em>two</em></p>`},
		{`<h1>A</h1><h3 id="issuecomment-1">B</h3><h6>C</h6>`, `<h3 id="here">A</h3><h5 id="here">B</h5><h6 id="here">C</h6>`},
		{`<div class="highlight highlight-source-go" dir="auto"><pre>x &lt; y</pre></div>`, `<div class="highlight-source-go"><pre>x &lt; y</pre></div>`},
		{`<p>before</main><main id="x"><article>after`, `<p>beforeafter</p>`},
		{`<a href="https://x.test/?jwt=secret">link</a> <img src="https://x.test/?jwt=secret" alt="A &lt;plan&gt;"> end`, `link  A &lt;plan&gt;  end`},
		{`<script>alert(1)</script><style>p{}</style><svg><text>no</text></svg>yes`, `yes`},
		{`<table><tr><td>a</td></table></td>b`, `<table><tr><td>a</td></tr></table>b`},
		{`a<br>b<hr/>c<!-- comment -->`, `a<br>b<hr>c`},
		{`<li onclick="x()">a`, `<li>a</li>`},
		{`</p></div>text`, `text`},
		{`<textarea></main></textarea>x`, `x`},
		{"", ""},
	} {
		if got := embedded(tt.body); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.body, got, tt.want)
		}
	}
	if got := embedded(strings.Repeat("<div>", 100_000) + "deep"); !strings.Contains(got, "deep") || strings.Count(got, "<div>") != maxOpen || strings.Count(got, "</div>") != maxOpen {
		t.Errorf("deep elements give %d bytes", len(got))
	}
}

// Whatever a post is, it ends where it ends: what comes behind is no part of it, nothing
// has the place of another's comment, and nothing is an address.
func FuzzEmbed(f *testing.F) {
	for _, seed := range []string{"<p>x</p>", "<h1 id=a>b</h1></main>", "<script>", "<!--", "<pre><code class=\"language-go\">", "</", "<a href='javascript:x'>", "\x00<\xff>", "<plaintext>", "<table><p><td>", "<svg><title><p>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := embedded(body)
		if len(got) > 12*len(body)+64 {
			t.Errorf("%d bytes became %d", len(body), len(got))
		}
		open := 0
		for z := html.NewTokenizer(strings.NewReader(got + "<i>end</i>")); ; {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			token := z.Token()
			switch kind {
			case html.StartTagToken:
				if token.Data == "i" || token.Data != "br" && token.Data != "hr" {
					open++
				}
				for _, a := range token.Attr {
					if a.Key != "class" && (a.Key != "id" || a.Val != "here") {
						t.Errorf("%q has the attribute %s=%q", got, a.Key, a.Val)
					}
				}
			case html.EndTagToken:
				open--
			case html.TextToken:
				if token.Data == "end" && open != 1 {
					t.Errorf("%d elements are open behind %q", open-1, got)
				}
			}
			if open < 0 {
				t.Fatalf("%q closes more than it opens", got)
			}
		}
	})
}
