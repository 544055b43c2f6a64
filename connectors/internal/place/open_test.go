package place

import (
	"os"
	"path/filepath"
	"testing"
)

// A link that takes the place of the folder after the check.
func TestOpenStaysWithinTheAllowedRoot(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "allowed"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "allowed", "docs")); err != nil {
		t.Fatal(err)
	}
	r := Resolved{Path: filepath.Join(dir, "allowed", "docs"), Within: filepath.Join(dir, "allowed")}
	if root, err := r.Open(); err == nil {
		t.Errorf("opened %s", root.Name())
	}
}
