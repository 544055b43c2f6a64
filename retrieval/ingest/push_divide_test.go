package ingest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDivide(t *testing.T) {
	t.Parallel()
	name := rapid.StringOfN(rapid.SampledFrom([]rune("ab!/")), 1, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		edits := make([]Edit, rapid.IntRange(0, 450).Draw(t, "edits"))
		for i := range edits {
			edits[i].External = name.Draw(t, "name")
			if rapid.IntRange(0, 9).Draw(t, "file") == 0 {
				edits[i].Content = []byte("x")
			}
		}
		var all []Edit
		for _, group := range divide(edits) {
			all = append(all, group...)
			files := 0
			for i, e := range group {
				if e.Content != nil {
					files++
				}
				for _, o := range group[:i] {
					if e.External == o.External || strings.HasPrefix(e.External, o.External+attachmentMark) || strings.HasPrefix(o.External, e.External+attachmentMark) {
						t.Fatalf("%q and %q are in one group", o.External, e.External)
					}
				}
			}
			if len(group) == 0 || len(group) > groupEdits || files > groupBytes/leastFile {
				t.Fatalf("a group of %d edits, %d files", len(group), files)
			}
		}
		if d := cmp.Diff(edits, slices.Clip(all)); d != "" && len(edits) > 0 {
			t.Fatal(d)
		}
	})
}

// TestDivideAsLittleAsNeeded: documents of one container do not meet.
func TestDivideAsLittleAsNeeded(t *testing.T) {
	t.Parallel()
	var edits []Edit
	for _, name := range []string{"lib.jar!/a", "lib.jar!/b", "lib.jarx", "lib"} {
		edits = append(edits, Edit{Push: Push{External: name, Text: strings.Repeat("x", groupBytes/4)}})
	}
	if n := len(divide(edits)); n != 1 {
		t.Errorf("%d groups, want one", n)
	}
	edits[3].Text += "x"
	if n := len(divide(edits)); n != 2 {
		t.Errorf("%d groups of more bytes than one holds, want two", n)
	}
}
