package storage_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors/confluence/storage"
	"github.com/cairnhq/cairn/retrieval/extract/markup"
)

func TestHTML(t *testing.T) {
	names := map[string]string{"5b10": "Ann Smith"}
	for _, tt := range []struct{ name, in, want string }{
		{"text", `<p>a &nbsp;b &lt;c&gt; &eacute;</p>`, "<p>a \u00a0b &lt;c&gt; é</p>"},
		{"code", `<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">go</ac:parameter><ac:parameter ac:name="title">main.go</ac:parameter><ac:plain-text-body><![CDATA[if a < b && c { x("]]") }]]></ac:plain-text-body></ac:structured-macro>`,
			`<p>main.go</p><pre><code class="language-go">if a &lt; b &amp;&amp; c { x(&#34;]]&#34;) }</code></pre>`},
		{"noformat", `<ac:structured-macro ac:name="noformat"><ac:plain-text-body><![CDATA[a  b]]></ac:plain-text-body></ac:structured-macro>`, `<pre><code>a  b</code></pre>`},
		{"warning", `<ac:structured-macro ac:name="warning"><ac:parameter ac:name="icon">false</ac:parameter><ac:rich-text-body><p>Hot</p></ac:rich-text-body></ac:structured-macro>`,
			`<div><p><strong>Warning</strong></p><p>Hot</p></div>`},
		{"panel", `<ac:structured-macro ac:name="panel"><ac:parameter ac:name="title">Mind</ac:parameter><ac:rich-text-body><p>it</p></ac:rich-text-body></ac:structured-macro>`,
			`<div><p><strong>Mind</strong></p><p>it</p></div>`},
		{"expand", `<ac:structured-macro ac:name="expand"><ac:parameter ac:name="title">More</ac:parameter><ac:rich-text-body><p>x</p></ac:rich-text-body></ac:structured-macro>`,
			`<div><p><strong>More</strong></p><p>x</p></div>`},
		{"excerpt", `<ac:structured-macro ac:name="excerpt"><ac:rich-text-body><p>x</p></ac:rich-text-body></ac:structured-macro>`, `<p>x</p>`},
		{"include", `<ac:structured-macro ac:name="include"><ac:parameter ac:name=""><ac:link><ri:page ri:content-title="Rules" ri:space-key="HR" /></ac:link></ac:parameter></ac:structured-macro>`, `<p>See Rules</p>`},
		{"excerpt of another page", `<ac:structured-macro ac:name="excerpt-include"><ac:parameter ac:name=""><ac:link><ri:page ri:content-title="Pay" /></ac:link></ac:parameter><ac:parameter ac:name="nopanel">true</ac:parameter></ac:structured-macro>`, `<p>See Pay</p>`},
		{"jira", `<p>See <ac:structured-macro ac:name="jira"><ac:parameter ac:name="server">Jira</ac:parameter><ac:parameter ac:name="key">OPS-7</ac:parameter></ac:structured-macro>.</p>`, `<p>See OPS-7.</p>`},
		{"status", `<ac:structured-macro ac:name="status"><ac:parameter ac:name="colour">Green</ac:parameter><ac:parameter ac:name="title">DONE</ac:parameter></ac:structured-macro>`, `DONE`},
		{"contents", `<ac:structured-macro ac:name="toc"><ac:parameter ac:name="maxLevel">2</ac:parameter></ac:structured-macro><p>x</p>`, `<p>x</p>`},
		{"unknown", `<ac:structured-macro ac:name="spaceship"><ac:parameter ac:name="secret">p</ac:parameter><ac:rich-text-body><p>x</p></ac:rich-text-body></ac:structured-macro>`, `<p>x</p>`},
		{"tasks", `<ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete</ac:task-status><ac:task-body>a</ac:task-body></ac:task><ac:task><ac:task-status>incomplete</ac:task-status><ac:task-body><span>b</span></ac:task-body></ac:task></ac:task-list>`,
			`<ul><li>[x] a</li><li>[ ] <span>b</span></li></ul>`},
		{"layout", `<ac:layout><ac:layout-section ac:type="two_equal"><ac:layout-cell><p>a</p></ac:layout-cell><ac:layout-cell><p>b</p></ac:layout-cell></ac:layout-section></ac:layout>`,
			`<div><div><div><p>a</p></div><div><p>b</p></div></div></div>`},
		{"image", `<ac:image ac:alt="A map"><ri:attachment ri:filename="map.png" /></ac:image><ac:image><ri:attachment ri:filename="b.png" /><ac:caption><p>Cap</p></ac:caption></ac:image>`,
			`<img alt="A map"><img alt="b.png"><p>Cap</p>`},
		{"mention", `<p><ac:link><ri:user ri:account-id="5b10" /></ac:link>, <ac:link><ri:user ri:account-id="none" /></ac:link></p>`, `<p>@Ann Smith, @somebody</p>`},
		{"links", `<ac:link><ri:page ri:content-title="A &amp; B" /></ac:link> <ac:link><ri:page ri:content-title="A" /><ac:link-body>the <em>page</em></ac:link-body></ac:link> <ac:link ac:anchor="x"><ac:plain-text-link-body><![CDATA[a <b>]]></ac:plain-text-link-body></ac:link> <a href="https://example.com/?a=1&amp;b=2">ex</a> <a href="javascript:x()">js</a>`,
			`A &amp; B the <em>page</em> a &lt;b&gt; <a href="https://example.com/?a=1&amp;b=2">ex</a> js`},
		{"emoticons", `<ac:emoticon ac:name="tick" /><ac:emoticon ac:name="blue-star" ac:emoji-shortname=":tada:" ac:emoji-fallback="🎉" />`, `✔🎉`},
		{"date", `<p>On <time datetime="2026-11-01" /></p>`, `<p>On 2026-11-01</p>`},
		{"extension", `<ac:adf-extension><ac:adf-node type="panel"><ac:adf-attribute key="panel-type">note</ac:adf-attribute><ac:adf-content><p>x</p></ac:adf-content></ac:adf-node><ac:adf-fallback><div class="panel"><p>x</p></div></ac:adf-fallback></ac:adf-extension>`,
			`<div><p>x</p></div>`},
		{"marker", `<p>a <ac:inline-comment-marker ac:ref="r">b</ac:inline-comment-marker></p>`, `<p>a b</p>`},
		{"table", `<table class="wrapped"><colgroup><col /></colgroup><tbody><tr><th colspan="2" style="x">A</th></tr></tbody></table>`, `<table><tbody><tr><th colspan="2">A</th></tr></tbody></table>`},
		{"script", `<script>alert(1)</script><p onclick="x">a</p>`, `<p>a</p>`},
		{"open elements", `<p>a<br>b <b>c</p><p>d`, `<p>a<br>b <b>c</b></p><p>d</p>`},
		{"stray signs", `<p>a < b & c <3 &zzz; d</p><h1>e</h1>`, `<p>a &lt; b &amp; c &lt;3 &amp;zzz; d</p><h1>e</h1>`},
		{"CDATA without an end", `<p>a</p><![CDATA[b <i>c</i>`, `<p>a</p> b  c `},
	} {
		got := storage.HTML(tt.in, storage.Options{Name: func(id string) string { return names[id] }})
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestAnchors checks the anchors that sections get in extraction against those of the
// sites.
func TestAnchors(t *testing.T) {
	const body = `<h1>Set up</h1><p>a</p><h2>What's <em>new</em>? 100%</h2><p>b</p><h1>Set up</h1><p>c</p><h1><ac:structured-macro ac:name="anchor"><ac:parameter ac:name="">x</ac:parameter></ac:structured-macro>Größe</h1><p>d</p>`
	for _, tt := range []struct {
		name   string
		anchor func(string) string
		want   []string
	}{
		{"Cloud", storage.CloudAnchor, []string{"#Set-up", "#What%27s-new?-100%25", "#Set-up.1", "#Gr%C3%B6%C3%9Fe"}},
		{"Data Center", storage.DataCenterAnchor("My Page"), []string{"#MyPage-Setup", "#MyPage-What%27snew?100%25", "#MyPage-Setup.1", "#MyPage-Gr%C3%B6%C3%9Fe"}},
	} {
		text, err := markup.HTML([]byte("<html><body><main>"+storage.HTML(body, storage.Options{Anchor: tt.anchor})+"</main></body></html>"), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range text.Sections {
			got = append(got, s.Anchor)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestMentions(t *testing.T) {
	got := storage.Mentions(`<ri:user ri:account-id="5b10:a-b" /> <ri:user ri:userkey='8a7f' /> ri:account-id=""`)
	if d := cmp.Diff([]string{"5b10:a-b", "8a7f"}, got); d != "" {
		t.Error(d)
	}
}

func TestDepth(t *testing.T) {
	deep := strings.Repeat("<div>", 100_000) + "text" + strings.Repeat("</div>", 100_000)
	if got := storage.HTML(deep, storage.Options{}); !strings.Contains(got, "text") {
		t.Errorf("the text of a deep page is lost: %d bytes", len(got))
	}
}

func FuzzHTML(f *testing.F) {
	f.Add(`<p>a <ac:link><ri:user ri:account-id="5b10" /></ac:link></p><h1>x</h1>`)
	f.Add(`<ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA[<a>]]></ac:plain-text-body>`)
	f.Add(`<ac:structured-macro ac:name="include"><ac:parameter ac:name=""><ac:link>`)
	f.Add(`<a><b></a></b>&bogus; <![CDATA[ <!-- <?x`)
	f.Fuzz(func(t *testing.T, text string) {
		got := storage.HTML(text, storage.Options{Anchor: storage.CloudAnchor})
		if len(got) > 50*len(text)+1000 {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
		if strings.Contains(got, "<script") || strings.Contains(got, "<ac:") {
			t.Errorf("markup passes: %q", got)
		}
		storage.Mentions(text)
	})
}
