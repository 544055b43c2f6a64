package git

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// textless are the extensions of files in which nobody looks for text, although a
// repository has many: they are passed over, where others that cannot be read are
// reported.
var textless = func() map[string]bool {
	out := map[string]bool{}
	for ext := range strings.FieldsSeq(".png .jpg .jpeg .gif .webp .avif .heic .bmp .tif .tiff .ico .icns .psd .ai .eps .svg .mp3 .wav .ogg .flac " +
		".m4a .mp4 .mov .avi .mkv .webm .ttf .otf .woff .woff2 .eot .o .a .so .dylib .dll .exe .lib .obj .pdb .class .jar .war .pyc .pyo .wasm " +
		".zip .gz .tgz .bz2 .xz .zst .7z .rar .tar .iso .dmg .deb .rpm .apk .bin .dat .db .sqlite .parquet .npy .pt .onnx .safetensors .gguf " +
		".keystore .p12 .pfx .lock .sum .map") {
		out[ext] = true
	}
	return out
}()

// choose returns the files of a tree that are documents of the source.
func (r *Repository) choose(ctx context.Context, t *gitrepo.Tree) ([]gitrepo.File, error) {
	c := &chooser{config: r.config, ignores: map[string]selection.IgnoreFile{}, folders: map[string]verdict{}}
	for _, f := range t.Files {
		if path.Base(f.Path) != selection.IgnoreName {
			continue
		}
		if f.Size < 0 || f.Size > selection.LargestIgnore {
			return nil, fmt.Errorf("git: a %s is larger than %d bytes", selection.IgnoreName, selection.LargestIgnore)
		}
		text, err := r.repository.Read(ctx, f)
		if err != nil {
			return nil, err
		}
		folder := strings.TrimSuffix(f.Path, selection.IgnoreName)
		c.ignores[folder] = selection.ParseIgnores(folder, string(text))
	}
	var out []gitrepo.File
	for _, f := range t.Files {
		if c.chosen(f.Path) {
			out = append(out, f)
		}
	}
	return out, nil
}

type chooser struct {
	*config
	ignores map[string]selection.IgnoreFile // by folder, with a slash at its end
	folders map[string]verdict
}

// verdict is what holds in a folder.
type verdict struct {
	out     bool
	ignored selection.Ignores
}

func (c *chooser) chosen(p string) bool {
	v := c.folder(p[:strings.LastIndexByte(p, '/')+1])
	name := path.Base(p)
	if v.out || name == selection.IgnoreName || textless[strings.ToLower(path.Ext(name))] || c.exclude.Match(p) || v.ignored.Match(p, false) {
		return false
	}
	return len(c.include) == 0 || c.include.Match(p)
}

// folder says what holds in a folder, which is "" or ends with a slash.
func (c *chooser) folder(p string) verdict {
	if v, known := c.folders[p]; known {
		return v
	}
	var v verdict
	if p != "" {
		above := strings.TrimSuffix(p, "/")
		outer := c.folder(above[:strings.LastIndexByte(above, '/')+1])
		v.ignored = outer.ignored
		v.out = outer.out || c.skip[path.Base(above)] || c.exclude.Match(above) || v.ignored.Match(above, true)
	}
	if more, there := c.ignores[p]; there {
		v.ignored = append(v.ignored[:len(v.ignored):len(v.ignored)], more)
	}
	c.folders[p] = v
	return v
}
