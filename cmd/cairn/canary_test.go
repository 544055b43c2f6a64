package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/postgres"
)

// canaries are random words by where they were put.
type canaries map[string]string

// word returns a new canary: 16 letters that occur nowhere else.
func (c canaries) word(where string) string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	c[where] = string(b)
	return c[where]
}

// aviary is a server with canaries in everything that people write.
type aviary struct {
	*program
	words canaries
	conn  *pgx.Conn // superuser of its database
}

func newAviary(t *testing.T, env ...string) *aviary {
	t.Helper()
	p := newProgram(t)
	p.env = env
	p.start()
	a := &aviary{program: p, words: canaries{}}
	conn, err := pgx.Connect(t.Context(), a.database("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	a.conn = conn
	return a
}

// database returns the address of the private database for one of its roles.
func (a *aviary) database(role string) string {
	return "postgres://" + role + "@/cairn?host=" + url.QueryEscape(filepath.Join(a.data, "run")) + "&port=5432"
}

func (a *aviary) exec(sql string, args ...any) {
	a.t.Helper()
	if _, err := a.conn.Exec(a.t.Context(), sql, args...); err != nil {
		a.t.Fatalf("%s: %v", sql, err)
	}
}

// push brings a document with canaries in every field, and brings it again in
// another version, so that there is an old one.
func (a *aviary) push(name string, acl any) string {
	a.t.Helper()
	w := func(field string) string { return a.words.word(name + " " + field) }
	external := "folder/" + w("file name") + ".md"
	doc := map[string]any{
		"title": "The plan " + w("title"), "author": "Ada " + w("author"), "url": "https://acme.test/" + w("url"),
		"text":       "# Plan " + w("heading") + "\n\nThe launch of the rocket " + w("old body") + " is on Monday.\n",
		"attributes": map[string]string{"team": w("attribute")},
	}
	if acl != nil {
		doc["acl"] = acl
	}
	path := "/sources/wiki/documents?id=" + url.QueryEscape(external)
	a.call("PUT", path, doc, nil)
	doc["text"] = "# Plan " + a.words[name+" heading"] + "\n\nThe launch of the rocket " + w("body") + " is on Tuesday.\n"
	var stored struct{ ID string }
	a.call("PUT", path, doc, &stored)
	return stored.ID
}

// empty removes the files of a folder.
func (a *aviary) empty(folder string) {
	a.t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			a.t.Fatal(err)
		}
	}
}

// waitForSync synchronises a source and fails unless that ends in a state.
func (a *aviary) waitForSync(source, state string) {
	a.t.Helper()
	a.call("POST", "/sources/"+source+"/sync", map[string]any{}, nil)
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var list struct{ Runs []runReply }
		a.call("GET", "/sources/"+source+"/runs", nil, &list)
		if run := list.Runs[0]; run.final() {
			if run.State != state {
				a.t.Errorf("the sync of %s ended as %s, want %s", source, run.State, state)
			}
			return
		}
	}
	a.t.Fatalf("the sync of %s does not end", source)
}

// as sends a request with a token and fails unless it succeeds.
func (a *aviary) as(token, method, path, body string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, "http://"+a.addr+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer got.Body.Close()
	if text, err := io.ReadAll(got.Body); err != nil || got.StatusCode >= 300 {
		a.t.Fatalf("%s %s: %s %s %v", method, path, got.Status, text, err)
	}
}

// refuse makes PostgreSQL refuse a statement, and quote why.
func (a *aviary) refuse(sql string, args ...any) {
	a.t.Helper()
	if _, err := a.conn.Exec(a.t.Context(), sql, args...); err == nil {
		a.t.Errorf("it was to be refused: %s", sql)
	}
}

// inTables returns which canaries the tables hold, each with the names of those:
// every column of every table of the catalogue, PostgreSQL's own among them.
func (a *aviary) inTables() map[string][]string {
	a.t.Helper()
	rows, err := a.conn.Query(a.t.Context(), `
		SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'm') ORDER BY 1`)
	if err != nil {
		a.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		a.t.Fatal(err)
	}
	found := make(map[string][]string)
	for _, table := range tables {
		rows, err := a.conn.Query(a.t.Context(), `
			WITH rows AS MATERIALIZED (SELECT whole_row::text AS text FROM `+table+` whole_row)
			SELECT DISTINCT w.place FROM rows JOIN unnest($1::text[], $2::text[], $3::text[]) w (place, word, code)
			ON strpos(rows.text, w.word) > 0 OR strpos(rows.text, w.code) > 0`, a.columns()...)
		if err != nil {
			a.t.Fatalf("%s: %v", table, err)
		}
		places, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			a.t.Fatalf("%s: %v", table, err)
		}
		for _, place := range places {
			found[place] = append(found[place], table)
		}
	}
	return found
}

// columns returns places, words and how bytea shows those, as arrays.
func (a *aviary) columns() []any {
	var places, words, codes []string
	for _, place := range slices.Sorted(maps.Keys(a.words)) {
		places, words = append(places, place), append(words, a.words[place])
		codes = append(codes, hex.EncodeToString([]byte(a.words[place])))
	}
	return []any{places, words, codes}
}

// inFiles returns which canaries the files of the data directory hold: tables with
// their free space, indexes, logs, and what lies beside the database. The journal of
// PostgreSQL is counted apart.
func (a *aviary) inFiles() (found, journal map[string][]string) {
	a.t.Helper()
	a.exec(`CHECKPOINT`)
	found, journal = make(map[string][]string), make(map[string][]string)
	err := filepath.WalkDir(a.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // files come and go
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		name, _ := filepath.Rel(a.data, path)
		to := found
		if strings.Contains(name, "pg_wal") {
			to = journal
		}
		for place, word := range a.words {
			if bytes.Contains(b, []byte(word)) {
				to[place] = append(to[place], name)
			}
		}
		return nil
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return found, journal
}

// TestCanaries puts random words into everything that people write and erases it by
// each of the three ways. Then no table, no file of a table, dead rows and free space
// included, and no log holds one of them.
func TestCanaries(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a server")
	}
	a := newAviary(t)
	w := a.words.word

	// What is erased with its source: a file that can be read and one that cannot.
	folder := openTempDir(t)
	for name, text := range map[string]string{
		w("file name") + ".md":           "# Handbook " + w("file title") + "\n\nThe key of the safe " + w("file body") + " is blue.\n",
		w("name of a bad file") + ".pdf": "%PDF-1.7 " + w("body of a bad file"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A folder that cannot be read, even by root.
	if err := os.MkdirAll(filepath.Join(folder, w("name of a bad folder"), ".cairnignore"), 0o755); err != nil {
		t.Fatal(err)
	}
	a.addAndSync(folder)
	a.waitForRuns()
	a.call("POST", "/sources/pages/sync", map[string]any{"permissions_only": true}, nil)
	a.waitForRuns()
	a.addRepository()

	// What is erased as a document, and what is with the person who alone may read it.
	a.call("POST", "/sources", map[string]any{"name": "wiki", "kind": "push", "acl": "everyone"}, nil)
	email := w("address") + "@acme.test"
	var user struct{ ID string }
	a.call("POST", "/users", map[string]any{"email": email, "name": "Bea " + w("name")}, &user)
	var token struct{ Secret string }
	a.call("POST", "/tokens", map[string]any{"user": email, "name": w("token"), "scopes": []string{"search", "ask", "read"}}, &token)
	planned := a.push("document", nil)
	a.push("own document", map[string]any{"allow": []any{[]string{"user:" + email}}})

	// What is erased with her, too, though it has vanished from its folder and waits for a confirmation.
	diary := openTempDir(t)
	for i := range 4 {
		page := fmt.Sprintf("diary %d ", i)
		text := "# Diary " + w(page+"title") + "\n\nThe flight of the swift " + w(page+"text") + " is long.\n"
		if err := os.WriteFile(filepath.Join(diary, w(page+"file name")+".md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a.call("POST", "/sources", map[string]any{"name": "diary", "kind": "files", "settings": map[string]string{"path": diary}, "acl": "user:" + email}, nil)
	a.exec(`UPDATE sources SET owner_id = $1 WHERE name = 'diary'`, user.ID)
	a.waitForSync("diary", "succeeded")
	a.empty(diary)
	a.waitForSync("diary", "partial")

	for what, request := range map[string]map[string]any{
		"a document": {"document_id": planned}, "a source": {"source": "pages"}, "a person": {"user": email, "source": "wiki"},
	} {
		request["reason"] = "Incident " + w("reason of a grant for "+what)
		a.call("POST", "/grants", request, nil)
	}

	// Questions and answers about all of it, the second in a conversation.
	ask := func(question string, documents ...string) {
		t.Helper()
		for _, d := range documents {
			question += " " + a.words[d]
		}
		a.as(token.Secret, "POST", "/ask", `{"question":"`+question+`"}`)
	}
	ask("On which day is the launch of the rocket?", "document title", "document body")
	ask("On which day is the launch of the rocket?", "own document title", "own document body")
	ask("Which colour has the key of the safe?", "file title", "file body")
	var answer struct {
		ConversationID string `json:"conversation_id"`
		MessageID      string `json:"message_id"`
	}
	question := "On which day is the launch of the rocket " + a.words["document body"] + " " + w("question") + "?"
	a.call("POST", "/ask", map[string]any{"question": question}, &answer)
	a.call("POST", "/ask", map[string]any{"question": "And which rocket " + a.words["document title"] + "?", "conversation_id": answer.ConversationID}, nil)
	a.call("POST", "/messages/"+answer.MessageID+"/feedback", map[string]any{"rating": "down", "comment": w("feedback")}, nil)

	// What PostgreSQL would quote in its log, and samples in its statistics.
	a.refuse(`SELECT $1::text::jsonb`, `{"team": "`+w("refused attribute")+`\u0000"}`)
	a.refuse(`INSERT INTO accounts (id, email, role) VALUES ('x', $1, 'member')`, email)
	a.exec(`ANALYZE`)

	tables := a.inTables()
	files, _ := a.inFiles()
	for place := range a.words {
		refused := strings.HasPrefix(place, "refused") || strings.HasSuffix(place, "body of a bad file")
		if old := strings.HasSuffix(place, "old body"); len(tables[place]) == 0 && !refused && !old {
			t.Errorf("%s is in no table, so that this test says nothing of it", place)
		}
		if len(files[place]) == 0 && !refused && place != "git old body" {
			t.Errorf("%s is in no file, so that this test says nothing of it", place)
		}
	}
	if clones, found := a.inClones(); clones != 1 || !found["git body"] || !found["git message 1"] {
		t.Errorf("%d copies of repositories hold %v, so that this test says nothing of them", clones, found)
	}

	a.call("DELETE", "/documents/"+planned, nil, nil)
	a.call("DELETE", "/sources/pages", nil, nil)
	a.call("DELETE", "/sources/code", nil, nil)
	a.call("DELETE", "/users/"+email, nil, nil)
	for place, tables := range a.inTables() {
		if !slices.Equal(tables, []string{"pg_catalog.pg_statistic"}) { // which is cleaned later
			t.Errorf("after the erasure %s is in %v", place, tables)
		}
	}
	a.exec(`VACUUM`)
	files, _ = a.inFiles()
	t.Logf("after VACUUM alone, files hold %d of %d canaries", len(files), len(a.words))

	db, err := postgres.Open(t.Context(), a.database("cairn"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = db.Clean(t.Context()) // as the server does every minute
	db.Close()
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Erasures []struct {
			Kind    string
			Cleaned *string `json:"cleaned_at"`
		}
	}
	a.call("GET", "/erasures", nil, &list)
	for _, e := range list.Erasures {
		if e.Cleaned == nil {
			t.Errorf("the erasure of a %s is not cleaned", e.Kind)
		}
	}
	if len(list.Erasures) < 4 {
		t.Errorf("receipts: %+v", list.Erasures)
	}
	if left := a.inTables(); len(left) > 0 {
		t.Errorf("after it was cleaned tables hold %v", left)
	}
	files, journal := a.inFiles()
	if len(files) > 0 {
		t.Errorf("after it was cleaned files hold %v", files)
	}
	t.Logf("PostgreSQL's journal holds %d of %d canaries until it is recycled", len(journal), len(a.words))
	a.stop()
	for _, what := range []string{"the listing of a source is incomplete", "sync failed"} {
		if !strings.Contains(a.log.String(), what) {
			t.Errorf("the server's log does not say %q, so that this test says nothing of it", what)
		}
	}
	log := a.log.String()
	a.start() // which sweeps, as is done every minute
	a.waitForClones()
	a.stop()
	for place, word := range a.words {
		if strings.Contains(log+a.log.String(), word) {
			t.Errorf("the server's log holds %s", place)
		}
	}
}
