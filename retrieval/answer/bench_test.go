package answer

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
)

// benchPassages returns n passages of about 1,200 bytes, no two alike.
func benchPassages(n int) []cairn.Passage {
	subjects := []string{"travel", "expenses", "leave", "laptops", "onboarding", "security", "invoices", "backups", "interviews", "training"}
	out := make([]cairn.Passage, n)
	for i := range out {
		var b strings.Builder
		for k := range 10 {
			s := subjects[(i*3+k)%len(subjects)]
			fmt.Fprintf(&b, "Requests about %s number %d go to the %s team of office %d within %d days, unless the amount exceeds %d euros. ", s, k, s, i, k+2, 100*(i+k))
		}
		out[i] = cairn.Passage{Document: cairn.DocumentID(fmt.Sprint(i)), Title: "Policy on " + subjects[i%len(subjects)], Language: "en", Text: b.String()}
	}
	return out
}

// BenchmarkVerify checks an answer of ten sentences against ten passages,
// reading of the passages included.
func BenchmarkVerify(b *testing.B) {
	embedder, err := builtin.New()
	if err != nil {
		b.Fatal(err)
	}
	passages := benchPassages(10)
	for b.Loop() {
		ev := readEvidence(context.Background(), passages, embedder)
		v := verifier{evidence: ev, language: "en"}
		for k := range 10 {
			v.check(fmt.Sprintf("Anything about security goes to office %d within %d days.", k, k+2), []int{k + 1})
		}
	}
}

// BenchmarkExtract answers from twenty passages without a model.
func BenchmarkExtract(b *testing.B) {
	embedder, err := builtin.New()
	if err != nil {
		b.Fatal(err)
	}
	a := New(Config{Embedder: embedder})
	passages := benchPassages(20)
	for b.Loop() {
		for _, err := range a.Answer(context.Background(), Question{Text: "How many days does the security team take?"}, passages) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
