package extracttest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

// entities declares nine levels of entities of ten each: 10^9 copies of a word.
var entities = func() string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE bomb [<!ENTITY e0 "harmful">`)
	for i := range 9 {
		level := string(rune('1' + i))
		below := "&e" + string(rune('0'+i)) + ";"
		b.WriteString(`<!ENTITY e` + level + ` "` + strings.Repeat(below, 10) + `">`)
	}
	b.WriteString(`]>`)
	return b.String()
}()

// EntityBombDOCX returns a document whose XML would grow to gigabytes.
func EntityBombDOCX() []byte {
	return DOCX("", map[string]string{
		"word/document.xml": `<?xml version="1.0"?>` + entities + `<w:document` + wordSpace + `><w:body>` + P("", "&e9;") + `</w:body></w:document>`,
	})
}

// EntityBombHTML returns a page that tries the same.
func EntityBombHTML() []byte {
	return []byte(entities + `<html><body><p>Before the bomb.</p><p>&e9;</p></body></html>`)
}

// EntityBombSVG returns a picture that tries the same.
func EntityBombSVG() []byte {
	return []byte(`<?xml version="1.0"?>` + entities + `<svg xmlns="http://www.w3.org/2000/svg"><text>&e9;</text></svg>`)
}

// ZipBombDOCX returns a document of about a megabyte whose text is a gigabyte of
// spaces: the same compressed block over and over.
func ZipBombDOCX() []byte {
	const copies = 1 << 10
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	must(err)
	_, err = io.WriteString(w, `<w:document><w:body><w:p><w:r><w:t>`)
	must(err)
	must(w.Flush())
	start := packed.Len()
	_, err = w.Write(bytes.Repeat([]byte(" "), 1<<20))
	must(err)
	must(w.Flush())
	block := bytes.Clone(packed.Bytes()[start:])
	for range copies - 1 {
		packed.Write(block)
	}
	must(w.Close())
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	entry, err := z.CreateRaw(&zip.FileHeader{Name: "word/document.xml", Method: zip.Deflate,
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: copies << 20})
	must(err)
	_, err = entry.Write(packed.Bytes())
	must(err)
	must(z.Close())
	return out.Bytes()
}

// DeepDOCX returns a document of elements nested in each other.
func DeepDOCX(depth int) []byte {
	return DOCX(strings.Repeat("<w:tbl><w:tr><w:tc>", depth/3), nil)
}

// DeepJSON returns arrays nested in each other.
func DeepJSON(depth int) []byte {
	return []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
}

// XLSX returns a workbook with one sheet of rows.
func XLSX(sheet string, rows ...[]any) []byte {
	f := excelize.NewFile()
	defer f.Close()
	must(f.SetSheetName("Sheet1", sheet))
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		must(err)
		must(f.SetSheetRow(sheet, cell, &row))
	}
	var out bytes.Buffer
	must(f.Write(&out))
	return out.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err) // files in memory of our own making
	}
}

// Zip64XLSX returns a workbook whose directory says of one entry, in the form
// of Zip64, that it has 2^63 bytes.
func Zip64XLSX() []byte {
	whole := XLSX("Sheet", []any{"a", "b"}, []any{1, 2})
	end := bytes.LastIndex(whole, []byte("PK\x05\x06"))
	start := int(binary.LittleEndian.Uint32(whole[end+16:]))
	directory := whole[start:end]
	name := int(binary.LittleEndian.Uint16(directory[28:]))
	extra := int(binary.LittleEndian.Uint16(directory[30:]))
	first := append([]byte(nil), directory[:46+name]...)
	binary.LittleEndian.PutUint32(first[24:], 0xffffffff) // the size is in the extra field
	binary.LittleEndian.PutUint16(first[30:], 12)
	field := []byte{1, 0, 8, 0}
	field = binary.LittleEndian.AppendUint64(field, 1<<63)
	out := append([]byte(nil), whole[:start]...)
	out = append(out, first...)
	out = append(out, field...)
	out = append(out, directory[46+name+extra:]...)
	size := len(out) - start
	out = append(out, whole[end:]...)
	binary.LittleEndian.PutUint32(out[start+size+12:], uint32(size))
	return out
}

// Text returns a reader of n bytes of English text, which are never in memory
// together.
func Text(n int64) io.Reader { return io.LimitReader(&lines{}, n) }

type lines struct{ at int }

const endlessLine = "The quick brown fox reads the manual and jumps over the lazy dog.\n"

func (l *lines) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], endlessLine[l.at:])
		n += c
		l.at = (l.at + c) % len(endlessLine)
	}
	return n, nil
}
