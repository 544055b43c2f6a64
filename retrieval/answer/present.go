package answer

import (
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

// present shows units of the passages, grouped under the headings they stand
// under, each cited.
func (r *run) present(units []int) {
	place := ""
	previous := -1
	for _, i := range units {
		u := &r.evidence.units[i]
		if at := r.heading(i); at != place {
			place = at
			r.showPlain(separator(r.out.Text, "\n\n") + "**" + at + "**")
			previous = -1
		}
		r.showUnit(u, i, previous)
		previous = i
	}
}

// showPlain appends text that claims nothing.
func (r *run) showPlain(text string) {
	trimmed := strings.TrimLeft(text, "\n ")
	r.show(scanned{Text: text, Start: len(text) - len(trimmed), End: len(text)}, finding{support: cairn.SupportNone})
}

// separator returns sep, or nothing at the beginning of the answer.
func separator(before, sep string) string {
	if before == "" {
		return ""
	}
	return sep
}

// showUnit appends one unit after the previous one, -1 when it follows a heading.
func (r *run) showUnit(u *unit, i, previous int) {
	head, tail := "", ""
	switch {
	case previous < 0:
		head = separator(r.out.Text, "\n\n")
	case u.kind == segment.Item || u.kind == segment.Row || r.evidence.units[previous].kind == segment.Row:
		head = "\n"
	case u.kind == segment.Code, r.evidence.units[previous].kind == segment.Code:
		head = "\n\n"
	case r.evidence.units[previous].kind == segment.Item && previous+1 != i:
		head = "\n\n"
	default:
		head = " "
	}
	text := u.plain
	switch u.kind {
	case segment.Item:
		head += strings.Repeat(" ", min(u.indent, 6)) + "- "
		if marker := r.evidence.passages[u.passage].Text[u.start:u.body]; marker[0] >= '0' && marker[0] <= '9' {
			head = strings.TrimSuffix(head, "- ") + strings.TrimRight(marker, " \t") + " "
		}
	case segment.Row:
		head, text = r.row(u, head, previous)
	}
	r.show(scanned{Kind: u.kind, Text: head + text + tail, Start: len(head), End: len(head) + len(text)}, finding{support: cairn.Supported, windows: []window{{i, i + 1}}})
}

// row returns a table row and what stands before it: the head of its table when
// it is the first that is shown, a bullet when its cells name their columns.
func (r *run) row(u *unit, head string, previous int) (string, string) {
	text := u.plain
	if !strings.HasPrefix(text, "|") {
		return head + "- ", text
	}
	first := previous < 0 || r.evidence.units[previous].kind != segment.Row
	if first && u.lead >= 0 {
		top := r.evidence.units[u.lead].plain
		columns := strings.Count(strings.Trim(top, "|"), "|") + 1
		if head == "\n" {
			head = "\n\n"
		}
		head += top + "\n|" + strings.Repeat("---|", columns) + "\n"
	}
	return head, text
}

// inline returns a unit's text for an answer: on one line, links and HTML inert.
func inline(u *unit) string {
	if u.kind == segment.Code {
		return fenced(u.text)
	}
	c := cleaner{text: strings.Map(visible, u.text), document: true}
	return oneLine(c.clean())
}

// fenced returns a block of code as Markdown shows it.
func fenced(text string) string {
	if strings.HasPrefix(text, "```") || strings.HasPrefix(text, "~~~") {
		return closedFence(strings.Map(visible, text))
	}
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "\n" + strings.Map(visible, text) + "\n" + fence
}

// heading returns the title and the headings that a unit stands under, as one line.
func (r *run) heading(i int) string {
	u := &r.evidence.units[i]
	p := &r.evidence.passages[u.passage]
	parts := []string{p.Title}
	path, _ := p.At(p.Start + u.body)
	if u.heading >= 0 {
		path = []string{r.evidence.units[u.heading].plain}
	}
	for _, h := range path {
		if h = oneLine(h); h != "" && !strings.EqualFold(h, parts[len(parts)-1]) {
			parts = append(parts, h)
		}
	}
	if parts[0] == "" {
		parts = parts[1:]
	}
	if len(parts) == 0 {
		return p.Source
	}
	return strings.NewReplacer("*", "", "`", "", "_", " ", "<", "", "[", "", "]", "").Replace(strings.Join(parts, " › "))
}
