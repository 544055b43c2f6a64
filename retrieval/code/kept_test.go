package code

import (
	"bytes"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnhq/cairn"
)

func TestKeptTexts(t *testing.T) { synctest.Test(t, testKeptTexts) }

func testKeptTexts(t *testing.T) {
	k := newKeptTexts()
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
	time.Sleep(keptFor - time.Second)
	has(a, "text of a")
	time.Sleep(keptFor - time.Second)
	k.put(b, []byte("text of b"))
	has(a, "text of a") // it was used in between
	time.Sleep(keptFor - time.Second)
	has(b, "text of b")
	time.Sleep(2 * time.Second)
	synctest.Wait()
	if n := k.texts.Len(); n != 1 || k.bytes == 0 { // though nothing was put
		t.Errorf("%d texts of %d bytes are kept", n, k.bytes)
	}
	has(b, "text of b")
	time.Sleep(keptFor + time.Second)
	synctest.Wait()
	if n := k.texts.Len(); n != 0 || k.bytes != 0 || k.sweep != nil {
		t.Errorf("%d texts of %d bytes are kept", n, k.bytes)
	}

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
