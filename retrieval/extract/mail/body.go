package mail

import (
	"regexp"
	"strings"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// body writes the text of the message: the plain parts, or what the HTML parts
// show when there are no plain ones. Quotations of earlier mails are sections
// with the heading "Earlier in the conversation".
func (r *reader) body(b *canon.Builder) {
	parts := r.plain
	if strings.TrimSpace(strings.Join(parts, "")) == "" {
		parts = r.html
	}
	for _, text := range parts {
		fresh, quoted := splitQuote(text)
		for paragraph := range strings.SplitSeq(fresh, "\n\n") {
			b.Paragraph(paragraph)
		}
		if strings.TrimSpace(quoted) == "" {
			continue
		}
		b.Section([]string{"Earlier in the conversation"}, "")
		for paragraph := range strings.SplitSeq(quoted, "\n\n") {
			b.Paragraph(paragraph)
		}
	}
}

// attribution is how mail programs introduce the mail that they quote.
var attribution = regexp.MustCompile(`(?im)^(?:-{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine|forwarded message|weitergeleitete nachricht)\s*-{2,}` +
	`|_{20,}|(?:On|Am|Le|El|Il|Op)\s[^\n]{5,200}(?:\n[^\n>]{0,200})?(?:wrote|schrieb[^\n]{0,100}|a écrit|escribió|ha scritto|schreef)\s?[^\n]{0,100}:)\s*$`)

// splitQuote divides a text where the quotation of an earlier mail begins that
// goes on to the end. Quotations between answers stay where they are.
func splitQuote(text string) (fresh, quoted string) {
	if at := attribution.FindStringIndex(text); at != nil {
		return text[:at[0]], text[at[0]:]
	}
	lines := strings.SplitAfter(text, "\n")
	start := len(lines)
	for start > 0 {
		line := strings.TrimSpace(lines[start-1])
		if line != "" && !strings.HasPrefix(line, ">") {
			break
		}
		start--
	}
	return strings.Join(lines[:start], ""), strings.Join(lines[start:], "")
}

// unflow joins the lines that format=flowed divided: those that end in a space,
// except the mark of a signature (RFC 3676).
func unflow(text string) string {
	lines := strings.Split(text, "\n")
	var b strings.Builder
	for i, line := range lines {
		b.WriteString(line)
		flowed := strings.HasSuffix(line, " ") && line != "-- " && strings.TrimSpace(line) != "" &&
			i+1 < len(lines) && strings.TrimSpace(lines[i+1]) != "" && !strings.HasPrefix(line, ">") && !strings.HasPrefix(lines[i+1], ">")
		if !flowed && i+1 < len(lines) {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
