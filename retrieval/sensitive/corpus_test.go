package sensitive

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFindsLittleInPublicTexts counts over published texts: one of them tells what
// librarians earned, and whatever else were found would be a mistake.
func TestFindsLittleInPublicTexts(t *testing.T) {
	for name, want := range map[string]map[Kind]int{
		"cisi": {Salary: 1}, "cranfield": {}, "product-docs": {},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Open(filepath.Join("../../examples/eval", name, "corpus.jsonl.gz"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			documents, bytes, got := 0, 0, map[Kind]int{} // documents that hold a kind
			lines := bufio.NewScanner(z)
			lines.Buffer(nil, 16<<20)
			for lines.Scan() {
				var d struct{ Text string }
				if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
					t.Fatal(err)
				}
				for kind := range Count(d.Text) {
					got[kind]++
				}
				documents, bytes = documents+1, bytes+len(d.Text)
			}
			if err := lines.Err(); err != nil || documents == 0 {
				t.Fatalf("%d documents, %v", documents, err)
			}
			t.Logf("%d documents, %d bytes: %v", documents, bytes, got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("documents by kind (-want +got):\n%s", d)
			}
		})
	}
}
