package code

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
)

func TestSymbols(t *testing.T) {
	for _, c := range []struct{ language, source, want string }{
		{"Go", "package a\n\ntype T[K any] struct {\n\tk, l K\n}\n\ntype I interface{ Do() }\n\nfunc (t *T[K]) Do() {\n}\n\nconst (\n\tA = 1\n\t_ = 2\n)\nvar b, c = 1, 2\nfunc f() {}\ntype E = int\n",
			"struct T 3-5|field T.k 4-4|field T.l 4-4|interface I 7-7|method I.Do 7-7|method T.Do 9-10|const A 13-13|var b 16-16|var c 16-16|func f 17-17|type E 18-18"},
		{"Go", "package a\nfunc good() {\n}\n\nfunc bad( {\n", "func good 2-3|func bad 5-5"},
		{"Go", "not Go at all\nfunc f() {\n", "func f 2-3"},
		{"Python", "class A(B):\n    def f(self):\n        pass\n\ndef top():\n    pass\n", "class A 1-4|method A.f 2-4|func top 5-7"},
		{"Rust", "impl<'a> P<'a> {\n    pub fn new() -> Self {}\n}\npub const X: u8 = 1;\n", "impl P 1-3|method P<'a>.new 2-3|const X 4-5"},
		{"TypeScript", "export class S {\n  async get(k: string) {\n  }\n}\nexport const twice = (a) => a * 2;\ninterface X {}\n", "class S 1-4|method S.get 2-4|const twice 5-5|interface X 6-7"},
		{"C", "#define MAX(a, b) a\nstatic int add(int a)\n{\n}\nstruct point {\n};\n", "macro MAX 1-1|func add 2-4|struct point 5-7"},
		{"Terraform", "resource \"aws_s3_bucket\" \"logs\" {\n}\n", "resource logs 1-3"},
		{"", "anything", ""},
	} {
		var got []string
		for _, d := range symbols([]byte(c.source), c.language) {
			got = append(got, fmt.Sprintf("%s %s %d-%d", d.Kind, d.FullName(), d.Line, d.Last))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "|")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.language, diff)
		}
	}
}

// Source that is made to cost much is read within a bound.
func TestHostileSource(t *testing.T) {
	for name, body := range map[string]string{
		"brackets":  "package a\nvar x = " + strings.Repeat("(", 500_000),
		"stars":     "package a\nvar x " + strings.Repeat("*", 500_000) + "int",
		"functions": "package a\n" + strings.Repeat("func f() {}\n", 100_000),
		"classes":   strings.Repeat("class A:\n", 100_000),
		"one line":  strings.Repeat("a(", 1_000_000),
	} {
		for _, language := range []string{"Go", "Python", "C++", "Java"} {
			began := time.Now()
			d := cairn.Document{Kind: cairn.KindCode, Body: []byte(body), Attributes: map[string]string{"language": language}}
			if f, _ := Describe(&d); len(f.Symbols) > maxSymbols {
				t.Errorf("%s: %d symbols", name, len(f.Symbols))
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s as %s takes %v", name, language, took)
			}
		}
	}
}

func TestAnchors(t *testing.T) {
	for _, c := range []struct {
		anchor   string
		from, to int
		want     string
	}{
		{"#L3-L7", 3, 7, "#L20-L24"},
		{"#L3", 3, 3, "#L20-L24"},
		{"#L3-7", 3, 7, "#L20-24"},
		{"#lines-3:7", 3, 7, "#lines-20:24"},
		{"?path=/a3&version=GC3a7&line=3&lineEnd=8&lineStartColumn=1&lineEndColumn=1", 3, 7, "?path=/a3&version=GC3a7&line=20&lineEnd=25&lineStartColumn=1&lineEndColumn=1"},
		{"#part", 3, 7, ""},
		{"", 3, 7, ""},
	} {
		if got := renumber(c.anchor, c.from, c.to, 20, 24); got != c.want {
			t.Errorf("%s: %s; want %s", c.anchor, got, c.want)
		}
	}
}

func TestLongLinesAreCut(t *testing.T) {
	line := strings.Repeat("é", 1000) + "needle" + strings.Repeat("ü", 1000)
	m, _ := lineAt([]byte("a\n"+line+"\nb"), 2)
	m.from = strings.Index(line, "needle")
	m.to = m.from + len("needle")
	r := passage(Text{Body: []byte("a\n" + line + "\nb")}, []lineMatch{m})
	if got := r.Matches[0]; r.Lines[1][got.Start:got.End] != "needle" || len(r.Lines[1]) > maxLine || r.StartLine != 1 || r.EndLine != 3 {
		t.Errorf("%+v", r)
	}
}
