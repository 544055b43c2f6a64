package extract

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/extracttest"
)

// fuzz checks what holds for every input of a format: no crash, and either a
// Failure with a reason or a text that is as texts must be.
func fuzz(f *testing.F, name string, seeds ...[]byte) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := Extract(context.Background(), Input{Filename: name}, bytes.NewReader(data), Limits{TextBytes: 1 << 20})
		if err != nil {
			var failure *Failure
			if !errors.As(err, &failure) || failure.Code == canon.CodeCrash || failure.Reason == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		if err := check(text); err != nil {
			t.Fatal(err)
		}
		if len(text.Body) == 0 || len(text.Body) > 1<<20 || !bytes.Equal(text.Body, canon.Normalise(bytes.Clone(text.Body))) {
			t.Fatalf("body is not normalised: %q", text.Body)
		}
	})
}

func FuzzExtractMarkdown(f *testing.F) {
	fuzz(f, "a.md", []byte("---\ntitle: x\n---\n# A {#a}\n\n{% image \"a\" \"b\" %} <b>x</b>\n\n```\n<!-- # -->\n```\n<table><tr><td>1</table>\n\nB\n=\n"),
		[]byte("<!-- `a` -->`<!--`\n> # q\n\n<div>\n\n# x\n</div>"))
}

func FuzzExtractHTML(f *testing.F) {
	fuzz(f, "a.html", []byte("<title>t</title><h1 id=a>A<p>x<ul><li>1<ol><li>2</ul><table><tr><th rowspan=2>a<th>b<tr><td colspan=3>c</table><pre>x</pre>"), extracttest.EntityBombHTML())
}

func FuzzExtractText(f *testing.F) {
	fuzz(f, "a.txt", []byte("TITLE\n\n1. One\n\nx\n---\n"), []byte("\xff\xfea\x00b\x00"), []byte("caf\xe9 \xe0 la"))
}

func FuzzExtractCSV(f *testing.F) {
	fuzz(f, "a.csv", []byte("a,b\n1,\"2\n3\"\n"), []byte("a;b\n1;2\n\n;"))
}

func FuzzExtractJSON(f *testing.F) {
	fuzz(f, "a.json", []byte(`{"a":[1,"\u0000\ud800",{"b":null}]}`), extracttest.DeepJSON(300))
}

func FuzzExtractMail(f *testing.F) {
	fuzz(f, "a.eml", []byte("From: a <a@b.c>\nSubject: =?utf-8?q?x?=\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=x\n\n<p>x\n--b\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--"))
}

func FuzzExtractCode(f *testing.F) {
	f.Add([]byte("package a\n\n// x\nfunc f() {}\n"), uint8(0))
	f.Add([]byte("class A:\n  def f(self):\n    \"\"\"\n"), uint8(1))
	f.Add([]byte("export class A { f() { `${'}'}` } }\n"), uint8(2))
	files := []string{"a.go", "a.py", "a.ts", "a.rs", "a.java", "a.cpp", "a.c", "a.rb", "a.sql", "a.proto"}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		text, err := Extract(context.Background(), Input{Filename: files[int(which)%len(files)]}, bytes.NewReader(data), Limits{})
		if err != nil && !errors.As(err, new(*Failure)) {
			t.Fatal(err)
		}
		if err == nil {
			if err := check(text); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzExtractDOCX(f *testing.F) {
	// The XML is mutated and not the archive, whose checksums would stop most of it.
	f.Add(`<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>A</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>`)
	f.Add(`<w:p><w:r><w:txbxContent><w:p><w:r><w:t>b</w:t></w:r></w:p></w:txbxContent></w:r></w:p>`)
	f.Fuzz(func(t *testing.T, body string) {
		text, err := Extract(context.Background(), Input{Filename: "a.docx"}, bytes.NewReader(extracttest.DOCX(body, nil)), Limits{})
		if err != nil && (!errors.As(err, new(*Failure)) || errors.Is(err, errCrashed)) {
			t.Fatal(err)
		}
		if err == nil {
			if err := check(text); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzExtractArchive(f *testing.F) {
	fuzz(f, "a.xlsx", extracttest.XLSX("S", []any{"a", "b"}, []any{1, 2}), extracttest.Zip64XLSX(),
		extracttest.PPTX(extracttest.Slide{Title: "t", Notes: "n"}), extracttest.DOCX(extracttest.P("", "x"), nil))
}
