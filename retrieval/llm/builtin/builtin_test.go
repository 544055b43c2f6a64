package builtin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/retrieval/llm"
)

func newEmbedder(t testing.TB) *Embedder {
	t.Helper()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// check is a text with what the program that trained the model makes of it.
type check struct {
	Text   string
	Tokens []uint32 // the first twelve
	First8 []float64
	Norm   float64
}

func readChecks(t *testing.T) []check {
	t.Helper()
	f, err := os.Open("testdata/check.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var checks []check
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c check
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		checks = append(checks, c)
	}
	if len(checks) == 0 {
		t.Fatal("no checks")
	}
	return checks
}

func TestAsTrained(t *testing.T) {
	e := newEmbedder(t)
	for _, c := range readChecks(t) {
		tokens := e.tokenizer.appendTokens([]uint32{}, c.Text)
		if diff := cmp.Diff(c.Tokens, tokens[:min(len(tokens), 12)]); diff != "" {
			t.Errorf("tokens of %q (-want +got):\n%s", c.Text, diff)
		}
		vectors, err := e.Embed(context.Background(), llm.RoleDocument, []string{c.Text})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.First8 {
			if got := float64(vectors[0][i]); math.Abs(got-want) > 1e-4 {
				t.Errorf("vector of %q at %d = %v, want %v", c.Text, i, got, want)
			}
		}
		if got := math.Sqrt(dot(vectors[0], vectors[0])); math.Abs(got-c.Norm) > 1e-5 {
			t.Errorf("vector of %q has length %v, want %v", c.Text, got, c.Norm)
		}
	}
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestRelatedIsNearer(t *testing.T) {
	e := newEmbedder(t)
	questions, err := e.Embed(context.Background(), llm.RoleQuery, []string{"How do I get my travel costs back?"})
	if err != nil {
		t.Fatal(err)
	}
	passages, err := e.Embed(context.Background(), llm.RoleDocument, []string{
		"Expenses of a trip are reimbursed within a month.", "The parser reads one token at a time.",
	})
	if err != nil {
		t.Fatal(err)
	}
	if near, far := dot(questions[0], passages[0]), dot(questions[0], passages[1]); near < far+0.2 {
		t.Errorf("related passage %.3f, unrelated %.3f", near, far)
	}
}

// A frequent word of a question pulls its vector less than a rare one.
func TestQueryWeights(t *testing.T) {
	e := newEmbedder(t)
	ctx, text := context.Background(), []string{"the invoice"}
	query, _ := e.Embed(ctx, llm.RoleQuery, text)
	document, _ := e.Embed(ctx, llm.RoleDocument, text)
	word, _ := e.Embed(ctx, llm.RoleDocument, []string{"invoice"})
	if q, d := dot(query[0], word[0]), dot(document[0], word[0]); q <= d {
		t.Errorf("invoice: %.3f in the query, %.3f in the document", q, d)
	}
}

func TestTokenize(t *testing.T) {
	words := []string{"a", "b", "ab", "##c", "##cd", "x", "http", "get", "σας", "σα", "##σ", "##ς"}
	tok := newTokenizer(words)
	for _, tt := range []struct{ text, want string }{
		{"AB", "ab"},
		{"abcd", "ab ##cd"},
		{"abc", "ab ##c"},
		{"abz", ""},
		{"a_b-a", "a b a"},
		{"getHTTP", "get http"},
		{"HTTPGet", "http get"},
		{"x²", "x"},
		{"ΣΑΣ", "σας"},
		{"ÀB", "ab"},
		{strings.Repeat("ab", 40), ""},
		{"a\xffb", "a b"},
	} {
		var got []string
		for _, id := range tok.appendTokens(nil, tt.text) {
			got = append(got, words[id])
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("tokens of %q = %v, want %s", tt.text, got, tt.want)
		}
	}
}

func TestFloat16(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x3555: 0.333251953125, 0x7bff: 65504, 0x0001: 1.0 / (1 << 24), 0x0400: 1.0 / (1 << 14),
	} {
		if got := float16(bits); got != want {
			t.Errorf("float16(%#04x) = %v, want %v", bits, got, want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if vectors, err := newEmbedder(t).Embed(ctx, llm.RoleDocument, []string{"a"}); !errors.Is(err, context.Canceled) || vectors != nil {
		t.Errorf("Embed = %v, %v", vectors, err)
	}
}

func TestConcurrentUse(t *testing.T) {
	e := newEmbedder(t)
	texts := []string{"travel expenses", "the parser", "password reset"}
	want, _ := e.Embed(context.Background(), llm.RoleDocument, texts)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if got, _ := e.Embed(context.Background(), llm.RoleDocument, texts); !cmp.Equal(got, want) {
					t.Error("vectors differ between goroutines")
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzEmbed(f *testing.F) {
	e := newEmbedder(f)
	f.Add("func parseHTTPHeader(r *http.Request) x² ΣΑΣ 日本")
	f.Fuzz(func(t *testing.T, text string) {
		v := e.embed(llm.RoleQuery, text)
		if n := math.Sqrt(dot(v, v)); n != 0 && math.Abs(n-1) > 1e-5 {
			t.Errorf("length %v", n)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newEmbedder(b)
	}
}

// A chunk of 220 English words, one after the other on one core.
func BenchmarkEmbedChunk(b *testing.B) {
	const size = 220
	e := newEmbedder(b)
	pages, err := filepath.Glob("../../../examples/acme/documents/*/*.md")
	if err != nil {
		b.Fatal(err)
	}
	var words []string
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			b.Fatal(err)
		}
		words = append(words, strings.Fields(string(text))...)
	}
	var chunks []string
	for chunk := range slices.Chunk(words, size) {
		if len(chunk) == size {
			chunks = append(chunks, strings.Join(chunk, " "))
		}
	}
	i := 0
	for b.Loop() {
		e.embed(llm.RoleDocument, chunks[i%len(chunks)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "chunks/s")
}

func BenchmarkEmbedQuery(b *testing.B) {
	e := newEmbedder(b)
	for b.Loop() {
		e.embed(llm.RoleQuery, "How do I claim travel expenses?")
	}
}
