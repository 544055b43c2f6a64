package markup

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/plain"
)

// Markdown extracts Markdown with GitHub's extensions. The body stays Markdown;
// front matter gives title, author and dates; comments, template tags and HTML
// outside of code are removed or rendered. Headings begin sections.
func Markdown(src []byte, limit int) (*canon.Text, error) {
	source, replaced, err := plain.Decode(src, "")
	if err != nil {
		return nil, err
	}
	t := &canon.Text{Kind: cairn.KindPage}
	if replaced {
		t.Notice(canon.NoticeBadBytes)
	}
	if len(source) > limit {
		source = canon.Cut(source, limit)
		t.Notice(canon.NoticeTruncated)
	}
	source = frontMatter(t, source)
	if tangled(source) {
		// The parser would take time that grows with the square of this.
		t.Notice(canon.NoticeBadMarkup)
		t.Body = plain.Whole(t, source, limit)
		t.Sections = canon.Sections(len(t.Body), nil)
		return t, nil
	}
	source = removeTemplates(source)
	source = renderHTML(source, limit)
	t.Body = plain.Whole(t, canon.Normalise(blankRuns.ReplaceAll(source, []byte("\n\n"))), limit)
	marks, title := markdownHeadings(t.Body)
	t.Sections = canon.Sections(len(t.Body), marks)
	if t.Title == "" {
		t.Title = title
	}
	return t, nil
}

// The most marks of one kind in a paragraph, and of quotations and lists in each
// other, in text that people write.
const (
	maxMarks  = 5_000
	maxNested = 50
)

// tangled reports whether a text has more marks than people write.
func tangled(source []byte) bool {
	var marks [256]int
	for line := range bytes.Lines(source) {
		if len(bytes.TrimSpace(line)) == 0 {
			marks = [256]int{}
			continue
		}
		prefix := line[:len(line)-len(bytes.TrimLeft(line, "> -+*\t"))]
		if nested := bytes.Count(prefix, []byte(">")) + bytes.Count(prefix, []byte("- ")) + bytes.Count(prefix, []byte("* ")) +
			bytes.Count(prefix, []byte("+ ")); nested > maxNested {
			return true
		}
		for _, c := range line {
			if marks[c]++; marks[c] > maxMarks && bytes.IndexByte([]byte("[]()<>*_`~!{"), c) >= 0 {
				return true
			}
		}
	}
	return false
}

var blankRuns = regexp.MustCompile(`\n[ \t]*\n([ \t]*\n)+`)

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()

// markdownHeadings returns where sections begin, and the first heading of
// level 1, or the very first one when it opens the document.
func markdownHeadings(body []byte) (marks []canon.Mark, title string) {
	var outline canon.Outline
	var anchors canon.Anchors
	doc := markdown.Parse(text.NewReader(body))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok || h.Lines().Len() == 0 {
			continue
		}
		name := headingText(h, body)
		if name == "" {
			continue
		}
		start := lineStart(body, h.Lines().At(0).Start)
		if title == "" && (h.Level == 1 || start == 0) {
			title = name
		}
		marks = append(marks, canon.Mark{Start: start, Heading: outline.Enter(h.Level, name), Anchor: anchors.Of(name)})
	}
	return marks, title
}

// lineStart returns where the line begins that holds the byte at.
func lineStart(body []byte, at int) int {
	return bytes.LastIndexByte(body[:at], '\n') + 1
}

// headingText returns the words of a heading without its markup.
func headingText(h ast.Node, body []byte) string {
	var b strings.Builder
	// The visitor never fails.
	_ = ast.Walk(h, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(body))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(body))
		case *ast.RawHTML:
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return canon.Inline(attributeList.ReplaceAllString(b.String(), ""))
}

// attributeList is what kramdown and Pandoc put behind a heading: {#id .class}.
var attributeList = regexp.MustCompile(`\s*\{:?\s*[#.][^}]*\}\s*$`)

// codeRanges returns the byte ranges of the text that are code, in order: blocks
// and spans. Nothing is rewritten inside of them.
func codeRanges(doc ast.Node) [][2]int {
	var ranges [][2]int
	add := func(start, end int) { ranges = append(ranges, [2]int{start, end}) }
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			if lines := n.Lines(); lines.Len() > 0 {
				add(lines.At(0).Start, lines.At(lines.Len()-1).Stop)
			}
		case *ast.CodeSpan:
			if first, ok := n.FirstChild().(*ast.Text); ok {
				if last, ok := n.LastChild().(*ast.Text); ok {
					add(first.Segment.Start, last.Segment.Stop)
				}
			}
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return ranges
}

// outside calls rewrite for the parts of body between ranges and returns body
// with its results in their place.
func outside(body []byte, ranges [][2]int, rewrite func([]byte) []byte) []byte {
	out := make([]byte, 0, len(body))
	at := 0
	for _, r := range ranges {
		if r[0] < at {
			continue
		}
		out = append(out, rewrite(body[at:r[0]])...)
		out = append(out, body[r[0]:r[1]]...)
		at = r[1]
	}
	return append(out, rewrite(body[at:])...)
}
