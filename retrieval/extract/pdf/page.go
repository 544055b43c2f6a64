package pdf

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/klippa-app/go-pdfium/requests"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// page is the text of a page, line by line in the order of reading.
type page struct {
	lines []line
}

// line is a line of a page. Positions are in points from the lower left corner.
type line struct {
	text                     string
	left, right, top, bottom float64
	size                     float64 // of the font; 0 when unknown
}

func (p page) size() int {
	n := 0
	for _, l := range p.lines {
		n += len(l.text) + 1
	}
	return n
}

// page reads the page with an index.
func (d document) page(index int) (page, error) {
	loaded, err := d.pdfium.FPDFText_LoadPage(&requests.FPDFText_LoadPage{
		Page: requests.Page{ByIndex: &requests.PageByIndex{Document: d.ref, Index: index}}})
	if err != nil {
		return page{}, fmt.Errorf("load page: %w", err)
	}
	text := textPage{document: d, ref: loaded.TextPage}
	defer d.pdfium.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.ref}) //nolint:errcheck // nothing is lost
	counted, err := d.pdfium.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text.ref})
	if err != nil || counted.Count <= 0 {
		return page{}, err
	}
	got, err := d.pdfium.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: text.ref, Count: counted.Count})
	if err != nil {
		return page{}, fmt.Errorf("read page: %w", err)
	}
	return page{lines: text.lines(got.Text)}, nil
}

// lines cuts the text of a page into lines and looks up where they stand.
func (p textPage) lines(text string) []line {
	var lines []line
	index := 0 // of the next rune
	for raw := range strings.SplitSeq(text, "\n") {
		runes := []rune(raw)
		first, last := visible(runes)
		if first >= 0 {
			// PDFium marks a hyphen at the end of a line by a character of its own.
			joined := strings.NewReplacer("\u0002", "\u00ad", "\ufffe", "\u00ad").Replace(string(runes[first : last+1]))
			l := line{text: softHyphen(joined)}
			p.place(&l, index+first, index+last)
			lines = append(lines, l)
		}
		index += len(runes) + 1
	}
	return lines
}

// visible returns the first and the last rune that is no space; -1 for none.
func visible(runes []rune) (first, last int) {
	first, last = -1, -1
	for i, r := range runes {
		if unicode.IsSpace(r) || r == 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	return first, last
}

// softHyphen normalises a line but keeps a soft hyphen at its end as "\u00ad".
func softHyphen(s string) string {
	cut, soft := strings.CutSuffix(s, "\u00ad")
	s = spaces.ReplaceAllString(canon.Inline(cut), " ")
	if soft {
		s += "\u00ad"
	}
	return s
}

var spaces = regexp.MustCompile(`\s+`)

// place looks up the position of the line between two characters.
func (p textPage) place(l *line, first, last int) {
	a, okA := p.box(first)
	b, okB := p.box(last)
	if !okA || !okB {
		return
	}
	l.left, l.right = min(a.Left, b.Left), max(a.Right, b.Right)
	l.top, l.bottom = max(a.Top, b.Top), min(a.Bottom, b.Bottom)
	at := p.char(first)
	if origin, err := p.pdfium.FPDFText_GetCharOrigin(&requests.FPDFText_GetCharOrigin{TextPage: p.ref, Index: at}); err == nil {
		l.bottom = origin.Y // the base line, whatever letters hang below it
	}
	if got, err := p.pdfium.FPDFText_GetFontSize(&requests.FPDFText_GetFontSize{TextPage: p.ref, Index: at}); err == nil {
		l.size = got.FontSize
	}
	// A font of size 1 that is scaled up says nothing; the height of letters does.
	if height := l.top - l.bottom; l.size <= 2 && height > 0 {
		l.size = height * 1.4
	}
}
