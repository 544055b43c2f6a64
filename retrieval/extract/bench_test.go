package extract

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/retrieval/extract/extracttest"
)

// samples returns a file of each format with a few pages of text.
func samples() map[string][]byte {
	var md, page, rows, doc, source strings.Builder
	sentence := "The calibration of a logger is repeated every 24 months, unless the contract says so otherwise. "
	var sheet [][]any
	sheet = append(sheet, []any{"Product", "Price", "Valid from"})
	var pages [][]extracttest.Line
	rows.WriteString("product,price,valid from\n")
	for i := range 60 {
		text := strings.Repeat(sentence, 6)
		fmt.Fprintf(&md, "## Section %d\n\n%s\n\n- item\n- item\n\n", i, text)
		fmt.Fprintf(&page, "<h2 id=s%d>Section %d</h2><p>%s</p><ul><li>item</ul>", i, i, text)
		doc.WriteString(extracttest.P("berschrift1", fmt.Sprint("Section ", i)) + extracttest.P("", text))
		fmt.Fprintf(&source, "// F%d does something.\nfunc F%d(x int) int {\n\treturn x + %d\n}\n\n", i, i, i)
		pages = append(pages, extracttest.Paragraphs(fmt.Sprint("Page ", i, "."), text, text, text))
		for j := range 20 {
			fmt.Fprintf(&rows, "Tern T%d,%d.50,2026-01-01\n", i, j)
			sheet = append(sheet, []any{fmt.Sprint("Tern T", i), float64(j) + .5, "2026-01-01"})
		}
	}
	return map[string][]byte{
		"a.md": []byte(md.String()), "a.html": []byte("<html><body><main>" + page.String() + "</main></body></html>"), "a.txt": []byte(md.String()),
		"a.csv": []byte(rows.String()), "a.docx": extracttest.DOCX(doc.String(), nil), "a.xlsx": extracttest.XLSX("S", sheet...),
		"a.go": []byte("package a\n\n" + source.String()), "a.eml": []byte("From: a@b.example\nSubject: x\n\n" + md.String()),
		"a.pdf": extracttest.PDF("P", pages...), "a.json": []byte("[" + strings.Repeat(`{"a":"text of a value","b":[1,2,3]},`, 1000) + "{}]"),
	}
}

// BenchmarkExtract measures bytes of text that come out, within one process.
func BenchmarkExtract(b *testing.B) {
	for name, data := range samples() {
		b.Run(name[2:], func(b *testing.B) {
			e := &extractor{limits: DefaultLimits()}
			defer e.close()
			text, err := e.extract(b.Context(), Input{Filename: name}, bytes.NewReader(data))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text.Body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.extract(b.Context(), Input{Filename: name}, bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPool measures what the process apart costs a small document, and
// what starting one costs.
func BenchmarkPool(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	p := NewPool(PoolConfig{Command: []string{self, "extract-worker"}, Workers: 1})
	defer p.Close()
	data := []byte("# Title\n\nA page of few words.\n")
	extract := func(b *testing.B) {
		if _, err := p.Extract(b.Context(), Input{Filename: "a.md"}, bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("in process", func(b *testing.B) {
		for b.Loop() {
			if _, err := Extract(b.Context(), Input{Filename: "a.md"}, bytes.NewReader(data), Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("reused", func(b *testing.B) {
		extract(b)
		for b.Loop() {
			extract(b)
		}
	})
	b.Run("started", func(b *testing.B) {
		for b.Loop() {
			extract(b)
			p.mu.Lock()
			for _, w := range p.idle {
				w.idle.Stop()
				w.stop()
			}
			p.idle = nil
			p.mu.Unlock()
		}
	})
}

// BenchmarkInline measures a short page.
func BenchmarkInline(b *testing.B) {
	text := "# Calibration\n\n" + strings.Repeat("The calibration of a logger is repeated every 24 months, unless the contract says so otherwise. ", 14)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := Inline(b.Context(), Input{Filename: "42", MediaType: "text/markdown"}, text); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
