package office

import (
	"errors"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// headerWithin is in how many of its first filled rows a sheet may have the
// names of its columns.
const headerWithin = 20

// XLSX extracts a workbook: each sheet is a section, each row a line that
// repeats the names of the columns, values as the program shows them and dates
// as year-month-day. r is the file that a was opened from.
func XLSX(a *Archive, r io.ReaderAt, size int64, limit int) (*canon.Text, error) {
	t := &canon.Text{Kind: cairn.KindSpreadsheet}
	if err := a.core(t); err != nil {
		return nil, err
	}
	if err := a.Measure(); err != nil {
		return nil, err
	}
	f, err := excelize.OpenReader(io.NewSectionReader(r, 0, size), excelize.Options{
		UnzipSizeLimit: maxInflated, UnzipXMLSizeLimit: maxInflated, // equal: nothing goes to temporary files
		ShortDatePattern: "yyyy-mm-dd", LongDatePattern: "yyyy-mm-dd", LongTimePattern: "hh:mm:ss",
	})
	if err != nil {
		if errors.Is(err, excelize.ErrWorkbookPassword) || errors.Is(err, excelize.ErrWorkbookFileFormat) {
			return nil, canon.Failf(canon.CodeEncrypted, "The workbook is protected by a password. Save a copy without one.")
		}
		return nil, corrupt()
	}
	defer f.Close()
	b := canon.NewBuilder(limit)
	for _, sheet := range f.GetSheetList() {
		if b.Full() {
			break
		}
		b.Section([]string{canon.Inline(sheet)}, "")
		if err := writeSheet(f, sheet, b); err != nil {
			return nil, corrupt()
		}
	}
	b.Into(t)
	return t, nil
}

func writeSheet(f *excelize.File, sheet string, b *canon.Builder) error {
	rows, err := f.Rows(sheet)
	if err != nil {
		// Sheets of charts have no rows.
		return nil
	}
	defer rows.Close()
	w := sheetWriter{b: b}
	for rows.Next() && !b.Full() {
		cells, err := rows.Columns()
		if err != nil {
			return err
		}
		if strings.TrimSpace(strings.Join(cells, "")) != "" {
			w.add(cells)
		}
	}
	w.flush()
	return rows.Error()
}

// sheetWriter holds back the first rows of a sheet until it knows which of
// them names the columns.
type sheetWriter struct {
	b      *canon.Builder
	held   [][]string
	begun  bool
	header []string
}

func (w *sheetWriter) add(cells []string) {
	if w.begun {
		w.b.Line(canon.Row(w.header, cells))
		return
	}
	if w.held = append(w.held, cells); len(w.held) == headerWithin {
		w.flush()
	}
}

func (w *sheetWriter) flush() {
	if w.begun {
		return
	}
	w.begun = true
	at := headerRow(w.held)
	for i, cells := range w.held {
		if i == at {
			w.header = canon.Header(cells)
			continue
		}
		w.b.Line(canon.Row(w.header, cells))
	}
}

// headerRow returns which row names the columns, or -1. Titles and remarks
// above it fill fewer columns.
func headerRow(rows [][]string) int {
	for i := range rows {
		if canon.LooksLikeHeader(rows[i:]) {
			return i
		}
	}
	return -1
}
