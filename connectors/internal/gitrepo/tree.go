package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Tree is what a commit holds.
type Tree struct {
	Commit string
	Branch string // that it is the head of; empty when the host does not tell
	Files  []File // by path
}

// File is one file of a tree.
type File struct {
	Path   string // as git has it, which need not be UTF-8
	OID    string // of its content
	Size   int64  // -1: it is not here, since it is larger than what is fetched
	folder string // id of the folder that it lies in; empty: the outermost
}

// errTree is the error of a listing that cannot be read.
var errTree = errors.New("git: the listing of a folder cannot be read")

// tree lists a commit: regular files alone. Symbolic links are not followed, what they
// lead to is read in its own place; submodules are other repositories.
func (k *clone) tree(ctx context.Context, commit string) (*Tree, error) {
	out, err := k.git("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit).output(ctx)
	if err != nil {
		return nil, err
	}
	t := &Tree{Commit: commit}
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
			t.Files = append(t.Files, File{Path: path, OID: oid, folder: folders[folder], Size: size})
		}
	}
	slices.SortFunc(t.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	t.Files = slices.CompactFunc(t.Files, func(a, b File) bool { return a.Path == b.Path })
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
func (t *Tree) incomplete(large map[string]bool) []string {
	seen := map[string]bool{}
	var out []string
	for _, f := range t.Files {
		if f.Size < 0 && !large[f.OID] && !seen[f.folder] {
			seen[f.folder] = true
			out = append(out, f.folder)
		}
	}
	return out
}
