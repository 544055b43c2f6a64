package ingest

import "strings"

// A group is small enough that the next one is prepared while it is stored, and
// that little text is in memory: a short file may hold much.
const (
	groupEdits = 200
	groupBytes = 4 << 20
	leastFile  = 256 << 10 // what a file counts at least
)

// divide cuts edits into groups in which no edit has to do with another: each is
// of another document, and none of one that may be attached to another's.
func divide(edits []Edit) [][]Edit {
	var groups [][]Edit
	from, size, at := 0, 0, newPlaces()
	for i, e := range edits {
		weight := len(e.Text)
		if e.Content != nil {
			weight = max(len(e.Content), leastFile)
		}
		if i > from && (i-from == groupEdits || size+weight > groupBytes || at.meets(e.External)) {
			groups = append(groups, edits[from:i])
			from, size, at = i, 0, newPlaces()
		}
		at.add(e.External)
		size += weight
	}
	if from < len(edits) {
		groups = append(groups, edits[from:])
	}
	return groups
}

// places are external ids of documents, with the ids of those that they would be
// attached to.
type places struct{ names, above map[string]bool }

func newPlaces() places { return places{map[string]bool{}, map[string]bool{}} }

func (p places) add(external string) {
	p.names[external] = true
	for _, a := range ancestors(external) {
		p.above[a] = true
	}
}

// meets reports whether a name is there, or one above or below it.
func (p places) meets(external string) bool {
	if p.names[external] || p.above[external] {
		return true
	}
	for _, a := range ancestors(external) {
		if p.names[a] {
			return true
		}
	}
	return false
}

// ancestors returns the documents that one of this name may be attached to.
func ancestors(external string) []string {
	var all []string
	for at := 0; ; {
		i := strings.Index(external[at:], attachmentMark)
		if i < 0 {
			return all
		}
		all = append(all, external[:at+i])
		at += i + len(attachmentMark)
	}
}
