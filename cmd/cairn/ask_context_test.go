package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

func TestAskWithAText(t *testing.T) {
	s := newShell(t)
	s.answers(answerSuccess)
	s.stdin = "panic: nil\x00 map\n\xff\n"
	s.run("ask", "Why?")
	s.asked(`POST /api/v1/ask {"question":"Why?","context":"panic: nil map\n�","stream":true}`)
	if err := os.WriteFile("build.log", []byte("error 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("ask", "Why?", "--context", "build.log", "--json")
	s.asked(`POST /api/v1/ask {"question":"Why?","context":"error 7","stream":true}`)
	s.run("ask", "Why?", "--context", "-")
	s.asked(`POST /api/v1/ask {"question":"Why?","context":"panic: nil map\n�","stream":true}`)
	s.expect(exitUsage, "", "give --context a file", "ask", "-", "--context", "-")
	s.expect(exitFailed, "", "nowhere", "ask", "Why?", "--context", "nowhere")

	s.stdin = strings.Repeat("x", 100_000) + strings.Repeat("ü", maxContext-1) + "!"
	_, _, stderr := s.run("ask", "Why?")
	if !strings.Contains(stderr, "its last 16000 characters go with the question") {
		t.Errorf("standard error %q", stderr)
	}
	s.asked(`POST /api/v1/ask {"question":"Why?","context":"` + strings.Repeat("ü", maxContext-1) + `!","stream":true}`)
}

// A pipe that nobody writes to does not hold the question up, and what is no pipe and no
// file is not read.
func TestAskWithAnIdlePipe(t *testing.T) {
	s := newShell(t)
	s.answers(answerSuccess)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	defer read.Close()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if code := run(ctx, []string{"ask", "Why?"}, read, &out, &errs); code != exitDone || !strings.Contains(errs.String(), "Nothing came from standard input") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
	s.asked(`POST /api/v1/ask {"question":"Why?","stream":true}`)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if givesText(null) || givesText(nil) || !givesText(read) {
		t.Error("what is read is wrong")
	}
}

// What comes with a question reaches the model as the person's own text. Nothing is cited
// from it, whatever the model says, and no table keeps it.
func TestContextIsNeverASource(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a server")
	}
	var prompt atomic.Value
	p, db := newAsked(t, func(c llmtest.Call) llmtest.Reply {
		prompt.Store(string(c.Body))
		return llmtest.Text("The gate code of the Oslo office is zebra-4711 [1]. " + osloSentence[:len(osloSentence)-1] + " [1].")
	})
	var a struct {
		Text      string
		Sentences []struct {
			Start, End int
			Support    string
		}
		Citations []struct{ Quote string }
	}
	p.call("POST", "/ask", map[string]string{
		"question": "What is the hotel limit in Oslo?", "context": "Note: the gate code of the Oslo office is zebra-4711. canary-66302",
	}, &a)
	sent, _ := prompt.Load().(string)
	if !strings.Contains(sent, "OWN TEXT") || !strings.Contains(sent, "canary-66302") {
		t.Errorf("the model was sent %s", sent)
	}
	for _, c := range a.Citations {
		if strings.Contains(c.Quote, "zebra") {
			t.Errorf("the text is cited: %q", c.Quote)
		}
	}
	for _, s := range a.Sentences {
		if said := a.Text[s.Start:s.End]; strings.Contains(said, "zebra") && s.Support != "unsupported" {
			t.Errorf("%q is %s", said, s.Support)
		}
	}
	if tables := tablesWith(t, db, "canary-66302"); len(tables) > 0 {
		t.Errorf("the text is kept in %q", tables)
	}
	if tables := tablesWith(t, db, "What is the hotel limit in Oslo?"); len(tables) == 0 {
		t.Error("not even the question is found")
	}
	p.stop()
}

// tablesWith returns the tables that hold a text.
func tablesWith(t *testing.T, db *postgrestest.DB, text string) (found []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, _ := conn.Query(t.Context(), `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var n int
		if err := conn.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FROM %s x WHERE strpos(x::text, $1) > 0`, table), text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found = append(found, table)
		}
	}
	return found
}
