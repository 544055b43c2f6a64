package segment_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

func blockTexts(text string, limit int) []string {
	var out []string
	for _, p := range segment.Blocks(text, limit) {
		out = append(out, text[p.Start:p.End])
	}
	return out
}

func TestBlocks(t *testing.T) {
	yaml := "# Defaults.\n\nuplink:\n  preferred: ethernet\n  # Seconds until the change.\n  fallback_after: 90s\nbuffer:\n  path: /var\n"
	want := []string{"# Defaults.", "uplink:\n  preferred: ethernet\n  # Seconds until the change.\n  fallback_after: 90s", "buffer:\n  path: /var"}
	if diff := cmp.Diff(want, blockTexts(yaml, 100)); diff != "" {
		t.Errorf("YAML (-want +got):\n%s", diff)
	}
	want = []string{"# Defaults.", "uplink:", "preferred: ethernet", "# Seconds until the change.\n  fallback_after: 90s", "buffer:\n  path: /var"}
	if diff := cmp.Diff(want, blockTexts(yaml, 60)); diff != "" {
		t.Errorf("YAML in small blocks (-want +got):\n%s", diff)
	}
	json := "{\n  \"routes\": [\n    {\n      \"alert\": \"A\",\n      \"page\": 1\n    },\n    {\n      \"alert\": \"B\"\n    }\n  ]\n}"
	want = []string{"\"routes\": [", "{\n      \"alert\": \"A\",\n      \"page\": 1\n    },", "{\n      \"alert\": \"B\"\n    }"}
	if diff := cmp.Diff(want, blockTexts(json, 60)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	code := "// Add adds.\nfunc Add(a, b int) int {\n\n\treturn a + b\n}\n\nvar x = 1\n"
	want = []string{"// Add adds.\nfunc Add(a, b int) int {\n\n\treturn a + b\n}", "var x = 1"}
	if diff := cmp.Diff(want, blockTexts(code, 100)); diff != "" {
		t.Errorf("code (-want +got):\n%s", diff)
	}
}

func TestBlocksKeepAllWords(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b: c", "\n", "\n\n", "  ", "\t", "{", "}", "[", "],", "# x", "// y", "é"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 40).Draw(t, "parts"), "")
		limit := rapid.IntRange(1, 60).Draw(t, "limit")
		at := 0
		for _, p := range segment.Blocks(text, limit) {
			if p.Start < at || p.End <= p.Start {
				t.Fatalf("block %+v after %d of %q", p, at, text)
			}
			if rest := strings.Trim(text[at:p.Start], "()[]{},; \t\n"); rest != "" {
				t.Fatalf("%q is in no block of %q", rest, text)
			}
			at = p.End
		}
		if rest := strings.Trim(text[at:], "()[]{},; \t\n"); rest != "" {
			t.Fatalf("%q is in no block of %q", rest, text)
		}
	})
}
