package mcp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
)

// maxQuote is how many bytes of a quote are shown; fetch has the rest.
const maxQuote = 1000

type askOutput struct {
	Outcome      cairn.Outcome `json:"outcome" jsonschema:"answered, partial, not_found, conflict or blocked"`
	Text         string        `json:"text" jsonschema:"Markdown; [1] marks what citation 1 supports"`
	Citations    []citation    `json:"citations"`
	Nearest      []result      `json:"nearest,omitempty" jsonschema:"what came nearest, when nothing was found"`
	Notices      []string      `json:"notices,omitempty" jsonschema:"how the answer came about, for the reader"`
	Conversation string        `json:"conversation_id"`
	URL          string        `json:"url" jsonschema:"where the answer can be read on"`
}

type citation struct {
	Number  int           `json:"number"`
	ID      string        `json:"id" jsonschema:"for fetch"`
	Title   string        `json:"title"`
	URL     string        `json:"url"`
	Source  string        `json:"source"`
	Quote   string        `json:"quote"`
	Updated string        `json:"updated_at,omitempty"`
	Support cairn.Support `json:"support" jsonschema:"how well the quote supports the sentence: supported, partial, unsupported or none"`
}

// answer returns an answer as it is sent.
func (u *use) answer(a cairn.Answer) askOutput {
	out := askOutput{
		Outcome: a.Outcome, Text: marked(a), Citations: []citation{}, Conversation: a.Conversation, URL: u.base + "/c/" + a.Conversation,
		Nearest: u.results(documents(a.Nearest)),
	}
	for _, c := range a.Citations {
		if c.State == cairn.CitationGone || slices.ContainsFunc(out.Citations, func(o citation) bool { return o.Number == c.Number }) {
			continue
		}
		cited := citation{
			Number: c.Number, ID: partOf(c.Document, c.Start), Title: short(c.Title, maxTitle), URL: u.link(c.URL, c.Document),
			Source: c.Source, Quote: short(c.Quote, maxQuote), Support: c.Support,
		}
		if !c.Modified.IsZero() {
			cited.Updated = c.Modified.UTC().Format(time.RFC3339)
		}
		out.Citations = append(out.Citations, cited)
	}
	for _, n := range a.Notices {
		out.Notices = append(out.Notices, n.Message)
	}
	return out
}

// marked returns the text of an answer with the marks of its citations.
func marked(a cairn.Answer) string {
	cited := slices.DeleteFunc(slices.Clone(a.Citations), func(c cairn.Citation) bool {
		return c.State == cairn.CitationGone || c.AnswerEnd < 0 || c.AnswerEnd > len(a.Text)
	})
	slices.SortStableFunc(cited, func(x, y cairn.Citation) int { return x.AnswerEnd - y.AnswerEnd })
	var b strings.Builder
	at := 0
	for _, c := range cited {
		b.WriteString(a.Text[at:c.AnswerEnd])
		if at = c.AnswerEnd; strings.HasSuffix(b.String(), "```") {
			b.WriteByte('\n') // else the mark would be of the code
		}
		fmt.Fprintf(&b, "[%d]", c.Number)
	}
	b.WriteString(a.Text[at:])
	return b.String()
}

// text returns the answer for who reads no JSON.
func (o askOutput) text() string {
	var b strings.Builder
	b.WriteString(o.Text)
	if o.Outcome == cairn.OutcomeNotFound {
		for _, r := range o.Nearest {
			fmt.Fprintf(&b, "\n- nearest: %s %s (id %s)", r.Title, r.URL, r.ID)
		}
	}
	for _, c := range o.Citations {
		fmt.Fprintf(&b, "\n\n[%d] %s (%s", c.Number, c.Title, c.Source)
		if day, _, ok := strings.Cut(c.Updated, "T"); ok {
			b.WriteString(", " + day)
		}
		fmt.Fprintf(&b, ") %s\n> %s", c.URL, strings.ReplaceAll(strings.TrimSpace(c.Quote), "\n", "\n> "))
	}
	for _, n := range o.Notices {
		b.WriteString("\n\nNote: " + n)
	}
	b.WriteString("\n\nConversation " + o.Conversation + ": " + o.URL)
	return b.String()
}
