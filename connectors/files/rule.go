package files

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// rule gives the documents that match a glob to the principals.
type rule struct {
	glob string
	acl  cairn.ACL
	rank rank
}

// rules are ordered from the most specific one.
type rules []rule

// rank says how specific a glob is: how many folders it names before the first
// wildcard, and how many characters it fixes in all.
type rank struct {
	folders int
	fixed   int
}

func (r rank) compare(o rank) int {
	if r.folders != o.folders {
		return r.folders - o.folders
	}
	return r.fixed - o.fixed
}

// parseRules reads GLOB=PRINCIPAL,PRINCIPAL;GLOB=… ; lines separate as well.
func parseRules(text string) (rules, error) {
	var out rules
	for _, part := range selection.Split(text, ";") {
		pattern, principals, ok := strings.Cut(part, "=")
		if !ok {
			return nil, cairn.Errorf(cairn.ErrInvalid, "acl_rules: %q lacks a = between glob and principals, as in hr/**=group:cairn:hr", part)
		}
		glob, err := selection.ParseGlob("acl_rules", strings.TrimSpace(pattern))
		if err != nil {
			return nil, err
		}
		var keys []cairn.PrincipalKey
		for _, key := range selection.Split(principals, ",") {
			keys = append(keys, cairn.PrincipalKey(key))
		}
		if len(keys) == 0 {
			return nil, cairn.Errorf(cairn.ErrInvalid, "acl_rules: nobody is named for %q; leave files out with exclude", pattern)
		}
		acl := cairn.Allow(keys...)
		if err := acl.Validate(); err != nil {
			return nil, cairn.Errorf(cairn.ErrInvalid, "acl_rules: %v", err)
		}
		if slices.ContainsFunc(out, func(r rule) bool { return r.glob == glob }) {
			return nil, cairn.Errorf(cairn.ErrInvalid, "acl_rules: there are two rules for %q", pattern)
		}
		out = append(out, rule{glob: glob, acl: acl, rank: rankOf(glob)})
	}
	slices.SortStableFunc(out, func(a, b rule) int { return b.rank.compare(a.rank) })
	return out, nil
}

func rankOf(glob string) rank {
	var r rank
	prefix := glob
	if i := strings.IndexAny(glob, "*?[{\\"); i >= 0 {
		prefix = glob[:i]
	} else {
		r.folders++ // the name itself
	}
	r.folders += strings.Count(prefix, "/")
	for _, c := range glob {
		if !strings.ContainsRune("*?[]{}/", c) {
			r.fixed++
		}
	}
	return r
}

// acl returns what the most specific matching rule says, nil without one.
func (rs rules) acl(path string) *cairn.ACL {
	for _, r := range rs {
		if selection.Matches(r.glob, path) {
			acl := r.acl
			return &acl
		}
	}
	return nil
}
