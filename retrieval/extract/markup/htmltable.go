package markup

import (
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
	walk(n, func(c *html.Node) bool {
		if c.DataAtom == atom.Table && c != n || invisible(c) {
			return false
		}
		if c.DataAtom != atom.Tr {
			return true
		}
		cells, marked := rowCells(c)
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

// rowCells returns the texts of a row, repeated over the columns that a cell
// spans, and whether all of them are header cells.
func rowCells(tr *html.Node) (cells []string, header bool) {
	header = true
	for c := tr.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom != atom.Td && c.DataAtom != atom.Th {
			continue
		}
		header = header && c.DataAtom == atom.Th
		cells = append(cells, cellText(c))
		for range span(c) - 1 {
			cells = append(cells, "")
		}
	}
	return cells, header
}

func span(n *html.Node) int {
	s := attr(n, "colspan")
	if len(s) != 1 || s[0] < '1' || s[0] > '9' {
		return 1
	}
	return int(s[0] - '0')
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
