package openai

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/cairnhq/cairn"
)

const maxLinkTitle = 80 // characters of a document's title in a link

// annotation is a citation as OpenAI has it: the range of the content, in characters,
// that its link takes up, or of the sentence where links are not in the content.
type annotation struct {
	Index    *int        `json:"index,omitempty"` // in a stream: clients put lists together by it
	Type     string      `json:"type"`
	Citation urlCitation `json:"url_citation"`
	Cairn    evidence    `json:"cairn"`
}

type urlCitation struct {
	Start int    `json:"start_index"`
	End   int    `json:"end_index"`
	URL   string `json:"url"`
	Title string `json:"title"`
}

// evidence is what Cairn knows of a citation beyond OpenAI's API: the passage that says
// it, and the sentence that it bears out, in characters of the content.
type evidence struct {
	Document      cairn.DocumentID `json:"document_id"`
	Version       cairn.Version    `json:"version"`
	Source        string           `json:"source"`
	Quote         string           `json:"quote"`
	Support       cairn.Support    `json:"support"`
	SentenceStart int              `json:"sentence_start"`
	SentenceEnd   int              `json:"sentence_end"`
}

// addressOf returns where a cited document can be read: at its source or, where that has
// no address on the web, at base, which is this server.
func addressOf(c cairn.Citation, base string) string {
	if u, err := url.Parse(c.URL); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return u.String()
	}
	return base + "/d/" + url.PathEscape(string(c.Document))
}

// titleOf returns what a citation is called, on one line without what no reader sees.
func titleOf(c cairn.Citation) string {
	title := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, c.Title)
	if title = strings.Join(strings.Fields(title), " "); title == "" {
		return "document"
	}
	return title
}

// markdownLink returns a link that cannot be read as anything else, whatever the title of
// a document holds.
func markdownLink(title, address string) string {
	if r := []rune(title); len(r) > maxLinkTitle {
		title = strings.TrimSpace(string(r[:maxLinkTitle-1])) + "…"
	}
	return "([" + escapeTitle.Replace(title) + "](" + escapeAddress.Replace(address) + "))"
}

var (
	escapeTitle = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "(", `\(`, ")", `\)`, "*", `\*`, "_", `\_`, "`", "\\`",
		"<", `\<`, ">", `\>`, "|", `\|`, "!", `\!`, "&", `\&`, "~", `\~`, "$", `\$`)
	escapeAddress = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `\`, "%5C", "|", "%7C", " ", "%20", "`", "%60")
)
