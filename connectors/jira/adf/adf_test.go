package adf_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors/jira/adf"
)

// doc is a document of nodes.
func doc(nodes string) json.RawMessage {
	return json.RawMessage(`{"type":"doc","version":1,"content":[` + nodes + `]}`)
}

func p(nodes string) string { return `{"type":"paragraph","content":[` + nodes + `]}` }

func TestHTML(t *testing.T) {
	const a = `{"type":"text","text":"a"}`
	for _, tt := range []struct{ name, nodes, want string }{
		{"paragraph", p(`{"type":"text","text":"a < b & c"}`), `<p>a &lt; b &amp; c</p>`},
		{"heading", `{"type":"heading","attrs":{"level":3},"content":[` + a + `]}`, `<h3>a</h3>`},
		{"heading of no level", `{"type":"heading","attrs":{"level":"9"},"content":[` + a + `]}`, `<h1>a</h1>`},
		{"lists", `{"type":"bulletList","content":[{"type":"listItem","content":[` + p(a) + `,{"type":"orderedList","attrs":{"order":3},"content":[{"type":"listItem","content":[` + p(a) + `]}]}]}]}`,
			`<ul><li><p>a</p><ol start="3"><li><p>a</p></li></ol></li></ul>`},
		{"tasks", `{"type":"taskList","attrs":{"localId":"l"},"content":[{"type":"taskItem","attrs":{"state":"DONE"},"content":[` + a + `]},{"type":"taskItem","attrs":{"state":"TODO"},"content":[` + a + `]}]}`,
			`<ul><li>[x] a</li><li>[ ] a</li></ul>`},
		{"decisions", `{"type":"decisionList","content":[{"type":"decisionItem","attrs":{"state":"DECIDED"},"content":[` + a + `]}]}`, `<ul><li>a</li></ul>`},
		{"code", `{"type":"codeBlock","attrs":{"language":"go"},"content":[{"type":"text","text":"if a < b {\n}"}]}`, "<pre><code class=\"language-go\">if a &lt; b {\n}</code></pre>"},
		{"panel", `{"type":"panel","attrs":{"panelType":"warning"},"content":[` + p(a) + `]}`, `<div><p><strong>Warning</strong></p><p>a</p></div>`},
		{"panel of one's own", `{"type":"panel","attrs":{"panelType":"custom"},"content":[` + p(a) + `]}`, `<div><p>a</p></div>`},
		{"expand", `{"type":"expand","attrs":{"title":"More"},"content":[` + p(a) + `]}`, `<div><p><strong>More</strong></p><p>a</p></div>`},
		{"table", `{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableHeader","attrs":{"colspan":2},"content":[` + p(a) + `]},{"type":"tableCell","attrs":{"rowspan":1e9},"content":[` + p(a) + `]}]}]}`,
			`<table><tr><th colspan="2"><p>a</p></th><td><p>a</p></td></tr></table>`},
		{"quote and rule", `{"type":"blockquote","content":[` + p(a) + `]},{"type":"rule"}`, `<blockquote><p>a</p></blockquote><hr>`},
		{"mention", p(`{"type":"mention","attrs":{"id":"5b","text":"@Ann"}},{"type":"mention","attrs":{"text":"Bob"}}`), `<p>@Ann@Bob</p>`},
		{"emoji", p(`{"type":"emoji","attrs":{"shortName":":grin:","text":"😀"}},{"type":"emoji","attrs":{"shortName":":own:"}}`), `<p>😀:own:</p>`},
		{"date", p(`{"type":"date","attrs":{"timestamp":"1582152559000"}}`), `<p>2020-02-19</p>`},
		{"dates that are none", p(`{"type":"date","attrs":{"timestamp":"soon"}},{"type":"date","attrs":{"timestamp":1e300}},{"type":"date"}`), `<p></p>`},
		{"status", p(`{"type":"status","attrs":{"text":"IN PROGRESS","color":"blue"}}`), `<p>IN PROGRESS</p>`},
		{"cards", p(`{"type":"inlineCard","attrs":{"url":"https://example.com/?a&b"}}`) + `,{"type":"blockCard","attrs":{"data":{"url":"https://example.com/x","name":"secret"}}}`,
			`<p><a href="https://example.com/?a&amp;b">https://example.com/?a&amp;b</a></p><p><a href="https://example.com/x">https://example.com/x</a></p>`},
		{"media", `{"type":"mediaSingle","content":[{"type":"media","attrs":{"id":"1","type":"file","alt":"plan.png"}},{"type":"caption","content":[` + a + `]}]}`, `<div><img alt="plan.png"><p>a</p></div>`},
		{"marks", p(`{"type":"text","text":"a","marks":[{"type":"strong"},{"type":"em"},{"type":"link","attrs":{"href":"https://example.com"}},{"type":"textColor","attrs":{"color":"#f00"}}]},{"type":"text","text":"2","marks":[{"type":"subsup","attrs":{"type":"sup"}}]},{"type":"text","text":"x","marks":[{"type":"code"}]}`),
			`<p><a href="https://example.com"><strong><em>a</em></strong></a><sup>2</sup><code>x</code></p>`},
		{"a link that is none", p(`{"type":"text","text":"a","marks":[{"type":"link","attrs":{"href":"javascript:alert(1)"}}]}`), `<p>a</p>`},
		{"break", p(a + `,{"type":"hardBreak"},` + a), `<p>a<br>a</p>`},
		{"unknown", `{"type":"hologram","attrs":{"a":[]},"content":[` + p(a) + `]},{"type":"layoutSection","content":[{"type":"layoutColumn","content":[` + p(a) + `]}]}`, `<p>a</p><p>a</p>`},
		{"malformed", `7,null,"x",{"type":7},{"type":"paragraph","content":"x"},{"type":"text","text":["a"],"marks":{}}`, `<p></p>`},
		{"placeholder", p(`{"type":"placeholder","attrs":{"text":"Write here"}}`), `<p></p>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := adf.HTML(doc(tt.nodes))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestNoDocument(t *testing.T) {
	for _, raw := range []string{"", "7", `"text"`, "[]", "{}", `{"type":"paragraph"}`, "{"} {
		if got, err := adf.HTML(json.RawMessage(raw)); err == nil {
			t.Errorf("%q is %q", raw, got)
		}
	}
	if got, err := adf.HTML(json.RawMessage("null")); got != "" || err != nil {
		t.Errorf("null is %q, %v", got, err)
	}
}

// nested is a document of blocks in blocks.
func nested(depth int) json.RawMessage {
	return doc(strings.Repeat(`{"type":"blockquote","content":[`, depth) + p(`{"type":"text","text":"deep"}`) + strings.Repeat("]}", depth))
}

func TestDepth(t *testing.T) {
	if got, err := adf.HTML(nested(50)); err != nil || !strings.Contains(got, "deep") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got, err := adf.HTML(nested(3000)); err != nil || strings.Contains(got, "deep") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if names, err := adf.Media(nested(3000)); err != nil || len(names) != 1 {
		t.Errorf("of media that may be below, %q is said, %v", names, err)
	}
}

func TestMedia(t *testing.T) {
	got, err := adf.Media(doc(`{"type":"mediaGroup","content":[{"type":"media","attrs":{"alt":" a.png "}},{"type":"media"}]},` + p(`{"type":"mediaInline","attrs":{"alt":"b.pdf"}}`)))
	if d := cmp.Diff([]string{"a.png", "", "b.pdf"}, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

// FuzzHTML holds the conversion to what it promises: no panic, an output in proportion to
// the input, and no element that comes from a text.
func FuzzHTML(f *testing.F) {
	f.Add([]byte(doc(p(`{"type":"text","text":"<script>","marks":[{"type":"strong"},{"type":"link","attrs":{"href":"https://a\"b"}}]}`))))
	f.Add([]byte(doc(`{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","attrs":{"colspan":2}}]}]}`)))
	f.Add([]byte(nested(200)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := adf.HTML(raw)
		if err != nil {
			return
		}
		if len(got) > 12*len(raw)+100 {
			t.Errorf("%d bytes become %d", len(raw), len(got))
		}
		if strings.Contains(got, "<script") || strings.Count(got, "<") != strings.Count(got, ">") {
			t.Errorf("%q holds an element that comes from a text", got)
		}
	})
}
