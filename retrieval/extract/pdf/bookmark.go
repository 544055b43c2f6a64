package pdf

import (
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// The limits of a table of contents. Bookmarks can follow each other in a
// circle, which PDFium does not notice.
const (
	maxBookmarks     = 5_000
	maxBookmarkDepth = 16
)

// bookmarks returns, for each page, the path of bookmarks under which it
// stands: that of the first bookmark that leads to it, or of the page before.
//
// The library reads destinations only with the whole table, which never ends
// where bookmarks go in a circle, and actions only one by one. So the bookmarks
// are walked first, for their actions, and the table is asked for only when the
// walk has come to an end.
func (d document) bookmarks(pages int) [][]string {
	c := contents{document: d, starts: make([][]string, pages), left: maxBookmarks}
	if c.walk(nil, nil) && c.left < maxBookmarks {
		if table, err := d.pdfium.GetBookmarks(&requests.GetBookmarks{Document: d.ref}); err == nil {
			c.collect(table.Bookmarks, nil)
		}
	}
	for i := 1; i < pages; i++ {
		if c.starts[i] == nil {
			c.starts[i] = c.starts[i-1]
		}
	}
	return c.starts
}

// contents is the table of contents of a file as it is read.
type contents struct {
	document
	starts [][]string // by page
	left   int        // bookmarks that may still be read
}

// note notes that a bookmark with a path leads to a page.
func (c *contents) note(page int, path []string) {
	if page >= 0 && page < len(c.starts) && c.starts[page] == nil && len(path) > 0 {
		c.starts[page] = path
	}
}

// walk reads the bookmarks below one, or those at the top for nil, and reports
// whether it has come to an end within the limits.
func (c *contents) walk(parent *references.FPDF_BOOKMARK, above []string) bool {
	if len(above) == maxBookmarkDepth {
		return false
	}
	first, err := c.pdfium.FPDFBookmark_GetFirstChild(&requests.FPDFBookmark_GetFirstChild{Document: c.ref, Bookmark: parent})
	if err != nil {
		return false
	}
	for mark := first.Bookmark; mark != nil; {
		if c.left--; c.left < 0 {
			return false
		}
		title := ""
		if got, err := c.pdfium.FPDFBookmark_GetTitle(&requests.FPDFBookmark_GetTitle{Bookmark: *mark}); err == nil {
			title = canon.Inline(got.Title)
		}
		path := append(above[:len(above):len(above)], title)
		c.note(c.target(*mark), path)
		if !c.walk(mark, path) {
			return false
		}
		next, err := c.pdfium.FPDFBookmark_GetNextSibling(&requests.FPDFBookmark_GetNextSibling{Document: c.ref, Bookmark: *mark})
		if err != nil {
			return false
		}
		mark = next.Bookmark
	}
	return true
}

// target returns the page that the action of a bookmark leads to; -1 for none.
func (c *contents) target(mark references.FPDF_BOOKMARK) int {
	action, err := c.pdfium.FPDFBookmark_GetAction(&requests.FPDFBookmark_GetAction{Bookmark: mark})
	if err != nil || action.Action == nil {
		return -1
	}
	got, err := c.pdfium.FPDFAction_GetDest(&requests.FPDFAction_GetDest{Document: c.ref, Action: *action.Action})
	if err != nil || got.Dest == nil {
		return -1
	}
	index, err := c.pdfium.FPDFDest_GetDestPageIndex(&requests.FPDFDest_GetDestPageIndex{Document: c.ref, Dest: *got.Dest})
	if err != nil {
		return -1
	}
	return index.Index
}

// collect notes where the bookmarks of a table lead to.
func (c *contents) collect(marks []responses.GetBookmarksBookmark, above []string) {
	for _, m := range marks {
		path := append(above[:len(above):len(above)], canon.Inline(m.Title))
		if m.DestInfo != nil {
			c.note(m.DestInfo.PageIndex, path)
		}
		c.collect(m.Children, path)
	}
}
