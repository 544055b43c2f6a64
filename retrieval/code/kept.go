package code

import (
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/klauspost/compress/s2"

	"github.com/cairnhq/cairn"
)

// What a searcher keeps of texts: bytes, compressed, and for how long after their last use.
const (
	mostKept = 96 << 20
	keptFor  = 10 * time.Minute
)

// keptTexts are texts that were read lately, compressed. They only tell which files of its
// viewer a search need not read again, since nothing matches in them or much else looks
// better: what it shows is always read by its viewer.
type keptTexts struct {
	mu    sync.Mutex
	texts *simplelru.LRU[keptKey, keptText]
	bytes int
	sweep *time.Timer // runs while there are texts
}

type keptKey struct {
	document cairn.DocumentID
	version  cairn.Version
}

type keptText struct {
	packed []byte
	used   time.Time
}

func newKeptTexts() *keptTexts {
	k := &keptTexts{}
	// The number is no bound, bytes are; an error is of a number below one.
	k.texts, _ = simplelru.NewLRU(1<<30, func(_ keptKey, t keptText) { k.bytes -= len(t.packed) })
	return k
}

// get returns a text, in memory of its own.
func (k *keptTexts) get(key keptKey) ([]byte, bool) {
	k.mu.Lock()
	t, ok := k.texts.Get(key)
	if ok {
		t.used = time.Now()
		k.texts.Add(key, t)
	}
	k.mu.Unlock()
	if !ok {
		return nil, false
	}
	text, err := s2.Decode(nil, t.packed)
	return text, err == nil
}

// put keeps a text, and lets go of those that were not used for long, or are too many.
func (k *keptTexts) put(key keptKey, text []byte) {
	k.mu.Lock()
	known := k.texts.Contains(key)
	k.mu.Unlock()
	if known {
		return
	}
	packed := s2.Encode(nil, text)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.texts.Contains(key) { // another search was quicker
		return
	}
	k.texts.Add(key, keptText{slices.Clone(packed), time.Now()})
	k.bytes += len(packed)
	k.dropLocked()
	if k.sweep == nil {
		k.sweep = time.AfterFunc(keptFor, k.drop)
	}
}

// drop lets go of what was not used for long, now and whenever something may be due: what
// is erased does not stay in memory because nobody searches.
func (k *keptTexts) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dropLocked()
	if _, oldest, ok := k.texts.GetOldest(); ok {
		k.sweep.Reset(keptFor - time.Since(oldest.used))
	} else {
		k.sweep = nil
	}
}

func (k *keptTexts) dropLocked() {
	for {
		_, oldest, ok := k.texts.GetOldest()
		if !ok || k.bytes <= mostKept && time.Since(oldest.used) < keptFor {
			return
		}
		k.texts.RemoveOldest()
	}
}
