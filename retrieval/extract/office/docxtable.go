package office

import (
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// tableRow is a row of a table in a document.
type tableRow struct {
	cells  []string
	header bool // marked to be repeated on every page
	bold   bool // all of it
}

// table reads the table whose start was read last and returns its rows as lines.
func (d *docx) table() ([]string, error) {
	var rows []tableRow
	err := d.s.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "tr":
			var above []string
			if len(rows) > 0 {
				above = rows[len(rows)-1].cells
			}
			row, err := d.row(above)
			rows = append(rows, row)
			return err
		case "tblPr", "tblGrid", "del":
			return d.s.skip()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		cells[i] = row.cells
	}
	var names []string
	if hasHeader(rows, cells) {
		names, cells = canon.Header(cells[0]), cells[1:]
	}
	lines := make([]string, len(cells))
	for i, row := range cells {
		lines[i] = canon.Row(names, row)
	}
	return lines, nil
}

// hasHeader reports whether the first row names the columns. In a table of two
// columns the first column is as likely to do so, unless the look says more.
func hasHeader(rows []tableRow, cells [][]string) bool {
	if len(rows) < 2 || len(cells[0]) < 2 {
		return false
	}
	if rows[0].header || rows[0].bold && !rows[1].bold {
		return true
	}
	return len(cells[0]) > 2 && canon.LooksLikeHeader(cells)
}

// row reads a row; a cell that goes on from the row above has its text.
func (d *docx) row(above []string) (tableRow, error) {
	row := tableRow{bold: true}
	err := d.s.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "tblHeader":
			row.header = on(e)
		case "tc":
			c, err := d.tableCell()
			if at := len(row.cells); c.continues && at < len(above) {
				c.text = above[at]
			}
			row.cells = append(row.cells, c.text)
			row.bold = row.bold && (c.bold || c.text == "")
			for range c.span - 1 {
				row.cells = append(row.cells, "")
			}
			return err
		}
		return nil
	})
	return row, err
}

type tableCell struct {
	text      string
	span      int
	continues bool // from the row above
	bold      bool
}

func (d *docx) tableCell() (tableCell, error) {
	c := tableCell{span: 1}
	var err error
	c.text, c.bold, err = d.cellWith(func(e xml.StartElement) {
		switch e.Name.Local {
		case "gridSpan":
			if n, err := strconv.Atoi(attr(e, "val")); err == nil {
				c.span = min(max(n, 1), 64)
			}
		case "vMerge":
			c.continues = attr(e, "val") != "restart"
		}
	})
	return c, err
}

// cell reads the paragraphs of a cell, note or box as one text.
func (d *docx) cell() (text string, bold bool, err error) {
	return d.cellWith(func(xml.StartElement) {})
}

func (d *docx) cellWith(other func(xml.StartElement)) (text string, bold bool, err error) {
	var parts []string
	bold = true
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			parts = append(parts, s)
		}
	}
	err = d.s.children(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "p":
			p, err := d.paragraph()
			add(p.text)
			bold = bold && (p.bold || p.text == "")
			return err
		case "tbl":
			rows, err := d.table()
			add(strings.Join(rows, "; "))
			return err
		case "Fallback", "del", "moveFrom":
			return d.s.skip()
		}
		other(e)
		return nil
	})
	return canon.Inline(strings.Join(parts, " ")), bold && len(parts) > 0, err
}
