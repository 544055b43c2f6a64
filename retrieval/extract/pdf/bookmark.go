package pdf

import (
	"github.com/klippa-app/go-pdfium/responses"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// collect notes for each page the path of the first bookmark that leads to it.
func collect(marks []responses.GetBookmarksBookmark, above []string, starts [][]string) {
	if len(above) >= 8 {
		return
	}
	for _, m := range marks {
		title := canon.Inline(m.Title)
		if title == "" {
			continue
		}
		path := append(above[:len(above):len(above)], title)
		if page := target(m); page >= 0 && page < len(starts) && starts[page] == nil {
			starts[page] = path
		}
		collect(m.Children, path, starts)
	}
}

// target returns the page that a bookmark leads to; -1 for none.
func target(m responses.GetBookmarksBookmark) int {
	if m.DestInfo != nil {
		return m.DestInfo.PageIndex
	}
	if m.ActionInfo != nil && m.ActionInfo.DestInfo != nil {
		return m.ActionInfo.DestInfo.PageIndex
	}
	return -1
}
