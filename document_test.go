package cairn_test

import (
	"testing"

	"github.com/cairnhq/cairn"
)

// A section's anchor is a reference; it never leads to another site.
func TestSectionLink(t *testing.T) {
	const page = "https://acme.example.com/wiki/pages/1?a=b"
	for _, tt := range []struct{ document, anchor, want string }{
		{page, "", page}, {"", "#a", ""}, {"", "?a", ""},
		{page, "#a b", page + "#a b"}, {page + "#x", "#a", page + "#x"},
		{"file:///srv/a.md", "#a", "file:///srv/a.md#a"}, {"file:///srv/a.md", "?a=b", "file:///srv/a.md"}, {"file:///srv/a.md", "b.md", "file:///srv/a.md"},
		{page, "?focusedCommentId=4", "https://acme.example.com/wiki/pages/1?focusedCommentId=4"},
		{page, "2?c=d&e=f#g", "https://acme.example.com/wiki/pages/2?c=d&e=f#g"},
		{page + "#x", "?c=d", "https://acme.example.com/wiki/pages/1?c=d"},
		{page, "/other", "https://acme.example.com/other"},
		{page, "https://acme.example.com/other#a", "https://acme.example.com/other#a"},
		{page, "https://acme.example.org/", page}, {page, "//acme.example.org/", page}, {page, "http://acme.example.com/", page},
		{page, "https://acme.example.com:8443/", page}, {page, "https://acme.example.com@evil.test/", page}, {page, "https://ann@acme.example.com/", page},
		{page, "javascript:alert(1)", page}, {page, "https:evil", page}, {page, "\thttps://evil.test", page}, {page, "%zz", page}, {page, "data:text/html,x", page},
		{page, `/\evil.test/`, "https://acme.example.com/%5Cevil.test/"},
		{"ftp://acme.example.com/a", "b", "ftp://acme.example.com/a"}, {"https://[", "?a", "https://["},
	} {
		if got := (cairn.Section{Anchor: tt.anchor}).Link(tt.document); got != tt.want {
			t.Errorf("%q of %q leads to %q; want %q", tt.anchor, tt.document, got, tt.want)
		}
	}
}
