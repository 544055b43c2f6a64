package canon

import (
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Outline follows the headings of a document. The zero Outline is ready.
type Outline struct {
	levels []int
	titles []string
}

// Enter notes a heading of a level, 1 the outermost, and returns the path of
// headings from the outermost down to it.
func (o *Outline) Enter(level int, title string) []string {
	keep := len(o.levels)
	for keep > 0 && o.levels[keep-1] >= level {
		keep--
	}
	o.levels = append(o.levels[:keep], level)
	o.titles = append(o.titles[:keep], title)
	return append([]string(nil), o.titles...)
}

// Anchors makes the anchors of headings as GitHub does. The zero Anchors is ready.
type Anchors struct{ seen map[string]int }

// Of returns "#slug" for a heading: lower case, punctuation removed, hyphens
// for spaces, and a number when the slug was given before. A heading without
// letters and digits has no anchor.
func (a *Anchors) Of(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(title)) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
			b.WriteRune(r)
		}
	}
	slug := b.String()
	if strings.Trim(slug, "-") == "" {
		return ""
	}
	if a.seen == nil {
		a.seen = map[string]int{}
	}
	n := a.seen[slug]
	a.seen[slug]++
	if n > 0 {
		return "#" + slug + "-" + strconv.Itoa(n)
	}
	return "#" + slug
}

// Lines returns the anchor of the lines first to last, counted from 1.
func Lines(first, last int) string {
	if last <= first {
		return "#L" + strconv.Itoa(first)
	}
	return "#L" + strconv.Itoa(first) + "-L" + strconv.Itoa(last)
}

// FileTitle makes a title of a file name: without folder and extension, with
// spaces for underscores and for hyphens that stand between words.
func FileTitle(name string) string {
	name = path.Base(strings.ReplaceAll(NormaliseString(name), "\\", "/"))
	if name == "." || name == "/" {
		return ""
	}
	if stem := strings.TrimSuffix(name, path.Ext(name)); stem != "" {
		name = stem
	}
	runes := []rune(name)
	for i, r := range runes {
		between := i > 0 && i+1 < len(runes) && unicode.IsDigit(runes[i-1]) && unicode.IsDigit(runes[i+1])
		if r == '_' || r == '-' && !between {
			runes[i] = ' '
		}
	}
	title := strings.Join(strings.Fields(string(runes)), " ")
	if first, size := utf8.DecodeRuneInString(title); size > 0 && !strings.ContainsFunc(title, unicode.IsUpper) {
		title = string(unicode.ToUpper(first)) + title[size:]
	}
	return title
}
