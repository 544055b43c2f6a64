package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

const (
	smallestWidth  = 20
	smallestHeight = 6
	widthForTwo    = 80 // columns for a panel beside the conversation, not in its place
	chatPrompt     = "> "
)

// View implements tea.Model: a head, the conversation with or without a panel beside it,
// the input and a line of help.
func (m *chat) View() tea.View {
	v := tea.View{AltScreen: true, WindowTitle: "Cairn"}
	if m.width < smallestWidth || m.height < smallestHeight {
		v.Content = "Too small"
		return v
	}
	rows := m.height - 4
	lines := []string{m.look.Bold(terminal.Fit(m.head(), m.width))}
	lines = append(lines, m.body(rows)...)
	shown, column := m.input.View(m.width - len(chatPrompt) - 1)
	rule := m.look.Dim(strings.Repeat("─", m.width))
	lines = append(lines, rule, chatPrompt+shown, m.look.Dim(terminal.Fit(m.help(), m.width)))
	v.Content = terminal.Pass(strings.Join(lines, "\n"))
	v.Cursor = tea.NewCursor(len(chatPrompt)+column, m.height-2)
	return v
}

func (m *chat) head() string {
	if len(m.req.Sources) > 0 {
		return "Cairn · " + terminal.Line(strings.Join(m.req.Sources, ", "))
	}
	return "Cairn"
}

func (m *chat) help() string {
	switch {
	case m.note != "":
		return m.note
	case m.panel == historyPanel:
		return hints(m.width, "↑↓ choose", "Enter open", "Esc close")
	case m.now != nil:
		return hints(m.width, "Ctrl-C stop", "Tab sources", "PgUp PgDn scroll")
	}
	return hints(m.width, "Enter ask", "Ctrl-C quit", "Tab sources", "Ctrl-O history", "Ctrl-N new")
}

// hints joins those that fit, the first ones first.
func hints(width int, all ...string) string {
	line := ""
	for _, hint := range all {
		if longer := join(line, hint); terminal.Width(longer) <= width {
			line = longer
		}
	}
	return line
}

// body returns exactly so many rows.
func (m *chat) body(rows int) []string {
	if m.panel == noPanel {
		return m.talk(m.width, rows)
	}
	if m.width < widthForTwo {
		return pad(m.beside(m.width), m.width, rows)
	}
	right := min(m.width*2/5, 60)
	left := m.width - right - 3
	talk, beside := m.talk(left, rows), pad(m.beside(right), right, rows)
	for i := range talk {
		talk[i] += m.look.Dim(" │ ") + beside[i]
	}
	return talk
}

// pad returns exactly so many rows of a width.
func pad(lines []string, width, rows int) []string {
	out := make([]string, rows)
	for i := range out {
		if i < len(lines) {
			out[i] = lines[i]
		}
		out[i] = terminal.Fit(out[i], width)
	}
	return out
}

// talk returns the part of the conversation that is scrolled to.
func (m *chat) talk(width, rows int) []string {
	var all []string
	for _, t := range m.turns {
		all = append(all, m.layOut(t, width)...)
	}
	if len(m.turns) == 0 {
		all = append([]string{""}, strings.Split(terminal.Wrap("Ask a question. Every sentence of the answer has its source.", width, ""), "\n")...)
	}
	m.scroll = min(m.scroll, max(0, len(all)-rows))
	end := len(all) - m.scroll
	return pad(all[max(0, end-rows):end], width, rows)
}

// layOut returns the lines of a turn.
func (m *chat) layOut(t *turn, width int) []string {
	if t.width == width {
		return t.lines
	}
	var b bytes.Buffer
	s := &terminal.Screen{Writer: &b, Terminal: true, Width: width, Colour: m.look.Colour}
	s.Printf("%s\n\n", s.Bold(terminal.Wrap(chatPrompt+terminal.Line(t.question), width, "")))
	p := &prose{out: s}
	terminal.NewFlow(s, "").Write(p.annotate(t.answer.Text, 0, t.answer.Sentences, t.answer.Citations))
	if t.answer.Text == "" && t.problem == "" {
		s.Printf("%s", s.Dim(terminal.Line(t.phase)+"…"))
	}
	s.Printf("\n")
	if p.marked[cairn.Unsupported] {
		s.Printf("%s\n", s.Dim("[?] no document supports this sentence"))
	}
	if p.marked[cairn.Partial] {
		s.Printf("%s\n", s.Dim("[~] the documents support this sentence only in part"))
	}
	for _, n := range t.answer.Notices {
		s.Printf("%s\n", terminal.Wrap("Note: "+terminal.Line(n.Message), width, ""))
	}
	if n := len(t.answer.Citations); n > 0 {
		s.Printf("%s\n", s.Dim(fmt.Sprintf("Sources: %d (Tab)", numbers(t.answer.Citations))))
	}
	if t.problem != "" {
		s.Printf("%s\n", terminal.Wrap("("+terminal.Line(t.problem)+")", width, ""))
	}
	t.lines, t.width = terminal.Lines(b.String()), width
	return t.lines
}

// numbers returns how many different numbers citations have.
func numbers(citations []client.Citation) int {
	seen := make(map[int]bool)
	for _, c := range citations {
		seen[c.Number] = true
	}
	return len(seen)
}

// beside returns the lines of the open panel.
func (m *chat) beside(width int) []string {
	var b bytes.Buffer
	s := &terminal.Screen{Writer: &b, Terminal: true, Width: width, Colour: m.look.Colour}
	if m.panel == historyPanel {
		m.printHistory(s)
	} else {
		m.printCited(s)
	}
	return terminal.Lines(b.String())
}

func (m *chat) printHistory(s *terminal.Screen) {
	s.Printf("%s\n", s.Bold("Conversations"))
	if len(m.conversations) == 0 {
		s.Printf("There are none.\n")
	}
	first := max(0, m.selected-max(0, m.height-6))
	for i, c := range m.conversations[first:] {
		line := terminal.Cut(day(&c.UpdatedAt)+" "+terminal.Line(c.Title), s.Width-2)
		if i+first == m.selected {
			s.Printf("%s\n", s.Bold("▸ "+line))
			continue
		}
		s.Printf("  %s\n", line)
	}
}

// printCited shows the sources of the last answer that has any.
func (m *chat) printCited(s *terminal.Screen) {
	s.Printf("%s\n", s.Bold("Sources"))
	for _, t := range slices.Backward(m.turns) {
		if len(t.answer.Citations) == 0 {
			continue
		}
		shown := make(map[int]bool)
		for _, c := range t.answer.Citations {
			if shown[c.Number] {
				continue
			}
			shown[c.Number] = true
			s.Printf("\n%s\n", terminal.Wrap(fmt.Sprintf("[%d] %s", c.Number, place(c.Title, c.Heading)), s.Width, ""))
			s.Printf("%s\n", s.Dim(terminal.Cut(join(terminal.Line(c.Source), day(c.UpdatedAt)), s.Width)))
			s.Printf("%s\n", terminal.Wrap(s.Excerpt(c.Quote, nil, 3*s.Width), s.Width, ""))
			s.Printf("%s\n", s.Dim(terminal.Cut(link(c.URL, c.DocumentID, ""), s.Width)))
		}
		return
	}
	s.Printf("No answer has any yet.\n")
}
