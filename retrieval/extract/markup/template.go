package markup

import (
	"bytes"
	"regexp"
	"sort"
	"strings"

	"github.com/yuin/goldmark/text"
)

var (
	commentTag  = regexp.MustCompile(`(?s)\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}`)
	rawTag      = regexp.MustCompile(`\{%-?\s*(?:end)?(?:raw|verbatim)\s*-?%\}`)
	templateTag = regexp.MustCompile(`(?s)\{%-?\s*(\w+)?([^{}]*?)-?%\}`)
	outputTag   = regexp.MustCompile(`(\$?)\{\{-?\s*[\w.]+(?:\(\))?(?:\s*\|[^{}\n]*)?\s*-?\}\}`)
	templateArg = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
)

// removeTemplates removes HTML comments and the tags of Liquid, Jinja and
// Nunjucks outside of code. A tag that shows something, such as an image or a
// link, is replaced by its last quoted argument: a description or a path.
func removeTemplates(source []byte) []byte {
	if !bytes.Contains(source, []byte("{%")) && !bytes.Contains(source, []byte("{{")) && !bytes.Contains(source, []byte("<!--")) {
		return source
	}
	doc := markdown.Parse(text.NewReader(source))
	ranges := codeRanges(doc)
	// A comment may span code: it is looked for in the whole text, but must
	// begin outside of code.
	for _, pattern := range []*regexp.Regexp{commentTag, htmlComment} {
		source, ranges = removeSpans(source, ranges, pattern)
	}
	return outside(source, ranges, withoutTags)
}

// withoutTags replaces template tags in text without code.
func withoutTags(part []byte) []byte {
	part = rawTag.ReplaceAll(part, nil)
	part = templateTag.ReplaceAllFunc(part, func(tag []byte) []byte {
		m := templateTag.FindSubmatch(tag)
		return []byte(tagText(string(m[1]), string(m[2])))
	})
	return outputTag.ReplaceAllFunc(part, func(tag []byte) []byte {
		if tag[0] == '$' { // an expression of a CI workflow, which the page is about
			return tag
		}
		return nil
	})
}

// tagText returns what stands for a template tag in the text.
func tagText(name, arguments string) string {
	switch {
	case strings.HasPrefix(name, "end"), name == "":
		return ""
	}
	switch name {
	case "include", "include_relative", "render", "layout", "extends", "import", "from", "block", "set", "assign", "capture",
		"if", "elif", "elsif", "else", "unless", "for", "case", "when", "macro", "call", "highlight", "uswds_icon":
		return ""
	}
	args := templateArg.FindAllStringSubmatch(arguments, -1)
	if len(args) == 0 {
		return ""
	}
	chosen := args[len(args)-1]
	if name == "alert" { // the further arguments are looks
		chosen = args[0]
	}
	return chosen[1] + chosen[2]
}

// removeSpans removes the matches of pattern that begin outside of ranges and
// returns what is left with the ranges that are left in it.
func removeSpans(source []byte, ranges [][2]int, pattern *regexp.Regexp) ([]byte, [][2]int) {
	var out []byte
	var kept [][2]int
	at, next := 0, 0
	keepRanges := func(until int) {
		for ; next < len(ranges) && ranges[next][0] < until; next++ {
			shift := len(out) - at
			kept = append(kept, [2]int{ranges[next][0] + shift, min(ranges[next][1], until) + shift})
		}
	}
	for _, m := range pattern.FindAllIndex(source, -1) {
		if m[0] < at || within(ranges, m[0]) {
			continue
		}
		keepRanges(m[0])
		out = append(out, source[at:m[0]]...)
		at = m[1]
		for next < len(ranges) && ranges[next][0] < at {
			next++
		}
	}
	keepRanges(len(source))
	return append(out, source[at:]...), kept
}

func within(ranges [][2]int, at int) bool {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i][1] > at })
	return i < len(ranges) && ranges[i][0] <= at
}
