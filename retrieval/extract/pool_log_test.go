package extract

import "testing"

// What a program panicked with may quote the document, and does not get into the log.
func TestTracesAreLoggedWithoutValues(t *testing.T) {
	for stderr, want := range map[string]string{
		"":                     "",
		"fatal: out of memory": "fatal: out of memory",
		"panic: bad word ada":  "panic: …",
		"x\npanic: bad\nword ada\n\ngoroutine 1 [running]:\nmain":                   "x\npanic: …\n\ngoroutine 1 [running]:\nmain",
		"panic: runtime error: index out of range [3] with length 2\n\ngoroutine 1": "panic: runtime error: index out of range [3] with length 2\n\ngoroutine 1",
	} {
		if got := withoutValue(stderr); got != want {
			t.Errorf("%q: %q, want %q", stderr, got, want)
		}
	}
}

func TestFilesAreLoggedWithoutNames(t *testing.T) {
	for name, want := range map[string]string{"a.pdf": ".pdf", "a": "", "list.jsonl": ".jsonl", "offer.for ada byron": ""} {
		if got := shortExtension(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
