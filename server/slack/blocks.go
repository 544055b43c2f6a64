package slack

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/slack-go/slack"

	"github.com/cairnhq/cairn"
)

// The actions of buttons.
const (
	shareAction    = "cairn_share"
	feedbackAction = "cairn_feedback"
	browserAction  = "cairn_browser"

	upValue   = "up"
	downValue = "down"
)

const (
	sourcesShown  = 20
	perContext    = 10  // elements of a block
	titleLength   = 150 // characters
	nearestHeader = "What came closest:"
)

// sources returns the numbered sources of an answer, or what came closest when it has
// none.
func sources(a cairn.Answer) []slack.Block {
	var lines []string
	seen := map[int]bool{}
	for _, c := range a.Citations {
		if !seen[c.Number] && c.State != cairn.CitationGone {
			seen[c.Number] = true
			lines = append(lines, fmt.Sprintf("[%d] %s", c.Number, place(c.Title, c.URL, c.Source, c.Modified.Format("2 Jan 2006"), c.Modified.IsZero())))
		}
	}
	if len(a.Citations) == 0 && len(a.Nearest) > 0 {
		lines = append(lines, nearestHeader)
		for _, p := range a.Nearest {
			lines = append(lines, place(p.Title, p.URL, p.Source, p.Modified.Format("2 Jan 2006"), p.Modified.IsZero()))
		}
	}
	var blocks []slack.Block
	for i := 0; i < min(len(lines), sourcesShown); i += perContext {
		var elements []slack.MixedElement
		for _, line := range lines[i:min(i+perContext, len(lines), sourcesShown)] {
			elements = append(elements, mrkdwn(line))
		}
		blocks = append(blocks, slack.NewContextBlock("", elements...))
	}
	return blocks
}

// place returns a document as a line: its title as a link, its source and its date.
func place(title, address, source, date string, undated bool) string {
	title = short(title, titleLength)
	if strings.TrimSpace(title) == "" {
		title = source
	}
	line := escaped(title)
	if link := webLink(address); link != "" {
		line = "<" + link + "|" + line + ">"
	}
	line += " · " + escaped(source)
	if !undated {
		line += " · " + date
	}
	return line
}

// webLink returns an address that may stand in Slack's markup; empty for others than of
// pages on the web.
func webLink(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(address) > 1500 {
		return ""
	}
	return strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E", " ", "%20", "&", "&amp;").Replace(u.String())
}

// mrkdwn is text in Slack's markup, in which nothing but what is marked is a link or a name.
func mrkdwn(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}

func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// rating are the buttons for what people think of an answer.
func rating(message string) slack.Block {
	return slack.NewContextActionsBlock("", slack.NewFeedbackButtonsBlockElement(feedbackAction,
		slack.NewFeedbackButton(plain("Good answer"), message+" "+upValue),
		slack.NewFeedbackButton(plain("Bad answer"), message+" "+downValue)))
}

// buttons lead on from an answer: to the conversation in the browser, which opens for whoever has
// asked alone, and, with a thread, to showing it to all.
func (b *Bot) buttons(a cairn.Answer, share bool, thread string) []slack.Block {
	var elements []slack.BlockElement
	if share {
		elements = append(elements, slack.NewButtonBlockElement(shareAction, strings.TrimSpace(a.Message+" "+thread), plain("Share")))
	}
	if b.cfg.BaseURL != "" {
		button := slack.NewButtonBlockElement(browserAction, "", plain("Continue in the browser"))
		button.URL = strings.TrimSuffix(b.cfg.BaseURL, "/") + "/c/" + url.PathEscape(a.Conversation)
		elements = append(elements, button)
	}
	if len(elements) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("", elements...)}
}

// rest says that a text is longer than what Slack takes, if it is.
func rest(text string) []slack.Block {
	if len(inert(text)) <= maxText {
		return nil
	}
	return []slack.Block{slack.NewContextBlock("", mrkdwn(escaped(longText)))}
}

// textBlock returns a text of an answer as a block.
func textBlock(s string) slack.Block { return slack.NewMarkdownBlock("", s) }
