package connectors_test

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentHasTheExample holds docs/writing-a-connector.md against the example, which
// the other tests compile and run.
func TestDocumentHasTheExample(t *testing.T) {
	page, err := os.ReadFile("../docs/writing-a-connector.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"example_test.go", "example_conformance_test.go"} {
		code, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```go\n"+string(code)+"```\n") {
			t.Errorf("the page has another %s; copy the file into it", name)
		}
	}
}
