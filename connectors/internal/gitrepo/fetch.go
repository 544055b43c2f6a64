package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// upToSize filters out what is larger than maxSize.
func (k *clone) upToSize() string { return fmt.Sprintf("blob:limit=%d", k.maxSize+1) }

// fetch fetches what refspecs name. The mode of a partial clone keeps git from asking
// whether all is there.
func (k *clone) fetch(ctx context.Context, config map[string]string, filter string, refspecs ...string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no", "--filter=" + filter}
	if config != nil {
		args = append(args, "--refetch")
	}
	_, err := k.reach(ctx, config, []byte(strings.Join(refspecs, "\n")+"\n"), append(args, "--stdin", "origin")...)
	return err
}

// mostFolders is how many folders are asked for one by one before the whole is.
const mostFolders = 50

// complete returns what a commit holds, after fetching the files that are missing: all of
// them the first time; later one that was there long ago and is again, which the host
// believes is here. Those that are missing afterwards are larger than maxSize, which is
// noted.
func (k *clone) complete(ctx context.Context, commit string) (*Tree, error) {
	large, err := k.large()
	if err != nil {
		return nil, err
	}
	t, err := k.tree(ctx, commit)
	if err != nil {
		return nil, err
	}
	folders := t.incomplete(large)
	if len(folders) == 0 {
		return t, nil
	}
	if len(folders) > mostFolders || slices.Contains(folders, "") {
		root, err := k.git("rev-parse", "--verify", "--end-of-options", commit+"^{tree}").output(ctx)
		if err != nil {
			return nil, err
		}
		folders = []string{strings.TrimSpace(string(root))}
	}
	all := map[string]string{"fetch.negotiationAlgorithm": "noop"}
	err = k.fetch(ctx, all, k.upToSize(), folders...)
	if failed := (*errFailed)(nil); errors.As(err, &failed) {
		// A host that gives out nothing but commits sends them all again, with files.
		err = k.fetch(ctx, all, k.upToSize(), "+"+k.ref+":"+fresh)
	}
	if err != nil {
		return nil, err
	}
	if t, err = k.tree(ctx, commit); err != nil {
		return nil, err
	}
	return t, k.noteLarge(t, large)
}

// large returns the ids of files that are known to be larger than maxSize.
func (k *clone) large() (map[string]bool, error) {
	b, err := os.ReadFile(filepath.Join(k.dir, "cairn-large"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the copy of the repository: %w", err)
	}
	out := map[string]bool{}
	for oid := range strings.FieldsSeq(string(b)) {
		out[oid] = true
	}
	return out, nil
}

func (k *clone) noteLarge(t *Tree, known map[string]bool) error {
	var b strings.Builder
	for _, f := range t.Files {
		if f.Size < 0 {
			known[f.OID] = true
		}
	}
	for oid := range known {
		b.WriteString(oid + "\n")
	}
	return os.WriteFile(filepath.Join(k.dir, "cairn-large"), []byte(b.String()), 0o600)
}

// mostPacks is how many packs, of which each fetch leaves one, are read side by side.
const mostPacks = 20

// tidy makes one pack of many.
func (k *clone) tidy(ctx context.Context) error {
	packs, err := filepath.Glob(filepath.Join(k.dir, "objects", "pack", "*.pack"))
	if err != nil || len(packs) <= mostPacks {
		return err
	}
	c := k.git("repack", "-a", "-d", "--quiet", "--window-memory=64m", "--threads=1")
	c.Config = map[string]string{"extensions.partialClone": "origin", "remote.origin.promisor": "true"}
	_, err = c.output(ctx)
	return errors.Join(err, k.plain())
}
