package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/client/clienttest"
	"github.com/cairnhq/cairn/retrieval/eval"
)

func TestEvalRefuses(t *testing.T) {
	s := newShell(t)
	dir := t.TempDir()
	s.expect(exitUsage, "", "lexical, dense, hybrid, all", "eval", "run", "--dir", dir, "--mode", "magic")
	s.expect(exitUsage, "", "--mode is empty", "eval", "run", "--dir", dir, "--mode", "")
	s.expect(exitUsage, "", "--limit is -1", "eval", "run", "--dir", dir, "--limit", "-1")
	s.expect(exitFailed, "", "an evaluation folder holds corpus.jsonl", "eval", "run", "--dir", dir)
	for name, text := range map[string]string{"corpus.jsonl": `{"_id":"1","text":"x"}`, "queries.jsonl": `{"_id":"q","text":"x"}`, "qrels.tsv": "q\t1\t1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.expect(exitFailed, "", "none/run.json cannot be written", "eval", "run", "--dir", dir, "--save", "none/run.json")
	s.expect(exitFailed, "", "none/run.html cannot be written", "eval", "run", "--dir", dir, "--report", "none/run.html")
	s.expect(exitUsage, "", "accepts 2 arg", "eval", "compare", "one.json")
	s.expect(exitFailed, "", "cairn eval run --save", "eval", "compare", "one.json", "two.json")
	s.expect(exitFailed, "", "a table of gates", "eval", "gates", "--table", "none")
	s.expect(exitUsage, "", "--out is missing", "eval", "make")
	s.expect(exitUsage, "", "--documents is 0", "eval", "make", "--out", "set", "--documents", "0")
}

// What was measured is shown even where it cannot be kept.
func TestEvalRunPrintsFirst(t *testing.T) {
	var out bytes.Buffer
	e := &environment{stdout: &out, stderr: io.Discard}
	err := e.finish(measuring{save: t.TempDir()}, []eval.Run{{Report: eval.Report{Documents: 3}}})
	if err == nil || !strings.Contains(out.String(), "documents 3") {
		t.Errorf("%v, %q", err, out.String())
	}
}

// answerWith returns an answer that cites documents: "id" or "id gone".
func answerWith(text string, cited ...string) string {
	var citations []string
	for i, c := range cited {
		id, state, gone := strings.Cut(c, " ")
		if !gone {
			state = "current"
		}
		citations = append(citations, fmt.Sprintf(`{"number":%d,"answer_start":0,"answer_end":1,"document_id":%q,"version":"v1","start":0,"end":1,
			"quote":"q","title":"T","url":"","heading":[],"source":"wiki","updated_at":null,"support":"supported","state":%q}`, i+1, id, state))
	}
	return fmt.Sprintf(`{"conversation_id":"C1","message_id":"M","state":"complete","outcome":"answered","text":%q,"sentences":[],"citations":[%s],
		"nearest":[],"model":"extractive","usage":{"input_tokens":0,"cached_tokens":0,"output_tokens":0,"cost_usd":0},"notices":[],"took_ms":1}`,
		text, strings.Join(citations, ","))
}

func messageWith(id, parent, question, answer, more string) string {
	if parent = fmt.Sprintf("%q", parent); parent == `""` {
		parent = "null"
	}
	return fmt.Sprintf(`{"id":%q,"parent_message_id":%s,"question":%q,"created_at":"2026-10-02T09:30:00Z","answer":%s,%s}`, id, parent, question, answer, more)
}

const (
	up   = `"withheld":false,"feedback":{"rating":"up"}`
	down = `"withheld":false,"feedback":{"rating":"down","reason":"outdated","comment":"It is thirty."}`
)

// draftServer is a Cairn with rated conversations. Nobody may read D9.
func draftServer(t *testing.T) *shell {
	s := newShell(t)
	conversation := `"title":"t","created_at":"2026-10-02T09:30:00Z","updated_at":"2026-10-02T09:30:00Z"`
	s.Reply("GET /api/v1/conversations", 200, `{"conversations":[{"id":"C1",`+conversation+`}],"next_cursor":null}`)
	s.Reply("GET /api/v1/conversations/{id}", 200, `{"id":"C1",`+conversation+`,"messages":[`+strings.Join([]string{
		messageWith("M1", "", "First <b>?", answerWith("One.", "D1", "D9", "D3 gone"), up),
		messageWith("M2", "M1", "And then?", answerWith("Two.", "D2", "D1"), up),
		messageWith("M3", "", "Only what is closed?", answerWith("Three.", "D9"), up),
		messageWith("M4", "", "Bad?", answerWith("Four.", "D2"), down),
		messageWith("M5", "", "Not rated?", answerWith("Five.", "D2"), `"withheld":false`),
		messageWith("M6", "", "", answerWith(""), `"withheld":true`),
	}, ",")+`]}`)
	s.Handle("GET /api/v1/documents/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if id == "D9" {
			clienttest.Write(w, 404, `{"error":{"code":"not_found","message":"not found"}}`)
			return
		}
		clienttest.Write(w, 200, fmt.Sprintf(`{"id":%q,"version":"v1","state":"current","source":"wiki","external_id":"x","kind":"page","title":"Title %s",
			"url":"","author":"","language":"en","text":"Text %s","sections":[],"updated_at":null,"attributes":{}}`, id, id, id))
	})
	s.Reply("POST /api/v1/search", 200, `{"results":[`+strings.ReplaceAll(thePassage, "D1", "D9")+`,`+thePassage+`,`+
		strings.ReplaceAll(thePassage, "D1", "D7")+`,`+strings.ReplaceAll(thePassage, "D1", "D8")+`],"facets":{},"mode":"dense","next_cursor":null,"notices":[],"took_ms":7}`)
	return s
}

func readAll(t *testing.T, dir string, names ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

func TestEvalMake(t *testing.T) {
	s := draftServer(t)
	s.expectJSON(exitDone, `{"dir":"set","queries":2,"review":1,"documents":4,"skipped":1}`, "eval", "make", "--out", "set")
	want := `{"_id":"M1","text":"First <b>?","answer":"One."}
{"_id":"M2","text":"And then?","answer":"Two.","history":[{"speaker":"user","text":"First <b>?"},{"speaker":"agent","text":"One."}]}
query-id	corpus-id	score
M1	D1	1
M2	D1	1
M2	D2	1
{"_id":"M4","text":"Bad?","reason":"outdated","comment":"It is thirty.","outcome":"answered","answer":"Four.","cited":["D2"]}
{"_id":"D1","title":"Title D1","text":"Text D1"}
{"_id":"D2","title":"Title D2","text":"Text D2"}
{"_id":"D7","title":"Title D7","text":"Text D7"}
{"_id":"D8","title":"Title D8","text":"Text D8"}
`
	if diff := cmp.Diff(want, readAll(t, "set", "queries.jsonl", "qrels.tsv", "review.jsonl", "corpus.jsonl")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(readAll(t, "set", "README.md"), "holds texts of documents") {
		t.Error("the folder does not say what it holds")
	}
	for _, name := range []string{"set", "set/corpus.jsonl", "set/README.md"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v, %v", name, info, err)
		}
	}
	s.expect(exitFailed, "", "set is not empty; name a new folder", "eval", "make", "--out", "set")

	s.expectJSON(exitDone, `{"dir":"small","queries":2,"review":1,"documents":3,"skipped":1}`, "eval", "make", "--out", "small", "--documents", "4") // D9 is the fourth
}

func TestEvalMakeWritesAllOrNothing(t *testing.T) {
	s := newShell(t)
	s.Reply("GET /api/v1/conversations", 200, `{"conversations":[],"next_cursor":null}`)
	s.expect(exitFailed, "", "there is nothing to make a set from", "eval", "make", "--out", "set")
	s = draftServer(t)
	s.expect(exitFailed, "", "none/set", "eval", "make", "--out", "none/set")
	if left, err := filepath.Glob("*"); err != nil || len(left) > 0 {
		t.Errorf("%v is left over, %v", left, err)
	}
}
