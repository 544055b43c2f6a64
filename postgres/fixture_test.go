package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/api"
)

// fixture is a database with short ways to put things into it. Its methods end
// the test when something fails.
type fixture struct {
	*DB
	t    testing.TB
	made *postgrestest.DB
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	made := postgrestest.New(t)
	db, err := Open(t.Context(), made.URL, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return &fixture{DB: db, t: t, made: made}
}

func (f *fixture) check(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	_, err := f.worker.Exec(context.Background(), sql, args...)
	f.check(err)
}

func (f *fixture) count(sql string, args ...any) (n int) {
	f.t.Helper()
	f.check(f.worker.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

func (f *fixture) account(email string, role cairn.Role) cairn.Account {
	f.t.Helper()
	a, err := f.CreateAccount(f.t.Context(), cairn.Account{Email: email, Role: role})
	f.check(err)
	return a
}

// update stores an account as it is given.
func (f *fixture) update(a cairn.Account) error {
	_, err := f.UpdateAccount(context.Background(), a.ID, func(stored *cairn.Account) error { *stored = a; return nil })
	return err
}

// member returns a viewer with an account of its own.
func (f *fixture) member(name string, keys ...cairn.PrincipalKey) cairn.Viewer {
	f.t.Helper()
	a := f.account(name+"@acme.test", cairn.RoleMember)
	return cairn.Viewer{Account: a.ID, Keys: append([]cairn.PrincipalKey{cairn.AccountKey(a.ID)}, keys...)}
}

func (f *fixture) source(name string, acl cairn.ACL) cairn.Source {
	f.t.Helper()
	s, err := f.CreateSource(f.t.Context(), cairn.Source{Name: name, Kind: "push", ACLMode: cairn.ACLDeclared, ACL: acl})
	f.check(err)
	return s
}

// document stores a document of one section and one chunk.
func (f *fixture) document(s cairn.Source, external, title, body string, acl cairn.ACL) cairn.DocumentID {
	f.t.Helper()
	id := cairn.DocumentID(cairn.NewID())
	class, err := f.aclClass(context.Background(), acl)
	f.check(err)
	f.exec(`
		INSERT INTO documents (id, source_id, external_id, version, fingerprint, kind, title, url, author, language, acl_id, modified_at)
		VALUES ($1, $2, $3, $4, '', 'page', $5, $6, 'Ann', 'en', $7, now())`,
		id, s.ID, external, cairn.VersionOf([]byte(body)), title, "https://acme.test/"+external, class)
	sections := []section{{Heading: []string{title, "Part"}, Start: 0, End: len(body), Anchor: "#part"}}
	f.body(id, body, sections)
	f.exec(`INSERT INTO chunks (document_id, ordinal, start_at, end_at, acl_id, sections) VALUES ($1, 0, 0, $2, $3, $4)`, id, len(body), class, sections)
	return id
}

// body gives a document a new version.
func (f *fixture) body(id cairn.DocumentID, body string, sections []section) cairn.Version {
	f.t.Helper()
	version := cairn.VersionOf([]byte(body))
	encoded, err := json.Marshal(sections)
	f.check(err)
	f.exec(`INSERT INTO bodies (document_id, version, body, sections) VALUES ($1, $2, $3, $4)`, id, version, []byte(body), encoded)
	f.exec(`UPDATE documents SET version = $2 WHERE id = $1`, id, version)
	return version
}

func (f *fixture) setACL(id cairn.DocumentID, acl cairn.ACL) {
	f.t.Helper()
	class, err := f.aclClass(context.Background(), acl)
	f.check(err)
	f.exec(`UPDATE documents SET acl_id = $2 WHERE id = $1`, id, class)
	f.exec(`UPDATE chunks SET acl_id = $2 WHERE document_id = $1`, id, class)
}

// withhold does what a sync does to a document that vanished beyond the guard.
func (f *fixture) withhold(id cairn.DocumentID) {
	f.t.Helper()
	var b ingest.Batch
	var external string
	f.check(f.worker.QueryRow(context.Background(), `SELECT source_id, external_id FROM documents WHERE id = $1`, id).Scan(&b.Source, &external))
	b.Withheld = []string{external}
	_, err := NewIngest(f.DB, Space{}).Commit(context.Background(), b)
	f.check(err)
}

func (f *fixture) hide(id cairn.DocumentID) {
	f.t.Helper()
	f.exec(`UPDATE documents SET hidden_at = now() WHERE id = $1`, id)
	f.exec(`DELETE FROM chunks WHERE document_id = $1`, id)
}

func (f *fixture) conversation(v cairn.Viewer, title string) string {
	f.t.Helper()
	id := cairn.NewID()
	f.exec(`INSERT INTO conversations (id, account_id, title, updated_at) VALUES ($1, $2, $3, clock_timestamp())`, id, v.Account, title)
	return id
}

// asked is a message to store. Each of its documents is cited once, as a whole.
type asked struct {
	conversation, parent, question, answer string
	documents                              []cairn.DocumentID // evidence and citations
	nearest                                []cairn.DocumentID
}

func (f *fixture) message(m asked) string {
	f.t.Helper()
	id := cairn.NewID()
	nearest := []storedRange{}
	for _, d := range m.nearest {
		nearest = append(nearest, f.whole(d))
	}
	f.exec(`
		INSERT INTO messages (id, conversation_id, parent_id, question, state, outcome, answer, sentences, nearest, notices, model, usage,
		                      created_at, finished_at)
		VALUES ($1, $2, nullif($3, ''), $4, 'complete', 'answered', $5, $6, $7, $8, 'extractive', $9, now(), now() + interval '2 s')`,
		id, m.conversation, m.parent, m.question, m.answer,
		[]cairn.Sentence{{Start: 0, End: len(m.answer), Support: cairn.Supported}}, nearest,
		[]cairn.Notice{{Code: "model_unavailable", Message: "No model answered."}}, cairn.Usage{InputTokens: 7})
	for i, d := range m.documents {
		r := f.whole(d)
		f.exec(`INSERT INTO message_evidence VALUES ($1, $2, $3)`, id, d, r.Version)
		f.exec(`
			INSERT INTO citations (message_id, position, number, answer_start, answer_end, document_id, version, start_at, end_at, support)
			VALUES ($1, $2, $3, 0, 1, $4, $5, $6, $7, 'supported')`, id, i, i+1, d, r.Version, r.Start, r.End)
	}
	f.exec(`INSERT INTO message_events VALUES ($1, 1, '{}')`, id)
	return id
}

// whole returns the range of a document's newest body.
func (f *fixture) whole(d cairn.DocumentID) storedRange {
	f.t.Helper()
	r := storedRange{Document: d}
	f.check(f.worker.QueryRow(context.Background(), `
		SELECT b.version, octet_length(b.body) FROM documents d JOIN bodies b ON b.document_id = d.id AND b.version = d.version
		WHERE d.id = $1`, d).Scan(&r.Version, &r.End))
	return r
}

func wantError(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error is %v, want %v", what, err, kind)
	}
}

// allPages reads a list page by page and fails the test unless there are pages
// of them.
func allPages[T any](t testing.TB, limit, pages int, list func(p api.Page) ([]T, string, error)) []T {
	t.Helper()
	var all []T
	var cursor string
	for n := 1; ; n++ {
		part, next, err := list(api.Page{Limit: limit, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if len(part) > limit {
			t.Fatalf("page %d has %d rows, limit %d", n, len(part), limit)
		}
		all = append(all, part...)
		if next == "" {
			if n != pages {
				t.Errorf("%d pages, want %d", n, pages)
			}
			return all
		}
		cursor = next
	}
}

// asRole runs fn on a connection of its own that has entered a role.
func (f *fixture) asRole(role string, fn func(ctx context.Context, conn *pgx.Conn)) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, f.made.URL)
	f.check(err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `SET ROLE `+pgx.Identifier{role}.Sanitize())
	f.check(err)
	fn(ctx, conn)
}

func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return names
}
