package answer

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

// cleaner takes out of one piece of Markdown what must not reach a reader:
// citation marks, which become numbers, and links, images and HTML, which a
// model may have been talked into writing and which become plain text. It works
// from left to right in linear time.
type cleaner struct {
	text  string
	at    int
	out   []byte
	cites []int
	skips map[int]int // addresses of links: where they begin, where they end

	document bool // the text is a document's: "[1]" is no mark and stays
}

// clean returns the text without marks and live parts. Code spans stay as they are.
func (c *cleaner) clean() string {
	c.definition()
	for c.at < len(c.text) {
		if end, ok := c.skips[c.at]; ok {
			c.at = end
			continue
		}
		if !c.special() {
			_, size := utf8.DecodeRuneInString(c.text[c.at:])
			c.copy(size)
		}
	}
	return strings.TrimSpace(string(c.out))
}

func (c *cleaner) copy(n int) {
	c.out = append(c.out, c.text[c.at:c.at+n]...)
	c.at += n
}

// special handles what begins at the current place and reports whether it did.
func (c *cleaner) special() bool {
	switch c.text[c.at] {
	case '`':
		c.codeSpan()
		return true
	case '\\':
		c.copy(min(2, len(c.text)-c.at))
		return true
	case '!':
		if strings.HasPrefix(c.text[c.at:], "![") {
			c.at++
			return true
		}
	case '[':
		return c.bracket()
	case ']':
		return c.closing()
	case '<':
		return c.angle()
	case 'h', 'H', 'f', 'F', 'w', 'W', 'm', 'M':
		return c.bareLink()
	}
	if strings.HasPrefix(c.text[c.at:], "【") {
		return c.mark()
	}
	return false
}

// definition drops the target of "[label]: address".
func (c *cleaner) definition() {
	if !strings.HasPrefix(c.text, "[") {
		return
	}
	n := strings.Index(c.text, "]:")
	if n < 0 || strings.ContainsAny(c.text[1:n], "[]\n") {
		return
	}
	target := strings.TrimSpace(c.text[n+2:])
	word, _, _ := strings.Cut(target, " ")
	if linkish(word) {
		c.text = ""
	}
}

// codeSpan copies a code span; a backquote that opens none is made literal, or
// it would pair with one of another piece and bring text to life between them.
func (c *cleaner) codeSpan() {
	width := 1
	for c.at+width < len(c.text) && c.text[c.at+width] == '`' {
		width++
	}
	fence := c.text[c.at : c.at+width]
	for j := c.at + width; j < len(c.text); {
		n := strings.Index(c.text[j:], fence)
		if n < 0 {
			break
		}
		j += n
		run := 0
		for j+run < len(c.text) && c.text[j+run] == '`' {
			run++
		}
		if run == width {
			c.copy(j + width - c.at)
			return
		}
		j += run
	}
	c.out = append(c.out, strings.Repeat("\\`", width)...)
	c.at += width
}

// mark takes out a citation mark with the space before it, and the address of
// a mark that was written as a link.
func (c *cleaner) mark() bool {
	numbers, end, is, _ := segment.MarkAt(c.text, c.at, true)
	if !is || c.document {
		return false
	}
	c.cites = append(c.cites, numbers...)
	c.out = bytes.TrimRight(c.out, " \t")
	c.at = end
	c.dropTarget()
	return true
}

// bracket handles "[": a mark, or the beginning of a link whose text stays.
func (c *cleaner) bracket() bool {
	if c.mark() {
		return true
	}
	end := c.matching()
	if end < 0 || end+1 >= len(c.text) || c.text[end+1] != '(' && c.text[end+1] != '[' {
		return false
	}
	target := end + 1
	after := closeOf(c.text, target)
	if after < 0 || c.text[target] == '[' && markEnd(c.text, target) > 0 {
		return false
	}
	if c.skips == nil {
		c.skips = map[int]int{}
	}
	c.skips[end] = after
	c.at++
	return true
}

// closing keeps "](", "][" and "]:" from becoming a link together with a bracket
// of another piece.
func (c *cleaner) closing() bool {
	c.copy(1)
	if c.at < len(c.text) && strings.IndexByte("([:", c.text[c.at]) >= 0 && markEnd(c.text, c.at) == 0 {
		c.out = append(c.out, ' ')
	}
	return true
}

// markEnd returns the end of the mark at i, 0 for none.
func markEnd(text string, i int) int {
	_, end, is, _ := segment.MarkAt(text, i, true)
	if !is {
		return 0
	}
	return end
}

// maxLink bounds the text and the address of a link, in bytes, so that text made
// of brackets takes linear time.
const maxLink = 2000

// matching returns the place of the bracket that closes the one here, or -1.
func (c *cleaner) matching() int {
	depth := 0
	for j := c.at; j < min(len(c.text), c.at+maxLink); j++ {
		switch c.text[j] {
		case '\\':
			j++
		case '[':
			depth++
			if depth > 4 {
				return -1
			}
		case ']':
			if depth--; depth == 0 {
				return j
			}
		}
	}
	return -1
}

// closeOf returns the end of the address in round or square brackets that opens
// at i, or -1.
func closeOf(text string, i int) int {
	opening, closing := text[i], byte(')')
	if opening == '[' {
		closing = ']'
	}
	depth := 0
	for j := i; j < min(len(text), i+maxLink); j++ {
		switch text[j] {
		case opening:
			depth++
		case closing:
			if depth--; depth == 0 {
				return j + 1
			}
		case '\n':
			return -1
		}
	}
	return -1
}

// dropTarget drops "(https://…)" after a mark.
func (c *cleaner) dropTarget() {
	if c.at >= len(c.text) || c.text[c.at] != '(' {
		return
	}
	if end := closeOf(c.text, c.at); end > 0 && linkish(c.text[c.at+1:end-1]) {
		c.at = end
	}
}

// angle handles "<": HTML tags and comments go, addresses become code, anything
// else that HTML could begin with is made literal.
func (c *cleaner) angle() bool {
	rest := c.text[c.at+1:]
	if rest == "" || !strings.ContainsRune("/!?", rune(rest[0])) && !isLetter(rest[0]) {
		return false
	}
	if strings.HasPrefix(rest, "!--") {
		if n := strings.Index(rest, "-->"); n >= 0 {
			c.at += 1 + n + len("-->")
			return true
		}
	}
	end := strings.IndexAny(rest[:min(len(rest), maxLink)], "<>")
	if end >= 0 && rest[end] == '>' {
		inner := rest[:end]
		if linkish(inner) {
			c.code(inner)
			c.at += end + 2
			return true
		}
		if name := tagName(inner); htmlTags[name] {
			c.at += end + 2
			if name == "br" {
				c.out = append(c.out, ' ')
			}
			return true
		}
	}
	c.out = append(c.out, "\\<"...)
	c.at++
	return true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// tagName returns the element's name of what stands between angle brackets.
func tagName(inner string) string {
	inner = strings.TrimPrefix(inner, "/")
	end := strings.IndexFunc(inner, func(r rune) bool { return r >= utf8.RuneSelf || !isLetter(byte(r)) && (r < '0' || r > '9') })
	if end < 0 {
		end = len(inner)
	}
	return strings.ToLower(inner[:end])
}

// bareLink shows an address as code, so that no renderer makes a link of it.
func (c *cleaner) bareLink() bool {
	if c.at > 0 && isLetter(c.text[c.at-1]) {
		return false
	}
	rest := c.text[c.at:]
	n := addressPrefix(rest)
	if n == 0 {
		return false
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>`\"|", r) })
	if end < 0 {
		end = len(rest)
	}
	for end > n && strings.IndexByte(".,;:!?)]*_'", rest[end-1]) >= 0 {
		end--
	}
	if m := strings.IndexByte(rest[:end], '['); m > 0 && markEnd(rest, m) > 0 { // a mark right after it
		end = m
	}
	if end <= n {
		return false
	}
	c.code(rest[:end])
	c.at += end
	return true
}

func (c *cleaner) code(s string) {
	c.out = append(c.out, '`')
	c.out = append(c.out, strings.ReplaceAll(s, "`", "")...)
	c.out = append(c.out, '`')
}

var addressPrefixes = []string{"https://", "http://", "ftp://", "www.", "mailto:"}

// addressPrefix returns the length of the scheme that s begins with, 0 for none.
func addressPrefix(s string) int {
	for _, p := range addressPrefixes {
		if len(s) > len(p) && strings.EqualFold(s[:len(p)], p) {
			return len(p)
		}
	}
	return 0
}

// linkish reports whether s looks like the address of a link.
func linkish(s string) bool {
	s = strings.Trim(s, "<> ")
	if strings.ContainsAny(s, " \n") {
		s, _, _ = strings.Cut(s, " ")
	}
	scheme, _, colon := strings.Cut(s, ":")
	return addressPrefix(s) > 0 || strings.HasPrefix(s, "/") && len(s) > 1 && !strings.HasPrefix(s, "/ ") && strings.IndexFunc(s[1:], func(r rune) bool { return r == '/' || r == '.' }) >= 0 ||
		strings.HasPrefix(s, "#") || colon && len(scheme) > 2 && strings.IndexFunc(scheme, func(r rune) bool { return r >= utf8.RuneSelf || !isLetter(byte(r)) }) < 0
}

var htmlTags = func() map[string]bool {
	set := map[string]bool{}
	for _, t := range strings.Fields(`a abbr article audio b base blockquote body br button canvas center cite code col dd del details div dl dt em
		embed figure font footer form frame h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd li link main mark math meta nav
		object ol option p path picture pre q s samp script section select small source span strike strong style sub summary sup svg table
		tbody td template textarea tfoot th thead title tr tt u ul var video`) {
		set[t] = true
	}
	return set
}()
