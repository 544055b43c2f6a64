package files_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cairnhq/cairn/connectors"
)

// Somebody exchanges a file, or its folder, for a link to a place inside where
// another rule holds, again and again while the file is read.
func TestExchangingNeverLeaks(t *testing.T) {
	for place, target := range map[string]string{"pub/a.md": "salaries.md", "pub": "hr"} {
		t.Run(filepath.Base(place), func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"pub/a.md": "public", "pub/salaries.md": "secret", "hr/a.md": "secret"})
			a := found(t, open(t, connectors.Environment{}, map[string]string{"path": dir}))["pub/a.md"]
			place, link := filepath.Join(dir, place), filepath.Join(filepath.Dir(filepath.Join(dir, place)), "link")
			if err := os.Symlink(target, link); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			stopped := make(chan struct{})
			go func() {
				defer close(stopped)
				for ctx.Err() == nil {
					if err := unix.Renameat2(unix.AT_FDCWD, place, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE); err != nil {
						t.Error(err)
						return
					}
				}
			}()
			got := map[string]int{}
			for ctx.Err() == nil {
				text, err := read(t, a)
				if err != nil {
					text = code(err)
				}
				got[text]++
			}
			<-stopped
			if got["secret"] > 0 || got["public"] == 0 {
				t.Errorf("the reads gave %v", got)
			}
		})
	}
}
