package jobs

import (
	"maps"
	"slices"
	"sync"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// collector collects what the connectors of a run warn of. It may be used by several
// goroutines at once; a nil one drops everything.
type collector struct {
	mu     sync.Mutex
	byCode map[string]cairn.RunWarning
}

// warningsAtMost bounds how many a run has of its connectors.
const warningsAtMost = 20

// add takes over a warning, unless there is one with its code and a larger count.
func (w *collector) add(told connectors.Warning) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	known, again := w.byCode[told.Code]
	if told.Code == "" || told.Count <= 0 || again && known.Count >= told.Count || !again && len(w.byCode) == warningsAtMost {
		return
	}
	if w.byCode == nil {
		w.byCode = make(map[string]cairn.RunWarning)
	}
	w.byCode[told.Code] = cairn.RunWarning(told)
}

// list returns them by code.
func (w *collector) list() []cairn.RunWarning {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []cairn.RunWarning
	for _, code := range slices.Sorted(maps.Keys(w.byCode)) {
		out = append(out, w.byCode[code])
	}
	return out
}
