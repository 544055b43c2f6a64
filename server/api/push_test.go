package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

const inbox = "/api/v1/sources/inbox/documents"

func TestPushIsFoundAtOnce(t *testing.T) {
	w := newWorld(t)
	got := w.call(w.ann, "PUT", inbox+"?id=wiki%2F42", `{"title":"Fleet","text":"Cars are blue.","updated_at":"2026-11-01T10:00:00+02:00","attributes":{"team":"ops"}}`)
	var made struct{ ID, Version string }
	got.into(t, &made)
	if got.status != 201 || made.ID == "" || made.Version != string(cairn.VersionOf([]byte("Cars are blue."))) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if r := w.search(w.ann, `{"query":"Cars are blue"}`); len(r.Results) != 1 {
		t.Errorf("found %+v", r)
	}
	if r := w.search(w.bob, `{"query":"Cars are blue"}`); len(r.Results) != 0 { // the source's ACL: finance
		t.Errorf("bob found %+v", r)
	}
	again := w.call(w.root, "PUT", inbox+"?id=wiki%2F42", `{"title":"Fleet","text":"Cars are red.","acl":{"allow":[["everyone"]],"deny":["user:ann@acme.com"]}}`)
	var same struct{ ID string }
	again.into(t, &same)
	if again.status != 200 || same.ID != made.ID {
		t.Errorf("%d %s; want the same id", again.status, again.body)
	}
	if w.search(w.bob, `{"query":"Cars are red"}`).Results == nil || len(w.search(w.ann, `{"query":"Cars are red"}`).Results) != 0 {
		t.Error("the document's own acl does not hold")
	}
	if got := w.call(w.ann, "DELETE", inbox+"?id=wiki%2F42", ""); got.status != 204 {
		t.Errorf("delete: %d %s", got.status, got.body)
	}
	if got := w.call(w.ann, "DELETE", inbox+"?id=wiki%2F42", ""); got.status != 404 {
		t.Errorf("delete again: %d", got.status)
	}
}

// TestBatchOfAnotherShape is told line by line what a line is.
func TestBatchOfAnotherShape(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		`[{"id":"a","title":"A","text":"x"}]`:      `line 1: it must be an object, not array; send one JSON object a line`,
		"{\n" + `"id":"a","title":"A","text":"x"}`: `line 1: it is not a JSON object: unexpected EOF; send one JSON object a line`,
	} {
		got := w.call(w.ann, "POST", inbox+"/batch", body, "Content-Type", "application/x-ndjson")
		if got.status != 200 || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %d %s; want %q", body, got.status, got.body, want)
		}
	}
}

func TestPushedAreListed(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b/2"} {
		w.call(w.ann, "PUT", inbox+"?id="+url.QueryEscape(name), `{"title":"T","text":"Text.","acl":{"allow":[]}}`)
	}
	var page struct {
		Documents []struct {
			External string `json:"external_id"`
			ID       string `json:"document_id"`
		}
		Next *string `json:"next_cursor"`
	}
	var names []string
	for query := "?limit=1"; ; query = "?limit=1&cursor=" + *page.Next {
		w.call(w.ann, "GET", inbox+query, "").into(t, &page)
		for _, d := range page.Documents {
			names = append(names, d.External)
			if d.ID == "" {
				t.Errorf("%q has no id", d.External)
			}
		}
		if page.Next == nil {
			break
		}
	}
	if !slices.Contains(names, "a") || !slices.Contains(names, "b/2") {
		t.Errorf("listed %q", names)
	}
	if got := w.call(w.bob, "GET", inbox, ""); got.status != 404 {
		t.Errorf("who does not write there: %d %s", got.status, got.body)
	}
	if got := w.call(w.root, "GET", "/api/v1/sources/handbook/documents", ""); got.status != 400 || strings.Contains(string(got.body), "external_id") {
		t.Errorf("no push source: %d %s", got.status, got.body)
	}
	if got := w.call(w.ann, "GET", inbox+"?id=a", ""); got.status != 400 {
		t.Errorf("unknown parameter: %d", got.status)
	}
}

func TestPushThatIsWrong(t *testing.T) {
	w := newWorld(t)
	pdf := base64.StdEncoding.EncodeToString([]byte("%PDF-1.7"))
	cases := []struct{ body, names string }{
		{`{"text":"x"}`, "title"},
		{`{"title":"x"}`, "content_base64"},
		{`{"title":"x","text":" "}`, "text"},
		{`{"title":"x","text":"y","content_base64":"` + pdf + `"}`, "content_base64"},
		{`{"title":"x","content_base64":"` + pdf + `"}`, "media_type"},
		{`{"title":"x","content_base64":"%%%","media_type":"application/pdf"}`, "base64"},
		{`{"title":"x","content_base64":"","media_type":"application/pdf"}`, "empty"},
		{`{"title":"x","content_base64":[37,80],"media_type":"application/pdf"}`, "a string"},
		{`{"title":"x","content_base64":37,"media_type":"application/pdf"}`, "a string"},
		{`{"title":"x","text":"y","url":"javascript:alert(1)"}`, "url"},
		{`{"title":"x","text":"y","url":"//evil.example"}`, "url"},
		{`{"title":"x","text":"y","acl":{"allow":[["all"]]}}`, "all"},
		{`{"title":"x","text":"y","acl":{"alow":[["everyone"]]}}`, "alow"},
		{`{"title":"x","text":"y","acl":{"deny":["everyone"]}}`, "allow"},
		{`{"title":"x","text":"y","updated":"2026-01-01T00:00:00Z"}`, "updated"},
		{`{"title":"x","text":"y","attributes":{"n":1}}`, "strings by name"},
		{`{"title":"x","text":"y","attributes":"n"}`, "strings by name"},
		{`{"title":"x","text":"y","acl":{"allow":["everyone"]}}`, "list of lists"},
		{`{"title":"x","text":"y","acl":"everyone"}`, "list of lists"},
		{`{"title":"x","text":"y","acl":null}`, "null"},
		{`{"title":"x","text":"y","acl":{"allow":[["user:Ann@acme.com"]]}}`, "user:<e-mail in lower case>"},
	}
	for _, c := range cases {
		got := w.call(w.ann, "PUT", inbox+"?id=x", c.body)
		if got.status != 400 || got.code(t) != "invalid" || !strings.Contains(string(got.body), c.names) {
			t.Errorf("%s: %d %s; want 400 that names %q", c.body, got.status, got.body, c.names)
		}
	}
	if got := w.call(w.ann, "PUT", inbox, `{"title":"x","text":"y"}`); got.status != 400 {
		t.Errorf("no id: %d", got.status)
	}
	if got := w.call(w.root, "PUT", "/api/v1/sources/handbook/documents?id=x", `{"title":"x","text":"y"}`); got.status != 400 || !strings.Contains(string(got.body), "push") {
		t.Errorf("not a push source: %d %s", got.status, got.body)
	}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Unmodified-Since"} {
		for _, r := range [][3]string{{"PUT", "?id=x", `{"title":"x","text":"y"}`}, {"DELETE", "?id=x", ""}, {"POST", "/batch", `{"id":"x","title":"x","text":"y"}`}} {
			mediaType := map[bool]string{true: "application/x-ndjson", false: "application/json"}[r[0] == "POST"]
			if got := w.call(w.ann, r[0], inbox+r[1], r[2], name, "*", "Content-Type", mediaType); got.status != 400 || !strings.Contains(string(got.body), name) {
				t.Errorf("%s %s: %d %s", name, r[0], got.status, got.body)
			}
		}
	}
	if len(w.m.documents) != 4 {
		t.Errorf("%d documents; nothing should have been stored", len(w.m.documents))
	}
}

func TestWriters(t *testing.T) {
	ann := cairn.Account{ID: "A1B2", Email: "ann@acme.com"}
	cases := map[string]bool{
		"": false, "ann@acme.com": true, "bob@acme.com, ANN@acme.com": true, "a1b2": true, "xann@acme.com": false, "ann": false, ",": false,
	}
	for writers, want := range cases {
		if got := writes(ann, writers); got != want {
			t.Errorf("%q: %t; want %t", writers, got, want)
		}
	}
	if writes(cairn.Account{ID: "x"}, " ") {
		t.Error("an account without an address is a writer of an empty list")
	}
}

func TestWritersAreThere(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		writers, says string
		ok            bool
	}{
		{"ann@acme.com, bob@acme.com", "2 writers", true},
		{"", "0 writers", true},
		{"ann@acme.com, anne@acme.com", `\"anne@acme.com\" in the setting writers has no account`, false},
	} {
		w.call(w.root, "PATCH", "/api/v1/sources/inbox", fmt.Sprintf(`{"settings":{"writers":%q}}`, c.writers))
		got := w.call(w.root, "POST", "/api/v1/sources/inbox/test", "")
		if got.status != 200 || !strings.Contains(string(got.body), fmt.Sprintf(`"ok":%t`, c.ok)) || !strings.Contains(string(got.body), c.says) {
			t.Errorf("%q: %d %s", c.writers, got.status, got.body)
		}
	}
	w.call(w.root, "PATCH", "/api/v1/sources/inbox", `{"settings":{"writers":"bob@acme.com"}}`)
	w.call(w.root, "PATCH", "/api/v1/users/bob@acme.com", `{"disabled":true}`)
	if got := w.call(w.root, "POST", "/api/v1/sources/inbox/test", ""); !strings.Contains(string(got.body), "is disabled") {
		t.Errorf("a disabled writer: %d %s", got.status, got.body)
	}
}

func TestBatch(t *testing.T) {
	w := newWorld(t)
	body := strings.Join([]string{
		`{"id":"a","title":"A","text":"Alpha."}`,
		``,
		`{"id":"b","title":"B","txt":"Beta."}`,
		`{"id":"c","title":"C","text":"poison"}`,
		`not json`,
		`{"id":"missing","delete":true}`,
		`{"title":"no id","text":"x"}`,
		`{"id":"d","title":"D","text":"Delta."}`,
		`{"id":"a","delete":true}`,
	}, "\n")
	got := w.call(w.ann, "POST", inbox+"/batch", body, "Content-Type", "application/x-ndjson")
	if got.status != 200 || got.header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	want := []string{"a ok", "b invalid", "c invalid", " invalid", "missing not_found", " invalid", "d ok", "a gone"}
	lines := strings.Split(strings.TrimSpace(string(got.body)), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %s", len(lines), got.body)
	}
	for i, line := range lines {
		w.spec.data(t, "PushBatchResult", []byte(line))
		var r struct {
			ID, Document string
			Error        *struct{ Code string }
		}
		if err := json.Unmarshal([]byte(strings.ReplaceAll(line, "document_id", "document")), &r); err != nil {
			t.Fatal(err)
		}
		what := "gone"
		switch {
		case r.Error != nil:
			what = r.Error.Code
		case r.Document != "":
			what = "ok"
		}
		if r.ID+" "+what != want[i] {
			t.Errorf("line %d: %s; want %s", i+1, line, want[i])
		}
	}
	if n := len(w.search(w.ann, `{"query":"Delta."}`).Results); n != 1 {
		t.Errorf("Delta is found %d times", n)
	}
	if n := len(w.search(w.ann, `{"query":"Alpha."}`).Results); n != 0 {
		t.Errorf("Alpha is found %d times after its removal", n)
	}
}

func TestBatchTooLargeStoresNothing(t *testing.T) {
	w := newWorld(t)
	var body strings.Builder
	for i := range maxBatch + 1 {
		fmt.Fprintf(&body, `{"id":"n%d","title":"N","text":"November."}`+"\n", i)
	}
	got := w.call(w.ann, "POST", inbox+"/batch", body.String(), "Content-Type", "application/x-ndjson")
	if got.status != 413 || len(w.m.documents) != 4 {
		t.Errorf("%d, %d documents", got.status, len(w.m.documents))
	}
	if got := w.call(w.ann, "POST", inbox+"/batch", `{"id":"a"}`); got.status != 400 || !strings.Contains(string(got.body), "x-ndjson") {
		t.Errorf("application/json: %d %s", got.status, got.body)
	}
	lines := strings.SplitN(body.String(), "\n", maxBatch+1)[:maxBatch]
	got = w.call(w.ann, "POST", inbox+"/batch", strings.Join(lines, "\n"), "Content-Type", "application/x-ndjson")
	if got.status != 200 || len(w.m.documents) != 4+maxBatch {
		t.Errorf("%d lines: %d, %d documents", maxBatch, got.status, len(w.m.documents))
	}
}

func TestBatchSaysWhichLineIsWrong(t *testing.T) {
	w := newWorld(t)
	body := "\n" + `{"id":"a","title":"A","text":"x","acl":{"allow":[["all"]]}}` + "\n\nno json\n" + `{"id":" ","title":"A","text":"x"}` + "\n" +
		`{"id":7,"title":"A","text":"x"}` + "\n" + `{"id":"b","title":"A","text":"x","delete":"yes"}` + "\n" + `{"id":"c"} {"id":"d"}` + "\n" + `{"id":"e","delete":true,"titel":"x"}` + "\n" +
		`{"id":"f","title":"A","text":"x","Acl":{"allow":[["everyone"]]}}` + "\n" + `{"id":"g","title":"A","text":"x","acl":{"Allow":[["everyone"]]}}`
	got := w.call(w.ann, "POST", inbox+"/batch", body, "Content-Type", "application/x-ndjson")
	for i, want := range []string{`"id":"a".*"all" is not a principal`, `"id":"".*line 4: `, `"id":" ".*line 5: `, `"id":"".*line 6: `, `"id":"b".*"delete" must be true or false`,
		`more than one JSON value`, `"id":"e".*unknown field "titel"`, `"id":"f".*unknown field "Acl"`, `"id":"g".*unknown field "Allow"`} {
		line := strings.Split(string(got.body), "\n")[i]
		if !regexp.MustCompile(want).MatchString(strings.ReplaceAll(line, `\"`, `"`)) || !strings.Contains(line, `"code":"invalid"`) {
			t.Errorf("line %d: %s; want %s", i, line, want)
		}
	}
}

func TestBatchIsForWriters(t *testing.T) {
	w := newWorld(t)
	const body = `{"id":"a","title":"A","text":"Alpha."}`
	got := w.call(w.bob, "POST", inbox+"/batch", body, "Content-Type", "application/x-ndjson")
	missing := w.call(w.bob, "POST", "/api/v1/sources/nothing/documents/batch", body, "Content-Type", "application/x-ndjson")
	if got.status != 404 || string(got.body) != string(missing.body) {
		t.Errorf("%d %s; want what a source that does not exist gives: %s", got.status, got.body, missing.body)
	}
	reader := actor{w.ann.account, w.m.Token(w.ann.account.ID, time.Now(), cairn.ScopeRead)}
	if got := w.call(reader, "POST", inbox+"/batch", body, "Content-Type", "application/x-ndjson"); got.status != 403 {
		t.Errorf("without the scope write: %d", got.status)
	}
	if len(w.m.documents) != 4 {
		t.Errorf("%d documents; nothing should have been stored", len(w.m.documents))
	}
}

// TestBatchWithoutDatabase: what is not known to be stored is not reported as stored.
func TestBatchWithoutDatabase(t *testing.T) {
	w := newWorld(t)
	const good, down = `{"id":"a","title":"A","text":"Alpha."}` + "\n", `{"id":"b","title":"B","text":"the database is down"}` + "\n"
	if got := w.call(w.ann, "POST", inbox+"/batch", "wrong\n"+down+good, "Content-Type", "application/x-ndjson"); got.status != 500 || got.code(t) != "internal" {
		t.Errorf("before the first: %d %s", got.status, got.body)
	}
	got := w.call(w.ann, "POST", inbox+"/batch", good+"wrong\n"+down+"wrong\n"+good, "Content-Type", "application/x-ndjson")
	var codes []string
	for _, line := range strings.Split(strings.TrimSpace(string(got.body)), "\n") {
		var r struct {
			Document string `json:"document_id"`
			Error    struct{ Code string }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil || (r.Document == "") == (r.Error.Code == "") {
			t.Fatalf("%s: %v", line, err)
		}
		codes = append(codes, r.Error.Code)
	}
	if want := []string{"", "invalid", "internal", "invalid", "internal"}; got.status != 200 || !slices.Equal(codes, want) {
		t.Errorf("%d, codes %q, want %q", got.status, codes, want)
	}
}

// TestWorkOnASourceCountsNothing: to count the documents of a large source takes
// longer than what is asked for.
func TestWorkOnASourceCountsNothing(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ method, path, body string }{
		{"PUT", inbox + "?id=a", `{"title":"A","text":"text"}`},
		{"DELETE", inbox + "?id=a", ""},
		{"POST", "/api/v1/sources/handbook/sync", ""},
		{"POST", "/api/v1/sources/handbook/cancel", ""},
		{"POST", "/api/v1/sources/handbook/test", ""},
		{"GET", "/api/v1/sources/handbook/runs", ""},
		{"GET", "/api/v1/sources/handbook/errors", ""},
		{"POST", "/api/v1/sources/handbook/errors/retry", ""},
	} {
		if got := w.call(w.root, c.method, c.path, c.body); got.status >= 300 || w.m.counted != 0 {
			t.Errorf("%s %s: %d, counted %d times", c.method, c.path, got.status, w.m.counted)
		}
	}
}
