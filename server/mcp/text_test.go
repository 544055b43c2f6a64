package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

// A file comes whole in parts, each within the budget, however it is made.
func TestFileComesInParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.OneOf(rapid.StringMatching(`[a-zé日]{0,20}`), rapid.Just(strings.Repeat("x", 9000)))
		text := strings.Join(rapid.SliceOfN(line, 0, 30).Draw(t, "lines"), "\n")
		body := []byte(text)
		var got strings.Builder
		for first := 1; first > 0; {
			p, err := cut(body, first, 0)
			if err != nil {
				t.Fatal(err)
			}
			if p.end-p.start > maxFile || p.first != first || p.last < p.first || p.last > max(p.lines, 1) {
				t.Fatalf("from line %d: %+v", first, p)
			}
			got.Write(body[p.start:p.end])
			if n := strings.Count(numbered(string(body[p.start:p.end]), first), "\t"); p.end > p.start && n != p.last-p.first+1 {
				t.Fatalf("%d lines are numbered of %+v", n, p)
			}
			first = p.next
		}
		if got.String() != text {
			t.Fatalf("the parts are %q; want %q", got.String(), text)
		}
	})
}

func TestCut(t *testing.T) {
	const text = "one\ntwo\nthree\n"
	for _, tt := range []struct {
		first, last int
		want        string
	}{{1, 0, text}, {2, 2, "two\n"}, {2, 3, "two\nthree\n"}, {3, 99, "three\n"}, {1, 1, "one\n"}} {
		p, err := cut([]byte(text), tt.first, tt.last)
		if err != nil || text[p.start:p.end] != tt.want || p.first != tt.first || p.lines != 3 || p.next != 0 {
			t.Errorf("%d to %d: %+v, %v", tt.first, tt.last, p, err)
		}
	}
	if _, err := cut([]byte(text), 4, 0); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("after the end: %v", err)
	}
	long := strings.Repeat("é", maxFile)
	p, err := cut([]byte("a\n"+long+"\nb\n"), 2, 0)
	if err != nil || p.end-p.start > maxFile || !utf8.ValidString(("a\n" + long)[p.start:p.end]) || p.next != 3 {
		t.Errorf("a line that does not fit: %+v, %v", p, err)
	}
}

func TestPartOfADocument(t *testing.T) {
	for _, id := range []cairn.DocumentID{"ABC"} {
		for _, offset := range []int{0, 7, 1 << 30} {
			got, at, err := parsePart(partOf(id, offset))
			if err != nil || got != id || at != offset {
				t.Errorf("%s:%d is read as %s:%d, %v", id, offset, got, at, err)
			}
		}
	}
	for _, wrong := range []string{"", " ", "A:", "A:-1", "A:x", "A:1:2", "A\x00", strings.Repeat("A", 101)} {
		if _, _, err := parsePart(wrong); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestCursor(t *testing.T) {
	want := position{3, 17}
	got, err := parseCursor(want.encode("q", "r", "p"), "q", "r", "p")
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, wrong := range []string{want.encode("q", "r", "x"), want.encode("qr", "", "p"), position{maxPages, 0}.encode("q", "r", "p"), position{0, codePage + 1}.encode("q", "r", "p"), "x", "AA", "-", strings.Repeat("A", 99)} {
		if _, err := parseCursor(wrong, "q", "r", "p"); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if got, err := parseCursor("", "q"); err != nil || got != (position{}) {
		t.Errorf("none: %+v, %v", got, err)
	}
}

func TestMarks(t *testing.T) {
	text := "One. Two.\n\n```\ncode\n```"
	a := cairn.Answer{Text: text, Citations: []cairn.Citation{
		{Number: 2, AnswerEnd: 9}, {Number: 1, AnswerEnd: 4}, {Number: 3, AnswerEnd: 9}, {Number: 4, AnswerEnd: len(text)},
		{Number: 5, AnswerEnd: 9, State: cairn.CitationGone}, {Number: 6, AnswerEnd: 999},
	}}
	if got, want := marked(a), "One.[1] Two.[2][3]\n\n```\ncode\n```\n[4]"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestShort(t *testing.T) {
	for in, want := range map[string]string{"abc": "abc", "abcd": "abc…", "abé": "ab…", "日本": "日…"} {
		if got := short(in, 3); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
	if fmt.Sprint(lineOf([]byte("a\nb\nc"), 0), lineOf([]byte("a\nb\nc"), 2), lineOf([]byte("a\nb"), 99)) != "1 2 2" {
		t.Error("lines are counted wrongly")
	}
}

// shelf has a document a passage, of which every second lies elsewhere than is looked.
type shelf struct{ Store }

func (shelf) Document(_ context.Context, _ cairn.Viewer, id cairn.DocumentID, version cairn.Version) (Document, error) {
	d := Document{Document: cairn.Document{ID: id, Version: version, Body: []byte("func Open() error {\n"), Attributes: map[string]string{"path": string(id) + "/a.go"}}}
	return d, nil
}

func (shelf) Search(context.Context, cairn.Query) (retrieval.Results, error) {
	var found retrieval.Results
	for _, id := range []cairn.DocumentID{"here", "there"} {
		found.Passages = append(found.Passages, cairn.Passage{Document: id, Version: "v", Text: "func Open() error {\n", End: 20})
	}
	return found, nil
}

// Of files that are not wanted no text is kept: there may be hundreds, of megabytes each.
func TestSearchOfCodeKeepsNoTextInVain(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, nil)
	s := &codeSearch{
		Server: &Server{cfg: Config{Store: shelf{}, Search: shelf{}}}, u: &use{c: c, base: "http://cairn.test"},
		in: codeInput{Query: "Open", Path: "here/", Limit: 10}, docs: map[cairn.DocumentID]Document{},
	}
	if _, more, err := s.run(t.Context(), position{}); err != nil || more || len(s.out) != 1 || s.out[0].Path != "here/a.go" {
		t.Errorf("%+v, more %t, %v", s.out, more, err)
	}
	if n := len(s.docs["there"].Body); n > 0 {
		t.Errorf("%d bytes are kept of a file that is not wanted", n)
	}
}
