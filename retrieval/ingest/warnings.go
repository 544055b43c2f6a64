package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/cairnhq/cairn"
)

// warnings counts what an administrator should know of a run.
type warnings struct {
	failed     map[string]int // documents that could not be read, by the codes of their errors
	incomplete int            // listings
}

// failure counts a document that could not be read.
func (w *warnings) failure(code string) {
	if w.failed == nil {
		w.failed = make(map[string]int)
	}
	w.failed[code]++
}

// codesAtMost bounds how many causes of failures are told.
const codesAtMost = 20

// list returns what was counted: the most frequent failures first.
func (w *warnings) list() []cairn.RunWarning {
	var out []cairn.RunWarning
	if w.incomplete > 0 {
		out = append(out, cairn.RunWarning{Code: "incomplete_listing", Count: w.incomplete,
			Message: "The source could not list all that it has: what has vanished from it is not removed before it can."})
	}
	codes := slices.SortedFunc(maps.Keys(w.failed), func(a, b string) int {
		return cmp.Or(cmp.Compare(w.failed[b], w.failed[a]), cmp.Compare(a, b))
	})
	for _, code := range codes[:min(len(codes), codesAtMost)] {
		out = append(out, cairn.RunWarning{Code: code, Count: w.failed[code],
			Message: fmt.Sprintf("Documents that could not be read (%s): the errors of the source name them.", code)})
	}
	return out
}
