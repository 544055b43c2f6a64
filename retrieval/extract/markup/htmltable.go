package markup

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// table writes the rows of a table, a line each. A table that holds other
// tables, or that has a single column, is layout: its cells are blocks.
func (r *renderer) table(n *html.Node) {
	r.flush()
	rows, header := tableRows(n)
	if isLayout(n, rows) {
		r.children(n)
		r.flush()
		return
	}
	if caption := find(n, atom.Caption); caption != nil {
		r.b.Paragraph(canon.Inline(textOf(caption)))
	}
	var names []string
	if header && len(rows) > 1 {
		names, rows = canon.Header(rows[0]), rows[1:]
	}
	for i, row := range rows {
		line := canon.Row(names, row)
		if i == 0 {
			r.b.Paragraph(line)
		} else {
			r.b.Line(line)
		}
	}
	r.prefix, r.tight = "", false
}

// tableRows returns the cells of a table, and whether its first row is a
// header: marked as one, or all its cells are.
func tableRows(n *html.Node) (rows [][]string, header bool) {
	below := map[int]spanned{}
	walk(n, func(c *html.Node) bool {
		if c.DataAtom == atom.Table && c != n || invisible(c) {
			return false
		}
		if c.DataAtom != atom.Tr {
			return true
		}
		cells, marked := rowCells(c, below)
		if len(rows) == 0 {
			header = len(cells) > 1 && (marked || c.Parent.DataAtom == atom.Thead)
		}
		if len(cells) > 0 {
			rows = append(rows, cells)
		}
		return false
	})
	return rows, header
}

// spanned is a cell that goes on in the rows below it.
type spanned struct {
	text string
	rows int // how many more
}

// rowCells returns the texts of a row, with those of cells that come down from
// rows above, and whether all of its own cells are header cells. A cell over
// several columns leaves the further ones empty. below holds the cells that go
// on, by column.
func rowCells(tr *html.Node, below map[int]spanned) (cells []string, header bool) {
	header = true
	come := func() {
		for {
			above, ok := below[len(cells)]
			if !ok {
				return
			}
			if above.rows--; above.rows == 0 {
				delete(below, len(cells))
			} else {
				below[len(cells)] = above
			}
			cells = append(cells, above.text)
		}
	}
	for c := tr.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom != atom.Td && c.DataAtom != atom.Th {
			continue
		}
		come()
		header = header && c.DataAtom == atom.Th
		text := cellText(c)
		if rows := span(c, "rowspan"); rows > 1 {
			below[len(cells)] = spanned{text: text, rows: rows - 1}
		}
		cells = append(cells, text)
		for range span(c, "colspan") - 1 {
			cells = append(cells, "")
		}
	}
	come()
	return cells, header
}

// span returns over how many columns or rows a cell goes, at most 99.
func span(n *html.Node, name string) int {
	count, err := strconv.Atoi(attr(n, name))
	if err != nil {
		return 1
	}
	return min(max(count, 1), 99)
}

// cellText returns the text of a cell on one line; its blocks are separated by
// semicolons where no punctuation separates them.
func cellText(n *html.Node) string {
	b := canon.NewBuilder(1 << 20)
	inner := &renderer{b: b}
	inner.render(&html.Node{Type: html.DocumentNode, FirstChild: n.FirstChild, LastChild: n.LastChild})
	var t canon.Text
	b.Into(&t)
	var out strings.Builder
	for line := range strings.Lines(string(t.Body)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
		if line == "" {
			continue
		}
		if s := out.String(); s != "" {
			if !strings.ContainsAny(s[len(s)-1:], ".,;:!?") {
				out.WriteByte(';')
			}
			out.WriteByte(' ')
		}
		out.WriteString(line)
	}
	return out.String()
}

func isLayout(n *html.Node, rows [][]string) bool {
	if attr(n, "role") == "presentation" {
		return true
	}
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	nested := false
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		nested = nested || find(c, atom.Table) != nil
	}
	return columns < 2 || nested
}

// find returns the first element of a kind at or below n, or nil.
func find(n *html.Node, a atom.Atom) *html.Node {
	var found *html.Node
	walk(n, func(c *html.Node) bool {
		if found == nil && c.Type == html.ElementNode && c.DataAtom == a {
			found = c
		}
		return found == nil
	})
	return found
}
