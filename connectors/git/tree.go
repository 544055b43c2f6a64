package git

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// tree is what a commit holds.
type tree struct {
	files []file // by path
}

// file is one file of a tree.
type file struct {
	path   string
	oid    string // of its content
	folder string // id of the folder that it lies in; empty: the outermost
	size   int64  // -1: it is not here
}

// errTree is the error of a listing that cannot be read.
var errTree = errors.New("git: the listing of a folder cannot be read")

// tree lists a commit: regular files alone. Symbolic links are not followed, what they
// lead to is read in its own place; submodules are other repositories.
func (k *clone) tree(ctx context.Context, commit string) (*tree, error) {
	out, err := k.git("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit).output(ctx)
	if err != nil {
		return nil, err
	}
	t := &tree{}
	folders := map[string]string{}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
		if len(line) == 0 {
			continue
		}
		about, path, ok := strings.Cut(string(line), "\t")
		fields := strings.Fields(about)
		if !ok || len(fields) != 4 {
			return nil, errTree
		}
		if !ordinary(path) {
			continue
		}
		folder := path[:strings.LastIndexByte(path, '/')+1]
		switch mode, oid := fields[0], fields[2]; {
		case fields[1] == "tree":
			folders[path+"/"] = oid
		case mode == "100644" || mode == "100755" || mode == "100664":
			size, err := strconv.ParseInt(fields[3], 10, 64)
			if err != nil {
				size = -1
			}
			t.files = append(t.files, file{path: path, oid: oid, folder: folders[folder], size: size})
		}
	}
	slices.SortFunc(t.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	t.files = slices.CompactFunc(t.files, func(a, b file) bool { return a.path == b.path })
	return t, nil
}

// ordinary reports whether git itself would make such a path.
func ordinary(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// incomplete returns the folders of files that are missing and not known to be large.
func (t *tree) incomplete(large map[string]bool) []string {
	seen := map[string]bool{}
	var out []string
	for _, f := range t.files {
		if f.size < 0 && !large[f.oid] && !seen[f.folder] {
			seen[f.folder] = true
			out = append(out, f.folder)
		}
	}
	return out
}
