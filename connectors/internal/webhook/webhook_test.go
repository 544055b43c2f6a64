package webhook

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// TestSignedVectors has the examples that GitHub ("Validating webhook deliveries") and
// Atlassian ("Webhooks", Jira Cloud platform) publish.
func TestSignedVectors(t *testing.T) {
	t.Parallel()
	const (
		secret    = "It's a Secret to Everybody"
		github    = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" // of "Hello, World!"
		atlassian = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9" // of "Hello World!"
	)
	for _, c := range []struct {
		name, secret, header, body string
		ok                         bool
	}{
		{"GitHub's example", secret, "sha256=" + github, "Hello, World!", true},
		{"Atlassian's example", secret, "sha256=" + atlassian, "Hello World!", true},
		{"in capitals", secret, "sha256=" + strings.ToUpper(github), "Hello, World!", true},
		{"of another body", secret, "sha256=" + github, "Hello World!", false},
		{"of another secret", secret + ".", "sha256=" + github, "Hello, World!", false},
		{"without its method", secret, github, "Hello, World!", false},
		{"of another method", secret, "sha1=" + github, "Hello, World!", false},
		{"cut short", secret, "sha256=" + github[:32], "Hello, World!", false},
		{"with more behind it", secret, "sha256=" + github + "00", "Hello, World!", false},
		{"no digits", secret, "sha256=" + github[:62] + "xy", "Hello, World!", false},
		{"nothing", secret, "sha256=", "Hello, World!", false},
		{"no header", secret, "", "Hello, World!", false},
		// HMAC of nothing under no key: whoever has no secret set believes nobody.
		{"no secret", "", "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", "", false},
	} {
		d := connectors.Delivery{Header: http.Header{"X-Hub-Signature": {c.header}}, Body: []byte(c.body)}
		err := Signed("X-Hub-Signature")(cairn.NewSecret(c.secret), d)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, connectors.ErrUnsigned) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestReadIsForgiving(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "[]", `"x"`, "1", `{"a":`, `{} {}`, "\x00"} {
		if _, err := Read(connectors.Delivery{Body: []byte(body)}); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%q: %v", body, err)
		}
	}
	f, err := Read(connectors.Delivery{Body: []byte(`{"text": "x", "number": 7, "object": {"text": "y"}, "list": [{"text": "z"}], "mixed": [1], "yes": true}`)})
	if err != nil {
		t.Fatal(err)
	}
	if f.Text("text") != "x" || f.Text("number") != "" || f.Text("nowhere") != "" || f.Object("object").Text("text") != "y" ||
		f.Object("text").Object("deeper").Text("text") != "" || len(f.Objects("list")) != 1 || f.Objects("list")[0].Text("text") != "z" ||
		len(f.Objects("mixed")) != 0 || !f.True("yes") || f.True("text") {
		t.Errorf("read wrongly: %v", f)
	}
}
