package slack

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// mrkdwn writes a text in Slack's own markup (docs.slack.dev/messaging/formatting-message-text):
// *bold*, _italic_, ~strike~, `code`, fenced code, > quotes, and <…> for links and mentions.
func (r *renderer) mrkdwn(text string) {
	for text != "" {
		before, rest, fenced := strings.Cut(text, "```")
		code, after, closed := strings.Cut(rest, "```")
		if !fenced || !closed {
			r.lines(text)
			return
		}
		r.lines(before)
		r.b.WriteString("<pre><code>" + esc(strings.Trim(r.plain(code), "\n")) + "</code></pre>\n")
		text = strings.TrimPrefix(after, "\n")
	}
}

// lines writes text without fenced code: paragraphs and quotes.
func (r *renderer) lines(text string) {
	quoted, open := false, false
	end := func() {
		if open {
			r.b.WriteString("</p>")
			if quoted {
				r.b.WriteString("</blockquote>")
			}
			r.b.WriteByte('\n')
		}
		open = false
	}
	for part := range strings.SplitSeq(text, "\n") {
		rest, quote := strings.CutPrefix(part, "&gt;")
		if quote {
			part = rest
		}
		if strings.TrimSpace(part) == "" {
			end()
			continue
		}
		if open && quote != quoted {
			end()
		}
		switch {
		case open:
			r.b.WriteString("<br>")
		case quote:
			r.b.WriteString("<blockquote><p>")
		default:
			r.b.WriteString("<p>")
		}
		open, quoted = true, quote
		r.inline(part, maxNesting)
	}
	end()
}

const maxNesting = 6

var marks = map[byte]string{'*': "b", '_': "i", '~': "s"}

// inline writes a line.
func (r *renderer) inline(s string, depth int) {
	start := 0
	flush := func(end int) {
		r.b.WriteString(esc(unescape(s[start:end])))
	}
	dead := map[byte]bool{} // marks that nothing closes any more
	for i := 0; i < len(s); {
		n := 0
		switch c := s[i]; {
		case dead[c]:
		case c == '<', c == '`':
			closer := byte('`')
			if c == '<' {
				closer = '>'
			}
			n = strings.IndexByte(s[i+1:], closer)
			if dead[c] = n < 0; n > 0 {
				flush(i)
				if c == '<' {
					r.b.WriteString(r.reference(s[i+1 : i+1+n]))
				} else {
					r.b.WriteString("<code>" + esc(r.plain(s[i+1:i+1+n])) + "</code>")
				}
			}
		case marks[c] != "" && depth > 0 && opens(s, i):
			n = closing(s, i)
			if dead[c] = n < 0; n > 0 {
				flush(i)
				r.b.WriteString("<" + marks[c] + ">")
				r.inline(s[i+1:i+1+n], depth-1)
				r.b.WriteString("</" + marks[c] + ">")
			}
		}
		if n > 0 {
			i += n + 2
			start = i
		} else {
			i++
		}
	}
	flush(len(s))
}

// opens reports whether the mark at i begins something: behind no letter, before no space.
func opens(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, size := utf8.DecodeRuneInString(s[i+1:])
	return (i == 0 || !isWord(before)) && size > 0 && !unicode.IsSpace(after) && after != rune(s[i])
}

// closing returns how far behind the mark at i the one is that ends it; -1: there is none.
func closing(s string, i int) int {
	for j := i + 2; j < len(s); j++ {
		if s[j] != s[i] {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[:j])
		after, size := utf8.DecodeRuneInString(s[j+1:])
		if !unicode.IsSpace(before) && (size == 0 || !isWord(after)) {
			return j - i - 1
		}
	}
	return -1
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// reference makes HTML of what stands between < and >.
func (r *renderer) reference(s string) string {
	target, label, _ := strings.Cut(s, "|")
	if strings.HasPrefix(target, "@") || strings.HasPrefix(target, "#") || strings.HasPrefix(target, "!") {
		return esc(r.mention(target, label))
	}
	return link(unescape(target), unescape(label))
}

// mention is the text of a mention of a person, a channel or a group, or of a date.
func (r *renderer) mention(target, label string) string {
	label = unescape(label)
	kind, id := target[:1], target[1:]
	switch kind {
	case "@":
		return "@" + first(r.people.name(id), first(label, "somebody"))
	case "#":
		return r.channelName(id, label)
	}
	command, _, _ := strings.Cut(id, "^")
	switch command {
	case "here", "channel", "everyone":
		return "@" + command
	case "subteam":
		return "@" + strings.TrimPrefix(first(label, "group"), "@")
	}
	return label // a date has what is to be shown instead
}

// channelName is what a mentioned channel is called. Names of private channels are not
// told to those who are not in them.
func (r *renderer) channelName(id, label string) string {
	return "#" + first(r.channels[id], first(label, "private-channel"))
}

// link makes HTML of a link.
func link(target, label string) string {
	label = first(label, strings.TrimPrefix(strings.TrimPrefix(target, "mailto:"), "tel:"))
	if safe := safeURL(target); safe != "" {
		return `<a href="` + esc(safe) + `">` + esc(label) + "</a>"
	}
	return esc(label)
}

// plain is the text of code, in which links and mentions still stand between < and >.
func (r *renderer) plain(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "<")
		inside, after, closed := strings.Cut(rest, ">")
		if !found || !closed {
			b.WriteString(unescape(s))
			return b.String()
		}
		b.WriteString(unescape(before))
		target, label, _ := strings.Cut(inside, "|")
		if target != "" && strings.ContainsAny(target[:1], "@#!") {
			b.WriteString(r.mention(target, label))
		} else {
			b.WriteString(unescape(first(label, target)))
		}
		s = after
	}
}

// unescape undoes the three escapes that Slack makes.
func unescape(s string) string { return escapes.Replace(s) }

var escapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
