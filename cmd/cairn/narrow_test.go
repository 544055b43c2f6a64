package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// narrow returns a terminal without colours, of so many columns.
func narrow(columns int) (*terminal.Screen, *bytes.Buffer) {
	var b bytes.Buffer
	return &terminal.Screen{Writer: &b, Terminal: true, Width: columns, Columns: columns}, &b
}

// TestFacts shows the rows of a table that is too wide one fact a line.
func TestFacts(t *testing.T) {
	got := facts([]string{"ID", "NAME"}, [][]string{{"1", "a"}, {"2", "-"}})
	if want := "ID    1\nNAME  a\n\nID    2\nNAME  -\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestHints leaves out what does not fit, never the end of a word.
func TestHints(t *testing.T) {
	for columns, want := range map[int]string{80: "ask · quit · sources", 12: "ask · quit", 5: "ask", 2: ""} {
		if got := hints(columns, "ask", "quit", "sources"); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
}

// TestNarrowAnswer keeps commands whole, marks apart from fences, and shows no Markdown
// for bold where there are no colours.
func TestNarrowAnswer(t *testing.T) {
	out, shown := narrow(40)
	p := &prose{out: out, err: out, flow: terminal.NewFlow(out, "")}
	text := "**Hotels in the north**\n\n```\nlimit\n```"
	err := p.done(client.Answer{
		Text: text, Model: "m", ConversationID: "C1", Sentences: []client.Sentence{{Start: 0, End: len(text), Support: cairn.Supported}},
		Citations: []client.Citation{{Number: 1, AnswerEnd: len(text), DocumentID: "SOXSSSPZLMME24S32F7D5L3JZO", Source: "acme",
			Title: "A title that is longer than the screen is", State: "current"}},
	})
	want := "Hotels in the north\n\n```\nlimit\n```\n[1]\n\nSources\n[1] A title that is longer than the\n    screen is\n    acme\n" +
		"cairn doc get SOXSSSPZLMME24S32F7D5L3JZO\n\nm · 0.0 s\nGo on with: cairn ask --conversation C1 …\n"
	if got := shown.String(); err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, strings.ReplaceAll(want, " ", "·"))
	}
}
