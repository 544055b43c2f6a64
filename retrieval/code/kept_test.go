package code

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

func TestKeptTexts(t *testing.T) {
	k := newKeptTexts()
	now := time.Now()
	k.now = func() time.Time { return now }
	a, b := keptKey{"a", "1"}, keptKey{"b", "1"}
	has := func(key keptKey, want string) {
		t.Helper()
		if got, ok := k.get(key); string(got) != want || ok != (want != "") {
			t.Errorf("%s: %q", key.document, got)
		}
	}
	k.put(a, []byte("text of a"))
	k.put(a, []byte("text of a"))
	has(a, "text of a")
	has(keptKey{"a", "2"}, "")
	now = now.Add(keptFor - time.Second)
	has(a, "text of a")
	now = now.Add(keptFor - time.Second)
	k.put(b, []byte("text of b"))
	has(a, "text of a") // it was used in between
	now = now.Add(keptFor - time.Second)
	has(b, "text of b")
	now = now.Add(2 * time.Second)
	k.put(keptKey{"c", "1"}, []byte("text of c"))
	has(a, "")
	has(b, "text of b")

	noise := make([]byte, 8<<20)
	_, _ = rand.Read(noise) // never fails
	for i := range mostKept/len(noise) + 3 {
		k.put(keptKey{cairn.DocumentID("noise"), cairn.Version(rune('0' + i))}, noise)
	}
	has(b, "")
	kept := 0
	for _, text := range k.texts.Values() {
		kept += len(text.packed)
	}
	if k.bytes != kept || kept > mostKept || kept < mostKept-len(noise)-len(noise)/2 {
		t.Errorf("%d bytes are kept, and %d counted", kept, k.bytes)
	}
	if got, _ := k.get(keptKey{"noise", cairn.Version(rune('0' + mostKept/len(noise) + 2))}); !bytes.Equal(got, noise) {
		t.Error("what was put last is not kept")
	}
}
