package gitrepo

import (
	"context"
	"slices"
	"strings"
)

// Pending is a file that is to be told, with the commit that gave it its content.
type Pending struct {
	File
	Origin Origin
}

// Pending returns those files of a tree, by path, that are to be told after a position.
// wanted are the files of the tree that are documents. decides, which may be nil, reports
// whether a file says which files those are: when one has changed, all are told.
func (r *Repository) Pending(ctx context.Context, commit string, wanted []File, p Position, decides func(path string) bool) ([]Pending, error) {
	v := view{clone: r.clone, commit: commit, wanted: wanted, decides: decides}
	var out []Pending
	whole := map[string]string{} // paths whose commit is not known yet, with their content
	for _, span := range p.Files {
		told := map[string]Origin{}
		var differing map[string]bool
		known := false
		if span.Commit != "" {
			var err error
			if told, differing, known, err = v.since(ctx, span.Commit); err != nil {
				return nil, err
			}
		}
		for _, f := range wanted {
			if p.spanOf(f.Path) != span.end() {
				continue
			}
			origin, touched := told[f.Path]
			if known && !touched && !differing[f.Path] {
				continue
			}
			out = append(out, Pending{f, origin})
			if !touched {
				whole[f.Path] = f.OID
			}
		}
	}
	slices.SortFunc(out, func(a, b Pending) int { return strings.Compare(a.Path, b.Path) })
	if len(whole) == 0 {
		return out, nil
	}
	found, err := r.clone.last(ctx, "", commit, whole, true)
	for i, f := range out {
		if origin, ok := found[f.Path]; ok {
			out[i].Origin = origin
		}
	}
	return out, err
}

// Former returns the paths that files had at a position and have no longer, by those
// that they have at a commit, whose files are given: of files that were moved, also when
// they were changed.
func (r *Repository) Former(ctx context.Context, commit string, files []File, p Position) (map[string]string, error) {
	there := make(map[string]bool, len(files))
	for _, f := range files {
		there[f.Path] = true
	}
	former := map[string]string{}
	for _, span := range p.Files {
		if span.Commit == "" || span.Commit == commit {
			continue
		}
		if has, err := r.clone.has(ctx, span.Commit); err != nil || has != span.Commit {
			continue // a copy that is new, or a branch that was replaced
		}
		found, err := r.clone.renames(ctx, span.Commit, commit)
		if err != nil {
			return nil, err
		}
		for to, from := range found {
			if !there[from] && p.spanOf(from) == span.end() {
				former[to] = from
			}
		}
	}
	return former, nil
}

// view is what a commit holds, as far as it is documents.
type view struct {
	clone   *clone
	commit  string
	wanted  []File
	decides func(path string) bool
}

// since returns what commits changed since one, and in what the two differ; known is
// false where that cannot be told, or is not enough: the commit is gone or was replaced,
// or what says which files are read has changed.
func (v *view) since(ctx context.Context, since string) (told map[string]Origin, differing map[string]bool, known bool, err error) {
	if since == v.commit {
		return nil, nil, true, nil
	}
	if known, err = v.clone.leads(ctx, since, v.commit); err != nil || !known {
		return nil, nil, false, err
	}
	if differing, err = v.clone.differing(ctx, since, v.commit); err != nil {
		return nil, nil, false, err
	}
	for p := range differing {
		if v.decides != nil && v.decides(p) {
			return nil, nil, false, nil
		}
	}
	content := make(map[string]string, len(v.wanted))
	for _, f := range v.wanted {
		content[f.Path] = f.OID
	}
	told, err = v.clone.last(ctx, since, v.commit, content, false)
	return told, differing, err == nil, err
}
