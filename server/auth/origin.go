package auth

import (
	"strings"

	"github.com/cairnhq/cairn"
)

// Origin says why a viewer holds a key.
type Origin struct {
	Key cairn.PrincipalKey
	// From is "account", "address", "directory" or "everyone".
	From string
	// Directory is that of a group.
	Directory string
	// Path leads from a group that the account itself belongs to, over the groups
	// that hold it, to the key: one group when the account belongs to that itself.
	Path []cairn.PrincipalKey
}

// Origins returns where the keys of ViewerOf(h) come from, in their order: those of
// groups over the chains that lead to them.
func Origins(h Holder, chains map[cairn.PrincipalKey][]cairn.PrincipalKey) []Origin {
	keys := ViewerOf(h).Keys
	out := make([]Origin, len(keys))
	for i, key := range keys {
		kind, rest, _ := strings.Cut(string(key), ":")
		out[i] = Origin{Key: key, From: kind}
		switch kind {
		case "user":
			out[i].From = "address"
		case "group":
			out[i].From = "directory"
			out[i].Directory, _, _ = strings.Cut(rest, ":")
			out[i].Path = chains[key]
		}
	}
	return out
}
