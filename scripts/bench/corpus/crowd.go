package corpus

import (
	"fmt"
	"iter"

	"github.com/cairnhq/cairn"
)

// Crowd is a corpus in which every document has permissions of its own: as many
// classes as documents. One viewer may read every third of them.
type Crowd struct{ Docs int }

// Settings implements Corpus.
func (c Crowd) Settings() any { return []any{"crowd", 1, c.Docs} }

// Sources implements Corpus.
func (c Crowd) Sources() []string { return []string{"crowd"} }

// ClassOf implements Corpus.
func (c Crowd) ClassOf() []int {
	of := make([]int, c.Docs)
	for i := range of {
		of[i] = i
	}
	return of
}

// Permissions implements Corpus: there are no shares.
func (c Crowd) Permissions() *Permissions { return newPermissions(nil) }

// Viewer returns the viewer who may read every third document.
func (c Crowd) Viewer() cairn.Viewer {
	return cairn.Viewer{Account: "bench-crowd", Keys: []cairn.PrincipalKey{cairn.Everyone, crowdKey}}
}

const crowdKey cairn.PrincipalKey = "group:cairn:crowd"

// Document returns the document of a number.
func (c Crowd) Document(n int) Doc {
	keys := []cairn.PrincipalKey{cairn.GroupKey("cairn", fmt.Sprintf("one-%07d", n))}
	if n%3 == 0 {
		keys = append(keys, crowdKey)
	}
	body := []byte(word(uint64(n%1000)) + " " + word(uint64(n%7)))
	return Doc{Number: n, Class: n, Topic: 0, Source: "crowd", Document: cairn.Document{
		ID: ID(n), External: fmt.Sprint(n), Version: cairn.VersionOf(body), Kind: cairn.KindText, Title: word(uint64(n)),
		Body: body, Language: "en", ACL: cairn.Allow(keys...),
	}}
}

// Documents implements Corpus.
func (c Crowd) Documents() iter.Seq[Doc] {
	return func(yield func(Doc) bool) {
		for n := range c.Docs {
			if !yield(c.Document(n)) {
				return
			}
		}
	}
}
