package canon

import "strings"

// Row writes a row of a table so that it says what it means without the rest
// of the table: "Header: value | Header: value". Cells without a header stand
// alone and empty cells are left out; without any header the cells are joined
// and an empty one between others keeps its place.
func Row(header, cells []string) string {
	if len(header) == 0 {
		return bareRow(cells)
	}
	parts := make([]string, 0, len(cells))
	for i, cell := range cells {
		cell = Inline(cell)
		if cell == "" {
			continue
		}
		if i < len(header) && header[i] != "" && header[i] != cell {
			cell = header[i] + ": " + cell
		}
		parts = append(parts, cell)
	}
	return strings.Join(parts, " | ")
}

func bareRow(cells []string) string {
	parts, filled := make([]string, len(cells)), 0
	for i, cell := range cells {
		if parts[i] = Inline(cell); parts[i] != "" {
			filled = i + 1
		}
	}
	return strings.Join(parts[:filled], " | ")
}

// Header makes names for columns of the cells of a header row.
func Header(cells []string) []string {
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = strings.TrimSuffix(Inline(cell), ":")
	}
	return names
}

// LooksLikeHeader reports whether the first of some rows names the columns of
// the others: at least two columns, no name twice, none of them a number, and
// not a row that could be one of the others by its kinds of cells alone.
func LooksLikeHeader(rows [][]string) bool {
	if len(rows) < 2 {
		return false
	}
	first, seen := rows[0], map[string]bool{}
	for _, cell := range first {
		cell = Inline(cell)
		if cell == "" {
			continue
		}
		if seen[cell] || numeric(cell) && !year(cell) || len(cell) > 80 {
			return false
		}
		seen[cell] = true
	}
	return len(seen) >= 2 && len(seen)*3 >= widest(rows)*2
}

func widest(rows [][]string) int {
	width := 0
	for _, row := range rows[:min(len(rows), 20)] {
		filled := 0
		for _, cell := range row {
			if strings.TrimSpace(cell) != "" {
				filled++
			}
		}
		width = max(width, filled)
	}
	return width
}

// year reports whether a cell is a year, which often names a column.
func year(cell string) bool {
	return len(cell) == 4 && (strings.HasPrefix(cell, "19") || strings.HasPrefix(cell, "20")) && numeric(cell)
}

// numeric reports whether a cell holds a number, an amount or a date in digits.
func numeric(cell string) bool {
	digits := 0
	for _, r := range cell {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case strings.ContainsRune(" .,:/+-%()'€$£", r):
		default:
			return false
		}
	}
	return digits > 0
}
