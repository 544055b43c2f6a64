package slack

import (
	"encoding/json"
	"html"
	"strconv"
	"strings"
)

// block is a block of a message (docs.slack.dev/reference/block-kit/blocks), as far as it
// has text.
type block struct {
	Type     string            `json:"type"`
	Text     json.RawMessage   `json:"text"` // an object, in a markdown block a string
	Title    json.RawMessage   `json:"title"`
	AltText  string            `json:"alt_text"`
	Fields   []textObject      `json:"fields"`
	Elements []json.RawMessage `json:"elements"`
	Rows     [][]cell          `json:"rows"`
}

type textObject struct {
	Type string `json:"type"` // plain_text or mrkdwn
	Text string `json:"text"`
}

// cell is one of a table: raw_text or rich_text.
type cell struct {
	Text     string     `json:"text"`
	Elements []richPart `json:"elements"`
}

// richPart is a part of a rich_text block.
type richPart struct {
	Type     string         `json:"type"`
	Style    string         `json:"style"` // of a list: bullet or ordered
	Indent   int            `json:"indent"`
	Elements []richTextItem `json:"elements"`
}

// richTextItem is a piece of text, or, in a list, an item with pieces.
type richTextItem struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	URL       string          `json:"url"`
	User      string          `json:"user_id"`
	Channel   string          `json:"channel_id"`
	Group     string          `json:"usergroup_id"`
	Range     string          `json:"range"`
	Name      string          `json:"name"`
	Fallback  string          `json:"fallback"`
	Timestamp int64           `json:"timestamp"`
	Style     json.RawMessage `json:"style"`
	Elements  []richTextItem  `json:"elements"`
}

// blocks writes blocks, and reports whether there was anything in them. A block that is
// of no known form is left out.
func (r *renderer) blocks(raw []json.RawMessage) bool {
	before := r.b.Len()
	for _, one := range raw {
		var b block
		if json.Unmarshal(one, &b) == nil {
			r.block(b)
		}
	}
	return r.b.Len() > before
}

func (r *renderer) block(b block) {
	switch b.Type {
	case "rich_text":
		for _, raw := range b.Elements {
			var part richPart
			if json.Unmarshal(raw, &part) == nil {
				r.rich(part)
			}
		}
	case "header":
		if text := line(textOf(b.Text)); text != "" {
			r.b.WriteString("<h3>" + esc(text) + "</h3>\n")
		}
	case "section", "context":
		r.object(b.Text)
		for _, f := range b.Fields {
			r.text(f)
		}
		for _, raw := range b.Elements {
			r.object(raw)
		}
	case "markdown":
		r.paragraphs(textOf(b.Text))
	case "image":
		r.paragraphs(first(textOf(b.Title), b.AltText))
	case "table":
		r.table(b.Rows)
	}
}

// textOf is the text of a text object, or of a string.
func textOf(raw json.RawMessage) string {
	var t textObject
	if json.Unmarshal(raw, &t) == nil {
		return t.Text
	}
	var s string
	_ = json.Unmarshal(raw, &s) // neither has no text
	return s
}

// object writes a text object; anything else is left out.
func (r *renderer) object(raw json.RawMessage) {
	var t textObject
	if json.Unmarshal(raw, &t) == nil {
		r.text(t)
	}
}

func (r *renderer) text(t textObject) {
	switch t.Type {
	case "mrkdwn":
		r.mrkdwn(t.Text)
	case "plain_text":
		r.paragraphs(t.Text)
	}
}

// paragraphs writes text without markup.
func (r *renderer) paragraphs(text string) {
	if strings.TrimSpace(text) != "" {
		r.b.WriteString("<p>" + strings.ReplaceAll(esc(strings.TrimSpace(text)), "\n", "<br>") + "</p>\n")
	}
}

// rich writes a part of a rich_text block.
func (r *renderer) rich(part richPart) {
	text := r.pieces(part.Elements)
	switch part.Type {
	case "rich_text_list":
		r.list(part)
	case "rich_text_preformatted":
		if text != "" {
			r.b.WriteString("<pre><code>" + esc(html.UnescapeString(tag.ReplaceAllString(strings.ReplaceAll(text, "<br>", "\n"), ""))) + "</code></pre>\n")
		}
	case "rich_text_quote":
		if text != "" {
			r.b.WriteString("<blockquote><p>" + text + "</p></blockquote>\n")
		}
	default:
		if strings.TrimSpace(text) != "" {
			r.b.WriteString("<p>" + text + "</p>\n")
		}
	}
}

func (r *renderer) list(part richPart) {
	name := "ul"
	if part.Style == "ordered" {
		name = "ol"
	}
	depth := min(max(part.Indent, 0), 8) + 1
	r.b.WriteString(strings.Repeat("<"+name+">", depth))
	for _, item := range part.Elements {
		r.b.WriteString("<li>" + r.pieces(item.Elements) + "</li>")
	}
	r.b.WriteString(strings.Repeat("</"+name+">", depth) + "\n")
}

// pieces is the HTML of pieces of text.
func (r *renderer) pieces(items []richTextItem) string {
	var b strings.Builder
	for _, item := range items {
		text := strings.ReplaceAll(r.piece(item), "\n", "<br>")
		if isCode(item.Style) {
			text = "<code>" + text + "</code>"
		}
		b.WriteString(text)
	}
	return b.String()
}

func (r *renderer) piece(i richTextItem) string {
	switch i.Type {
	case "text":
		return esc(i.Text)
	case "link":
		return link(i.URL, i.Text)
	case "user":
		return esc(r.mention("@"+i.User, ""))
	case "channel":
		return esc(r.channelName(i.Channel, ""))
	case "usergroup":
		return "@group"
	case "broadcast":
		return "@" + esc(i.Range)
	case "emoji":
		return ":" + esc(i.Name) + ":"
	case "date":
		if i.Fallback == "" {
			return at(strconv.FormatInt(i.Timestamp, 10) + ".0").Format("2006-01-02 15:04")
		}
		return esc(i.Fallback)
	case "rich_text_section":
		return r.pieces(i.Elements)
	}
	return esc(i.Text)
}

func isCode(style json.RawMessage) bool {
	var s struct {
		Code bool `json:"code"`
	}
	return len(style) > 0 && json.Unmarshal(style, &s) == nil && s.Code
}

func (r *renderer) table(rows [][]cell) {
	if len(rows) == 0 {
		return
	}
	r.b.WriteString("<table>\n")
	for i, row := range rows {
		name := "td"
		if i == 0 {
			name = "th"
		}
		r.b.WriteString("<tr>")
		for _, c := range row {
			text := esc(c.Text)
			for _, part := range c.Elements {
				text += r.pieces(part.Elements)
			}
			r.b.WriteString("<" + name + ">" + text + "</" + name + ">")
		}
		r.b.WriteString("</tr>\n")
	}
	r.b.WriteString("</table>\n")
}
