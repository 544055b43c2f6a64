package eval

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
)

func someDocuments(end error) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		if yield(Document{ID: "a", Title: "A <b>", Text: "x\ny"}, nil) && yield(Document{ID: "b", Text: "z"}, nil) && end != nil {
			yield(Document{}, end)
		}
	}
}

func TestDraftCanBeLoaded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	d := Draft{
		Queries: []DraftQuery{{ID: "q", Text: "Which?", Answer: "A.", Relevant: map[string]int{"a": 1, "b": 2}}},
		Review:  []Review{{ID: "r", Text: "Bad?"}},
	}
	if err := os.Mkdir(dir, 0o755); err != nil { // an empty folder is no obstacle
		t.Fatal(err)
	}
	if err := d.Write(dir, someDocuments(nil)); err != nil {
		t.Fatal(err)
	}
	set, err := Load(dir)
	want := &Set{
		Name: "mine", Documents: []Document{{ID: "a", Title: "A <b>", Text: "x\ny"}, {ID: "b", Text: "z"}},
		Queries: []Query{{ID: "q", Text: "Which?", Answer: "A.", Relevant: map[string]int{"a": 1, "b": 2}}},
	}
	if diff := cmp.Diff(want, set); err != nil || diff != "" {
		t.Errorf("%v (-written +loaded):\n%s", err, diff)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may enter the folder: %v, %v", info.Mode(), err)
	}
	if err := d.Write(dir, someDocuments(nil)); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("a second time: %v", err)
	}
}

func TestDraftIsWholeOrNot(t *testing.T) {
	parent := t.TempDir()
	broken := errors.New("the server is gone")
	if err := (Draft{}).Write(filepath.Join(parent, "set"), someDocuments(broken)); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("%v is left over, %v", left, err)
	}
}
