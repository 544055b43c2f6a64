package plain

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// CSV extracts a table of values that are separated by commas, semicolons,
// tabs or bars. Every row becomes a line that repeats the names of the columns.
func CSV(src []byte, limit int) (*canon.Text, error) {
	text, replaced, err := Decode(src, "")
	if err != nil {
		return nil, err
	}
	t := &canon.Text{Kind: cairn.KindSpreadsheet}
	if replaced {
		t.Notice(canon.NoticeBadBytes)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = separator(text)
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	r.ReuseRecord = false
	b := canon.NewBuilder(limit)
	var first [][]string
	var header []string
	begun := false
	begin := func() {
		begun = true
		if canon.LooksLikeHeader(first) {
			header, first = canon.Header(first[0]), first[1:]
		}
		for _, row := range first {
			b.Line(canon.Row(header, row))
		}
	}
	for !b.Full() {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, canon.Failf(canon.CodeCorrupt,
				"The table breaks off or has quotes that do not match. Open it in a spreadsheet program and save it again as CSV.")
		}
		if strings.TrimSpace(strings.Join(row, "")) == "" {
			continue
		}
		if begun {
			b.Line(canon.Row(header, row))
		} else if first = append(first, row); len(first) == 20 {
			begin()
		}
	}
	if !begun {
		begin()
	}
	b.Into(t)
	return t, nil
}

// separator returns the character that splits the first lines into the same
// number of columns most often; a comma when none does.
func separator(text []byte) rune {
	var lines []string
	for line := range strings.Lines(string(text[:min(len(text), sampleSize)])) {
		if line = unquoted(strings.TrimRight(line, "\n")); line != "" {
			lines = append(lines, line)
		}
		if len(lines) == 20 {
			break
		}
	}
	best, bestScore := ',', 0
	for _, c := range ",;\t|" {
		want, score := 0, 0
		for i, line := range lines {
			n := strings.Count(line, string(c))
			if i == 0 {
				want = n
			}
			if n == want && n > 0 {
				score += 100 + min(n, 50)
			}
		}
		if score > bestScore {
			best, bestScore = c, score
		}
	}
	return best
}

// unquoted returns line without what stands between double quotes.
func unquoted(line string) string {
	if !strings.Contains(line, `"`) {
		return line
	}
	var b strings.Builder
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 0 {
			b.WriteString(part)
		}
	}
	return b.String()
}
