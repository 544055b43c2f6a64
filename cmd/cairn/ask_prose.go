package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// prose shows an answer to a person: on a terminal sentence by sentence, else
// when it is complete, so that a file never holds a withdrawn attempt.
type prose struct {
	out, err *terminal.Screen
	flow     *terminal.Flow
	req      client.AskRequest

	length  int           // bytes of the answer that were printed
	pending *client.Delta // a sentence whose citations are still to come
	cited   []client.Citation
	marked  map[cairn.Support]bool // marks that need a word of explanation
	found   int                    // passages that were looked at
	phase   bool                   // a phase stands in the current line
}

// event shows what can be shown at once.
func (p *prose) event(e client.Event) error {
	switch e.Name {
	case "status":
		var s client.Status
		if err := e.Decode(&s); err != nil {
			return err
		}
		p.status(s.Phase)
	case "passages":
		var found client.Passages
		if err := e.Decode(&found); err != nil {
			return err
		}
		p.found = len(found.Results)
	case "delta":
		p.flush()
		p.pending = &client.Delta{}
		return e.Decode(p.pending)
	case "citation":
		var c client.Citation
		if err := e.Decode(&c); err != nil {
			return err
		}
		p.cited = append(p.cited, c)
	case "reset":
		p.reset()
	}
	return nil
}

// status shows the phase in a line that the next output replaces.
func (p *prose) status(phase string) {
	if p.err.Terminal && p.out.Terminal && p.length == 0 {
		p.err.Printf("\r\x1b[K%s", p.err.Dim(terminal.Line(phase)+"…"))
		p.phase = true
	}
}

func (p *prose) clearStatus() {
	if p.phase {
		p.err.Printf("\r\x1b[K")
		p.phase = false
	}
}

// flush prints the sentence that waits.
func (p *prose) flush() {
	if p.pending == nil {
		return
	}
	text, cited := p.pending.Text, p.cited
	sentence := client.Sentence{Start: p.pending.Start, End: p.pending.End, Support: p.pending.Support}
	p.pending, p.cited = nil, nil
	if p.out.Terminal {
		p.clearStatus()
		p.flow.Write(p.annotate(text, p.length, []client.Sentence{sentence}, cited))
	}
	p.length += len(text)
}

// reset says that what stands there so far does not count.
func (p *prose) reset() {
	p.pending, p.cited = nil, nil
	if p.out.Terminal && p.length > 0 {
		p.out.Printf("\n\n%s\n\n", p.out.Dim("That did not hold; a second attempt:"))
		p.flow = terminal.NewFlow(p.out, "")
	}
	p.length, p.marked = 0, nil
}

func (p *prose) abandon() {
	p.flush()
	p.clearStatus()
	if p.length > 0 && p.out.Terminal {
		p.out.Printf("\n")
	}
}

// done prints what is left of the answer, then its sources.
func (p *prose) done(a client.Answer) error {
	p.flush()
	p.clearStatus()
	if p.length > len(a.Text) || !p.out.Terminal {
		p.length = 0
	}
	if rest := a.Text[p.length:]; rest != "" {
		p.flow.Write(p.annotate(rest, p.length, a.Sentences, a.Citations))
	}
	p.out.Printf("\n")
	if p.marked[cairn.Unsupported] {
		p.out.Printf("\n%s\n", p.out.Dim("[?] no document supports this sentence"))
	}
	if p.marked[cairn.Partial] {
		p.out.Printf("\n%s\n", p.out.Dim("[~] the documents support this sentence only in part"))
	}
	for _, n := range a.Notices {
		p.out.Printf("\n%s\n", terminal.Wrap("Note: "+terminal.Line(n.Message), p.out.Width, ""))
	}
	p.printSources(a.Citations)
	if a.Outcome == cairn.OutcomeNotFound {
		p.printSearched(a)
	}
	if p.out.Terminal {
		p.out.Printf("\n%s\n", p.out.Dim(fmt.Sprintf("%s · %.1f s\nGo on with: cairn ask --conversation %s …",
			terminal.Line(a.Model), float64(a.TookMS)/1000, terminal.Line(a.ConversationID))))
	}
	return nil
}

// annotate returns text, which begins at byte `from` of the answer, cleaned and
// with the marks of sentences and citations that end in it.
func (p *prose) annotate(text string, from int, sentences []client.Sentence, citations []client.Citation) string {
	marks := make(map[int]string) // by where they belong in text
	at := func(end int) int { return min(max(end-from, 0), len(text)) }
	for _, c := range citations {
		if mark := fmt.Sprintf("[%d]", c.Number); c.AnswerEnd > from && !strings.Contains(marks[at(c.AnswerEnd)], mark) {
			marks[at(c.AnswerEnd)] += mark
		}
	}
	for _, s := range sentences {
		if mark := supportMarks[s.Support]; mark != "" && s.End > from {
			marks[at(s.End)] += mark
			if p.marked == nil {
				p.marked = make(map[cairn.Support]bool)
			}
			p.marked[s.Support] = true
		}
	}
	var b strings.Builder
	last := 0
	for _, end := range slices.Sorted(maps.Keys(marks)) {
		b.WriteString(p.emphasise(terminal.Clean(text[last:end])))
		switch before := text[:end]; {
		case strings.HasSuffix(before, "|"): // the row of a table
			b.WriteByte(' ')
		case strings.HasSuffix(before, "```"): // else the mark would be of the fence
			b.WriteByte('\n')
		}
		b.WriteString(p.out.Dim(marks[end]))
		last = end
	}
	b.WriteString(p.emphasise(terminal.Clean(text[last:])))
	return b.String()
}

// strong finds words in bold in Markdown.
var strong = regexp.MustCompile(`\*\*([^*\n]+)\*\*`)

// emphasise shows as bold what Markdown means to be, on a terminal; elsewhere the text
// stays Markdown.
func (p *prose) emphasise(text string) string {
	if !p.out.Terminal {
		return text
	}
	return strong.ReplaceAllStringFunc(text, func(s string) string { return p.out.Bold(strings.Trim(s, "*")) })
}

// supportMarks are the marks of sentences that nothing supports, or not wholly.
var supportMarks = map[cairn.Support]string{cairn.Unsupported: "[?]", cairn.Partial: "[~]"}

// printSources lists the cited passages by their numbers, those of one place
// together.
func (p *prose) printSources(citations []client.Citation) {
	if len(citations) == 0 {
		return
	}
	var order []string
	labels, first := make(map[string]string), make(map[string]client.Citation)
	for _, c := range slices.SortedStableFunc(slices.Values(citations), func(a, b client.Citation) int { return a.Number - b.Number }) {
		key := strings.Join(append([]string{c.DocumentID, c.Version, c.State, c.URL}, c.Heading...), "\x00")
		if _, seen := first[key]; !seen {
			order, first[key] = append(order, key), c
		}
		if label := fmt.Sprintf("[%d] ", c.Number); !strings.Contains(labels[key], label) {
			labels[key] += label
		}
	}
	p.out.Printf("\n%s\n", p.out.Bold("Sources"))
	for _, key := range order {
		p.printSource(labels[key], first[key])
	}
}

func (p *prose) printSource(label string, c client.Citation) {
	version, state := "", ""
	switch cairn.CitationState(c.State) {
	case cairn.CitationChanged:
		version, state = c.Version, "changed since"
	case cairn.CitationGone:
		state = "no longer there"
	}
	const indent = "    "
	facts, where := join(terminal.Line(c.Source), day(c.UpdatedAt), state), link(c.URL, c.DocumentID, version)
	p.out.Printf("%s\n", terminal.Item(label, place(c.Title, c.Heading), p.out.Width))
	if p.out.Width == 0 || len(indent)+terminal.Width(join(facts, where)) <= p.out.Width {
		p.out.Printf("%s%s\n", indent, p.out.Dim(join(facts, p.out.Link(where, c.URL))))
		return
	}
	p.out.Printf("%s%s\n", indent, p.out.Dim(facts))
	printLink(p.out, indent, where, c.URL)
}

// printSearched says where nothing was found, and what came closest.
func (p *prose) printSearched(a client.Answer) {
	where := "all sources that you may read"
	if len(p.req.Sources) > 0 {
		where = terminal.Line(strings.Join(p.req.Sources, ", "))
	}
	p.out.Printf("\n%s\n", terminal.Wrap(fmt.Sprintf("Searched: %s; passages looked at: %d.", where, p.found), p.out.Width, ""))
	if len(a.Nearest) == 0 {
		return
	}
	p.out.Printf("\n%s\n", p.out.Bold("The nearest documents"))
	words := terminal.Words(p.req.Question)
	for i, n := range a.Nearest {
		printPassage(p.out, fmt.Sprintf("%2d. ", i+1), n, words)
	}
}
