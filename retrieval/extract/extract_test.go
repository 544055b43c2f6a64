package extract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/extracttest"
)

// extractBytes extracts in this process.
func extractBytes(t testing.TB, name string, data []byte) (*Text, error) {
	t.Helper()
	return Extract(t.Context(), Input{Filename: name}, bytes.NewReader(data), Limits{})
}

func mustExtract(t testing.TB, name string, data []byte) *Text {
	t.Helper()
	text, err := extractBytes(t, name, data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return text
}

// outline shows the sections of a text: a line with path and anchor, and below
// it the text.
func outline(t *Text) string {
	var b strings.Builder
	for _, s := range t.Sections {
		fmt.Fprintf(&b, "[%s] %s\n%s", strings.Join(s.Heading, " > "), s.Anchor, t.Body[s.Start:s.End])
	}
	return b.String()
}

func TestPDF(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PDFium, which takes seconds")
	}
	// Without a cache PDFium is compiled first, which can take a minute here, and
	// under the race detector several times the memory.
	p := newTestPool(t, Limits{Wall: 5 * time.Minute, CPU: 5 * time.Minute, Memory: 6 << 30}, 1)
	if err := p.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	extract := func(name string, data []byte) (*Text, error) {
		return p.Extract(t.Context(), Input{Filename: name}, bytes.NewReader(data))
	}
	footer := func(n int) extracttest.Line {
		return extracttest.Line{X: 300, Y: 30, Size: 9, Text: fmt.Sprintf("Page %d of 3", n)}
	}
	long := "The regulation says that the calibration of every instrument is repeated once a year, and that the ther- mometer in the inter- national laboratory is the reference."
	one := append(extracttest.Paragraphs("First paragraph. "+long, "Second paragraph, which ends here."), footer(1))
	one = append([]extracttest.Line{{X: 72, Y: 765, Size: 18, Text: "Rules of calibration"}}, one...)
	two := append(extracttest.Paragraphs("A second page."), footer(2))
	three := []extracttest.Line{
		{X: 72, Y: 700, Size: 11, Text: "Tern T2"}, {X: 250, Y: 700, Size: 11, Text: "89 euros"}, {X: 400, Y: 700, Size: 11, Text: "in stock"}, footer(3),
	}
	text, err := extract("rules.pdf", extracttest.PDF("Calibration", one, two, three))
	if err != nil {
		t.Fatal(err)
	}
	got := outline(text)
	for _, want := range []string{"[] #page=1\nRules of calibration\n\nFirst paragraph. The regulation", "\n\nSecond paragraph, which ends here.\n", "[] #page=2\nA second page.\n", "Tern T2", "89 euros"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "of 3") {
		t.Errorf("footers are left:\n%s", got)
	}
	if text.Title != "Calibration" || text.Author != "Ann Writer" || text.Language != "en" || text.Kind != cairn.KindPDF {
		t.Errorf("got %q by %q in %q, a %s", text.Title, text.Author, text.Language, text.Kind)
	}
	if want := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC); !text.Created.Equal(want) {
		t.Errorf("created %s, want %s", text.Created, want)
	}
	_, err = extract("secret.pdf", extracttest.EncryptedPDF())
	wantFailure(t, err, canon.CodeEncrypted)
	_, err = extract("scan.pdf", extracttest.PDF("Scan", nil, nil))
	wantFailure(t, err, canon.CodeNoTextLayer)
	_, err = extract("cut.pdf", extracttest.PDF("Cut", two)[:300])
	wantFailure(t, err, canon.CodeCorrupt)
	for endless, want := range map[bool]string{
		false: "[Beginning] #page=1\nA second page.\n\n[Middle] #page=2\nA second page.\n\n[Middle] #page=3\nA second page.\n",
		true:  "[] #page=1\nA second page.\n\n[Middle] #page=2\nA second page.\n\n[Middle] #page=3\nA second page.\n",
	} {
		page := extracttest.Paragraphs("A second page.")
		if text, err = extract("outlined.pdf", extracttest.OutlinedPDF(endless, page, page, page)); err != nil {
			t.Fatal(err)
		}
		wantOutline(t, text, want)
	}
	text, err = extract("wrong.docx", extracttest.PDF("Wrong name", two, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{canon.NoticeSomePages, canon.NoticeWrongName}, text.Notices); diff != "" {
		t.Error(diff)
	}
}

func TestBrokenFiles(t *testing.T) {
	docx := extracttest.DOCX(extracttest.P("", "text"), nil)
	many := map[string]string{}
	for i := range 2100 {
		many[fmt.Sprintf("part%d.xml", i)] = "x"
	}
	for _, c := range []struct {
		name string
		data []byte
		code string
	}{
		{"truncated.docx", docx[:len(docx)*2/3], canon.CodeCorrupt},
		{"no-body.docx", extracttest.DOCX("", map[string]string{"word/document.xml": "<w:document><w:body>"}), canon.CodeCorrupt},
		{"bomb.docx", extracttest.ZipBombDOCX(), canon.CodeTooLarge},
		{"parts.docx", extracttest.Zip(many), canon.CodeTooLarge},
		{"entities.docx", extracttest.EntityBombDOCX(), canon.CodeCorrupt},
		{"doctype.docx", extracttest.DOCX("", map[string]string{"word/document.xml": `<!DOCTYPE w><w:document><w:body>` + extracttest.P("", "x") + `</w:body></w:document>`}), canon.CodeCorrupt},
		{"entities.svg", extracttest.EntityBombSVG(), canon.CodeUnsupported},
		{"deep.docx", extracttest.DeepDOCX(3000), canon.CodeCorrupt},
		{"deep.json", extracttest.DeepJSON(100_000), canon.CodeCorrupt},
		{"zip64.xlsx", extracttest.Zip64XLSX(), canon.CodeCorrupt},
		{"encrypted.docx", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), wide("EncryptedPackage")...), canon.CodeEncrypted},
		{"old.doc", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), wide("WordDocument")...), canon.CodeUnsupported},
		{"empty.txt", nil, canon.CodeEmpty},
		{"blank.md", []byte("\n \t\r\n"), canon.CodeEmpty},
		{"matter.md", []byte("---\ntitle: only\n---\n"), canon.CodeEmpty},
		{"picture.txt", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"), canon.CodeUnsupported},
		{"archive.zip", extracttest.Zip(map[string]string{"a.txt": "a"}), canon.CodeUnsupported},
		{"binary.txt", bytes.Repeat([]byte{0, 1, 2, 3, 250, 251}, 500), canon.CodeNotText},
		{"rich.rtf", []byte(`{\rtf1\ansi Hello}`), canon.CodeUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := extractBytes(t, c.name, c.data)
			wantFailure(t, err, c.code)
		})
	}
}

func TestUnsupportedNamesTheType(t *testing.T) {
	_, err := extractBytes(t, "photo.pdf", []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00"))
	if err == nil || !strings.Contains(err.Error(), "image/jpeg") {
		t.Errorf("got %v", err)
	}
}

// TestBombsEndWithinLimits reads what is made to exhaust memory where little
// of it is allowed.
func TestBombsEndWithinLimits(t *testing.T) {
	p := newTestPool(t, Limits{Memory: testMemory, Wall: 20 * time.Second}, 1)
	for name, data := range map[string][]byte{
		"bomb.docx": extracttest.ZipBombDOCX(), "entities.docx": extracttest.EntityBombDOCX(), "zip64.xlsx": extracttest.Zip64XLSX(),
		"deep.json": extracttest.DeepJSON(2_000_000), "entities.html": extracttest.EntityBombHTML(),
		"deep.html": bytes.Repeat([]byte("<div>"), 1_000_000), "deep.md": bytes.Repeat([]byte("> "), 200_000),
		"brackets.md": bytes.Repeat([]byte("["), 200_000), "links.md": bytes.Repeat([]byte("[a](<"), 100_000),
		"comments.md": bytes.Repeat([]byte("<!-- {% "), 100_000), "deep.go": append([]byte("package p\nvar x = "), bytes.Repeat([]byte("("), 1_000_000)...),
		"deep.yaml": bytes.Repeat([]byte("- "), 500_000), "quotes.csv": bytes.Repeat([]byte(`"`), 2_000_000),
	} {
		start := time.Now()
		_, err := p.Extract(t.Context(), Input{Filename: name}, bytes.NewReader(data))
		if name == "entities.html" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "bomb.docx" {
			wantFailure(t, err, canon.CodeTooLarge)
		}
		t.Logf("%s: %s, %v", name, time.Since(start).Round(time.Millisecond), err)
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

func TestEncodings(t *testing.T) {
	const want = "Größe: 5 €, naïve café\n"
	wide16 := []byte{0xff, 0xfe}
	for _, r := range want {
		wide16 = append(wide16, byte(r), byte(r>>8))
	}
	for name, data := range map[string][]byte{
		"utf8":         []byte(want),
		"bom":          []byte("\ufeff" + want),
		"decomposed":   []byte("Gro\u0308ße: 5 €, nai\u0308ve cafe\u0301\n"),
		"windows-1252": []byte("Gr\xf6\xdfe: 5 \x80, na\xefve caf\xe9\n"),
		"utf-16":       wide16,
		"utf-16 bare":  wide16[2:],
		"cr lf":        []byte("Größe: 5 €, naïve café\r\n"),
		"nul":          []byte("Grö\x00ße: 5 €, naïve\x07 café\n"),
		"invisible":    []byte("Grö\u200bße:\u00a05 €,\u202e naïve café\U000E0041\U000E0042\n"),
	} {
		if got := mustExtract(t, "a.txt", data); name != "decomposed" && string(got.Body) != want || name == "decomposed" && string(got.Body) != "Größe: 5 €, naïve café\n" {
			t.Errorf("%s: %q", name, got.Body)
		}
	}
	damaged := mustExtract(t, "a.txt", []byte(strings.Repeat("äöü ", 20)+"\xff ß\n"))
	if !strings.Contains(string(damaged.Body), "äöü \ufffd ß") || !cmp.Equal(damaged.Notices, []string{canon.NoticeBadBytes}) {
		t.Errorf("%q %q", damaged.Body, damaged.Notices)
	}
}

func TestDetection(t *testing.T) {
	for _, c := range []struct {
		in   Input
		data string
		kind cairn.Kind
	}{
		{Input{Filename: "a.txt"}, "<!DOCTYPE html><title>x</title><p>hello", cairn.KindPage},
		{Input{Filename: "a.pdf"}, "Plain words, whatever the name says.", cairn.KindText},
		{Input{Filename: "README"}, "Plain words.", cairn.KindText},
		{Input{MediaType: "text/markdown; charset=utf-8"}, "# T\n\nx", cairn.KindPage},
		{Input{URL: "https://example.com/docs/a.md?x=1"}, "# T\n\nx", cairn.KindPage},
		{Input{Filename: "a.bin", MediaType: "application/json"}, `{"a":1}`, cairn.KindData},
		{Input{}, "From: a@example.com\r\nTo: b@example.com\r\nSubject: hi\r\nDate: Mon, 4 May 2026 10:00:00 +0200\r\n\r\nText", cairn.KindMail},
		{Input{Filename: "x.py"}, "def f():\n    pass\n", cairn.KindCode},
		{Input{Filename: "data.xlsx"}, string(extracttest.DOCX(extracttest.P("", "hello"), nil)), cairn.KindDocument},
	} {
		text, err := Extract(t.Context(), c.in, strings.NewReader(c.data), Limits{})
		if err != nil {
			t.Errorf("%+v: %v", c.in, err)
		} else if text.Kind != c.kind {
			t.Errorf("%+v: a %s, want a %s", c.in, text.Kind, c.kind)
		}
	}
}

func TestLanguage(t *testing.T) {
	for want, text := range map[string]string{
		"en": "The quick answer to this question is that nobody has ever tried to do it in this way before.",
		"de": "Die schnelle Antwort auf diese Frage ist, dass es noch niemand auf diese Weise versucht hat.",
		"fr": "La réponse rapide à cette question est que personne n'a encore essayé de le faire de cette façon.",
		"":   "x = 1",
	} {
		if got := mustExtract(t, "a.txt", []byte(strings.Repeat(text+" ", 3))).Language; got != want {
			t.Errorf("%q: got %q", want, got)
		}
	}
}

// TestLargeTextInProcess checks that what cannot become text is not kept.
func TestLargeTextInProcess(t *testing.T) {
	before := heap()
	_, err := Extract(context.Background(), Input{Filename: "a.txt"}, extracttest.Text(300<<20), Limits{TextBytes: 1 << 20})
	wantFailure(t, err, canon.CodeTooLarge)
	runtime.GC()
	if grown := heap() - before; grown > 100<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

func TestSpool(t *testing.T) {
	var s spool
	var want bytes.Buffer
	for i := range 2000 {
		chunk := bytes.Repeat([]byte{byte(i)}, i%3000)
		want.Write(chunk)
		if _, err := s.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	got, err := io.ReadAll(io.NewSectionReader(&s, 0, s.size))
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("read %d of %d bytes: %v", len(got), want.Len(), err)
	}
	if !bytes.Equal(s.bytes(), want.Bytes()) {
		t.Error("bytes differ")
	}
}
