package markup

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

const knownTags = `a|abbr|address|article|aside|b|big|blockquote|button|center|cite|code|dd|del|details|dfn|div|dl|dt|em|` +
	`figcaption|figure|font|footer|form|h[1-6]|header|hr|i|iframe|img|input|ins|kbd|label|li|main|mark|nav|ol|p|path|picture|pre|q|s|samp|` +
	`script|section|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var|video|wbr`

var (
	htmlTable = regexp.MustCompile(`(?is)<table\b.*?</table\s*>`)
	htmlBreak = regexp.MustCompile(`(?i)<br\s*/?>`)
	htmlTag   = regexp.MustCompile(`(?is)</?(?:` + knownTags + `)(?:\s[^<>]*)?/?>`)
)

// renderHTML replaces HTML in Markdown, outside of code, by the text that it
// shows. Tags that HTML does not know, such as <your name>, stay.
func renderHTML(source []byte, limit int) []byte {
	if !htmlTag.Match(source) && !htmlBreak.Match(source) {
		return source
	}
	doc := markdown.Parse(text.NewReader(source))
	source = outside(source, codeRanges(doc), func(part []byte) []byte {
		return htmlTable.ReplaceAllFunc(part, func(table []byte) []byte {
			return []byte("\n\n" + Fragment(table, limit) + "\n\n")
		})
	})
	doc = markdown.Parse(text.NewReader(source))
	source = replaceBlocks(source, htmlBlocks(doc), limit)
	doc = markdown.Parse(text.NewReader(source))
	return outside(source, codeRanges(doc), func(part []byte) []byte {
		part = htmlBreak.ReplaceAll(part, []byte(" "))
		return htmlTag.ReplaceAll(part, nil)
	})
}

// htmlBlocks returns the ranges of the blocks of HTML at the top level.
func htmlBlocks(doc ast.Node) [][2]int {
	var blocks [][2]int
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.HTMLBlock)
		if !ok || h.Lines().Len() == 0 {
			continue
		}
		start, end := h.Lines().At(0).Start, h.Lines().At(h.Lines().Len()-1).Stop
		if h.HasClosure() {
			end = max(end, h.ClosureLine.Stop)
		}
		blocks = append(blocks, [2]int{start, end})
	}
	return blocks
}

// replaceBlocks renders each block by itself. A block that only opens or
// closes elements around Markdown shows nothing and vanishes.
func replaceBlocks(source []byte, blocks [][2]int, limit int) []byte {
	var out bytes.Buffer
	at := 0
	for _, block := range blocks {
		start := lineStart(source, block[0])
		if start < at {
			continue
		}
		out.Write(source[at:start])
		if rendered := strings.TrimRight(Fragment(source[start:block[1]], limit), "\n"); rendered != "" {
			out.WriteString(rendered + "\n\n")
		}
		at = block[1]
	}
	out.Write(source[at:])
	return out.Bytes()
}
