package slack

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// said renders what a message says, in a workspace with Ann (U1) and the public channel
// #general (C1).
func said(m message) string {
	ann := user{ID: "U1", Name: "ann"}
	ann.Profile.RealName = "Ann <Example>"
	r := &renderer{people: people{byID: map[string]user{"U1": ann}}, channels: map[string]string{"C1": "general"}}
	r.said(m)
	return r.b.String()
}

func TestMrkdwn(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"  \n ", ""},
		{"one\ntwo\n\nthree", "<p>one<br>two</p>\n<p>three</p>\n"},
		{"a *bold* and _italic_ and ~struck~ word", "<p>a <b>bold</b> and <i>italic</i> and <s>struck</s> word</p>\n"},
		{"*bold _and italic_*", "<p><b>bold <i>and italic</i></b></p>\n"},
		{"2*3*4 snake_case_name * alone", "<p>2*3*4 snake_case_name * alone</p>\n"},
		{"*never closed", "<p>*never closed</p>\n"},
		{"run `a *b* &lt;c&gt;` now", "<p>run <code>a *b* &lt;c&gt;</code> now</p>\n"},
		{"see:\n```if a &lt; b {\n\n  <https://x.test|x>\n}```\ndone", "<p>see:</p>\n<pre><code>if a &lt; b {\n\n  x\n}</code></pre>\n<p>done</p>\n"},
		{"```open", "<p>```open</p>\n"},
		{"&gt; quoted\n&gt;more\nsaid", "<blockquote><p> quoted<br>more</p></blockquote>\n<p>said</p>\n"},
		{"<https://x.test/?a=1&amp;b=2|the page> <https://y.test>", `<p><a href="https://x.test/?a=1&amp;b=2">the page</a> <a href="https://y.test">https://y.test</a></p>` + "\n"},
		{"<mailto:ann@example.com|ann@example.com> <javascript:alert(1)|click>", "<p>ann@example.com click</p>\n"},
		{"hi <@U1>, <@U9|bob>, <@U8>", "<p>hi @Ann &lt;Example&gt;, @bob, @somebody</p>\n"},
		{"<#C1> <#C2|> <#C3|ops>", "<p>#general #private-channel #ops</p>\n"},
		{"<!here> <!channel> <!subteam^S1|@sre> <!subteam^S2> <!date^1392734382^{date}|18 February 2014>", "<p>@here @channel @sre @group 18 February 2014</p>\n"},
		{"&lt;b&gt;no markup&lt;/b&gt; &amp;amp;", "<p>&lt;b&gt;no markup&lt;/b&gt; &amp;amp;</p>\n"},
		{"<never closed", "<p>&lt;never closed</p>\n"},
		{"bad \xff bytes\x00", "<p>bad \ufffd bytes</p>\n"},
	} {
		if got := said(message{Text: tt.text}); got != tt.want {
			t.Errorf("%q:\n%s", tt.text, cmp.Diff(tt.want, got))
		}
	}
}

func TestBlocks(t *testing.T) {
	for _, tt := range []struct{ name, blocks, want string }{
		{"rich text", `[{"type":"rich_text","elements":[
			{"type":"rich_text_section","elements":[{"type":"text","text":"Hi "},{"type":"user","user_id":"U1"},{"type":"text","text":" in "},{"type":"channel","channel_id":"C1"},
				{"type":"text","text":" <x>\ny","style":{"bold":true}},{"type":"emoji","name":"wave"},{"type":"broadcast","range":"here"},{"type":"text","text":"go","style":{"code":true}}]},
			{"type":"rich_text_list","style":"ordered","indent":1,"elements":[{"type":"rich_text_section","elements":[{"type":"link","url":"https://x.test","text":"page"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"two"}]}]},
			{"type":"rich_text_preformatted","elements":[{"type":"text","text":"a < b\n  c"}]},
			{"type":"rich_text_quote","elements":[{"type":"text","text":"said"}]}]}]`,
			"<p>Hi @Ann &lt;Example&gt; in #general &lt;x&gt;<br>y:wave:@here<code>go</code></p>\n" +
				`<ol><ol><li><a href="https://x.test">page</a></li><li>two</li></ol></ol>` + "\n" +
				"<pre><code>a &lt; b\n  c</code></pre>\n<blockquote><p>said</p></blockquote>\n"},
		{"header, section, context", `[{"type":"header","text":{"type":"plain_text","text":"Incident"}},{"type":"divider"},
			{"type":"section","text":{"type":"mrkdwn","text":"*Down*"},"fields":[{"type":"mrkdwn","text":"a"},{"type":"plain_text","text":"*b*"}],"accessory":{"type":"button"}},
			{"type":"context","elements":[{"type":"image","image_url":"https://x.test/i.png","alt_text":"i"},{"type":"mrkdwn","text":"by <@U1>"}]}]`,
			`<h3>Incident</h3>` + "\n<p><b>Down</b></p>\n<p>a</p>\n<p>*b*</p>\n<p>by @Ann &lt;Example&gt;</p>\n"},
		{"table", `[{"type":"table","rows":[[{"type":"raw_text","text":"Host"}],[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"db1"}]}]}]]}]`,
			"<table>\n<tr><th>Host</th></tr>\n<tr><td>db1</td></tr>\n</table>\n"},
		{"markdown, image", `[{"type":"markdown","text":"# one\ntwo"},{"type":"image","title":{"type":"plain_text","text":"a graph"},"alt_text":"b"}]`, "<p># one<br>two</p>\n<p>a graph</p>\n"},
		{"nothing that is known", `[{"type":"hologram","text":{"type":"plain_text","text":"x"}},{"type":["odd"]},7]`, "<p>the text</p>\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := message{Text: "the text"}
			if err := json.Unmarshal([]byte(tt.blocks), &m.Blocks); err != nil {
				t.Fatal(err)
			}
			if got := said(m); got != tt.want {
				t.Error(cmp.Diff(tt.want, got))
			}
		})
	}
}

func TestAttachments(t *testing.T) {
	var m message
	text := `{"text":"","attachments":[{"from_url":"https://x.test","title":"preview","text":"of a page"},
		{"fallback":"[FIRING] disk","title":"Disk","text":"full on *db1*","fields":[{"title":"Severity","value":"high"}]},{"fallback":"alone"}]}`
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	want := "<p>Disk</p>\n<p>full on <b>db1</b></p>\n<p>Severity</p>\n<p>high</p>\n<p>alone</p>\n"
	if got := said(m); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

// FuzzMessage renders whatever is a message: without panic, in bounded size, and never
// with an element that Cairn did not write.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"ts":"1700000000.000001","text":"*a* _b_ <@U1|x> <https://x.test|y> ` + "`c` ```d```" + `\n&gt; e"}`,
		`{"ts":"1700000000.000001","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_list","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x"}]}]}]}]}`,
		`{"ts":"1700000000.000001","text":"<script>***___~~~<!date^1^x|y>","thread_ts":"1"}`,
		`{"ts":"1700000000.000001","text":7}`,
		`{"ts":"1700000000.000001","blocks":[{"type":"table","rows":[[{"text":"<img>"}]]}],"attachments":[{"fallback":"<#C2|>"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, ok := decode(raw)
		if !ok || m.broken {
			return
		}
		w := &writer{connector: &connector{}, site: &site{people: people{byID: map[string]user{}}}, channel: channel{ID: "C1", Name: "general"}}
		title := w.title(m)
		page := w.render(title, []message{m})
		if !utf8.ValidString(page) || len(page) > 1000+120*len(raw) {
			t.Errorf("the page has %d bytes for %d, or is not UTF-8", len(page), len(raw))
		}
		if utf8.RuneCountInString(title) > maxTitle+1 || strings.Contains(title, "\n") {
			t.Errorf("the title is %q", title)
		}
		for _, element := range tag.FindAllString(page, -1) {
			name := strings.Trim(strings.Fields(element)[0], "<>/")
			if !strings.Contains(" !DOCTYPE html head meta title body main article h1 h2 h3 p br a b i s code pre blockquote ul ol li table tr th td ", " "+name+" ") {
				t.Errorf("it has the element %q", element)
			}
		}
	})
}
