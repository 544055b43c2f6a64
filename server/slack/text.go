package slack

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/cairnhq/cairn"
)

// The texts that people read.
const (
	helpText = "Ask me a question: mention me in a channel, write to me directly, type `/cairn` and your question, or choose *Ask about this* in the menu of a message. I answer from your company's documents, as far as everybody who sees the answer may read them."
	sorry    = "Something went wrong while I answered. Please ask again."
	busy     = "Too many questions are being answered just now. Please ask again in a moment."
	hidden   = "Something that this answer was made from may no longer be read by everybody here. Please ask again."
	tooLate  = "Slack did not wait for the form. Please choose “Ask about this” again."
	lost     = "This answer is no longer there, or is not yours."

	foundNothingHere = "I found nothing about this that everybody in this channel may read."
	foundNothing     = "I found nothing about this that you may read."
	moreForYou       = "Only you can see this: it uses documents that not everybody in this channel may read."
	unshared         = "I did not share this: not everybody in this channel may read all that was looked at for it. Mention me here to ask what all of you may read."
	sharedText       = "Shared."
	longText         = "The answer is longer than what Slack shows. The rest is in the browser."

	helpWord     = "help"
	promptHelp   = "What can I ask?"
	promptsTitle = "Ask, for example:"
	paneStatus   = "is looking…"
	aboutHint    = "I answer from documents that you may read, and only you see the answer. Leave this empty to ask what the message asks."
)

// refusals say why somebody is not answered.
var refusals = map[standing]string{
	unmapped: "I can only answer people who have an account in Cairn with the address that Slack has confirmed for them. Please ask your administrator.",
	outsider: "I cannot answer guests, people of other organisations, or accounts that are disabled. Please ask your administrator.",
}

const joiner = '\u2060' // seen by nobody; what it stands in is no markup any more

// inert takes from a text what Slack would make a mention, a link or an announcement of.
// What it returns for the beginning of a text is the beginning of what it returns for all
// of it, so that a text can be sent as it comes.
func inert(text string) string {
	var b strings.Builder
	var before, last rune
	word := 0 // of "www." that has come
	for _, r := range text {
		if !unicode.IsSpace(r) && breaks(before, last, r) || word == 4 && !unicode.IsSpace(r) {
			b.WriteRune(joiner)
		}
		switch {
		case r == '.' && word == 3:
			word = 4
		case unicode.ToLower(r) == 'w' && word < 3 && (word > 0 || !unicode.IsLetter(last)):
			word++
		default:
			word = 0
		}
		b.WriteRune(r)
		before, last = last, r
	}
	return b.String()
}

// breaks reports whether a joiner comes before r, after the two runes before it.
func breaks(before, last, r rune) bool {
	switch last {
	case '<':
		return true // <!channel>, <@U1>, <https://…>
	case '@', '#':
		return !unicode.IsLetter(before) && !unicode.IsDigit(before) && unicode.IsLetter(r) // @here
	case ']':
		return r == '(' || r == '[' || r == ':'
	case ':':
		return r == '/' || unicode.IsLetter(before) && r == '@'
	case '&':
		return r == 'l' || r == '#' || r == 'L' // &lt;
	}
	return false
}

// escaped returns plain text for where Slack reads its own markup.
func escaped(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, inert(text))
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "¦", "*", "∗", "_", "＿", "~", "∼", "`", "ˋ").Replace(text)
}

var (
	markup  = regexp.MustCompile(`<([^<>]*)>`)
	charset = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// question returns the words of a message: names of people and channels as people see
// them, without the bot's own.
func question(text string) string {
	text = markup.ReplaceAllStringFunc(text, func(m string) string {
		target, label, _ := strings.Cut(m[1:len(m)-1], "|")
		switch {
		case strings.HasPrefix(target, "@"), strings.HasPrefix(target, "#"):
			if label == "" {
				return " "
			}
			return strings.TrimPrefix(target[:1], "@") + strings.TrimLeft(label, "@#")
		case strings.HasPrefix(target, "!"):
			return " "
		}
		return cmp.Or(label, target)
	})
	return strings.Join(strings.Fields(charset.Replace(text)), " ")
}

// marked returns the text of an answer with the numbers of its sources.
func marked(a cairn.Answer) string {
	var b strings.Builder
	at := 0
	for _, c := range slices.SortedStableFunc(slices.Values(a.Citations), func(x, y cairn.Citation) int { return cmp.Compare(x.AnswerEnd, y.AnswerEnd) }) {
		end := min(max(c.AnswerEnd, at), len(a.Text))
		b.WriteString(a.Text[at:end])
		at = end
		if mark := mark(c.Number); !strings.HasSuffix(b.String(), mark) {
			b.WriteString(mark)
		}
	}
	b.WriteString(a.Text[at:])
	return b.String()
}

func mark(number int) string { return " [" + strconv.Itoa(number) + "]" }

// maxText bounds a message: Slack takes 12,000 characters of Markdown.
const maxText = 11_000

// sendable returns a text as it is sent: inert, and not longer than Slack takes.
func sendable(text string) string {
	text = inert(text)
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && text[end]&0xC0 == 0x80 {
		end--
	}
	return text[:end]
}
