package pdf

import (
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
)

// textPage is a page that PDFium has open.
type textPage struct {
	document
	ref references.FPDF_TEXTPAGE
}

// char returns the index of the character of a page that is at an index of its
// text; the two differ by characters that PDFium does not put into texts.
func (p textPage) char(index int) int {
	got, err := p.pdfium.FPDFText_GetCharIndexFromTextIndex(
		&requests.FPDFText_GetCharIndexFromTextIndex{TextPage: p.ref, NTextIndex: index})
	if err != nil || got.CharIndex < 0 {
		return index
	}
	return got.CharIndex
}

func (p textPage) box(index int) (*responses.FPDFText_GetCharBox, bool) {
	got, err := p.pdfium.FPDFText_GetCharBox(&requests.FPDFText_GetCharBox{TextPage: p.ref, Index: p.char(index)})
	return got, err == nil
}
