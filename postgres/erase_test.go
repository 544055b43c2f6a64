package postgres

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

func TestDeleteSourceErasesWhatCameFromIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	doomed, kept := f.source("doomed", anns), f.source("kept", anns)
	bad := f.document(doomed, "a", "A", "doomed text", anns)
	f.body(bad, "doomed text, newer", []section{})
	hidden := f.document(doomed, "b", "B", "doomed text", anns)
	f.hide(hidden)
	good := f.document(kept, "a", "A", "kept text", anns)
	f.exec(`INSERT INTO fresh (chunk_id, terms, length) SELECT id, '', 1 FROM chunks`)
	f.exec(`INSERT INTO vector_spaces (model, dim) VALUES ('m', 1)`)
	f.exec(`INSERT INTO vectors SELECT s.id, c.id, '[1]' FROM vector_spaces s, chunks c`)
	for _, s := range []cairn.SourceID{doomed.ID, kept.ID} {
		f.exec(`INSERT INTO runs (id, source_id) VALUES ($1, $1)`, s)
		f.exec(`INSERT INTO document_errors (source_id, external_id, code, reason) VALUES ($1, 'x', 'corrupt', 'r')`, s)
	}

	// One conversation begins with what is erased, one goes on with it, one is
	// nothing else, and one has nothing of it.
	begins := f.conversation(ann, "doomed")
	b1 := f.message(asked{conversation: begins, question: "doomed?", answer: "doomed", documents: []cairn.DocumentID{bad}})
	b2 := f.message(asked{conversation: begins, parent: b1, question: "doomed too?", answer: "doomed", documents: []cairn.DocumentID{good, hidden}})
	b3 := f.message(asked{conversation: begins, parent: b2, question: "kept?", answer: "kept", documents: []cairn.DocumentID{good}})
	goesOn := f.conversation(ann, "kept")
	g1 := f.message(asked{conversation: goesOn, question: "kept?", answer: "kept", documents: []cairn.DocumentID{good}})
	g2 := f.message(asked{conversation: goesOn, parent: g1, question: "doomed?", answer: "doomed", documents: []cairn.DocumentID{bad}})
	g3 := f.message(asked{conversation: goesOn, parent: g2, question: "kept too?", answer: "kept", documents: []cairn.DocumentID{good}})
	only := f.conversation(ann, "doomed")
	f.message(asked{conversation: only, question: "doomed?", answer: "doomed", documents: []cairn.DocumentID{bad}})
	none := f.conversation(ann, "kept")
	n1 := f.message(asked{conversation: none, question: "kept?", answer: "kept"})

	receipt, err := f.EraseSource(ctx, doomed.ID, ann.Account)
	f.check(err)
	want := map[string]int{
		"sources": 1, "documents": 2, "bodies": 3, "chunks": 1, "vectors": 1, "runs": 1, "document_errors": 1,
		"messages": 4, "message_events": 4, "citations": 5, "message_evidence": 5, "conversations": 2,
	}
	if d := cmp.Diff(want, receipt.Counts); d != "" || receipt.By != ann.Account || receipt.Subject != string(doomed.ID) {
		t.Errorf("%+v, counts (-want +got):\n%s", receipt, d)
	}

	type left struct{ Sources, Documents, Bodies, Chunks, Fresh, Vectors, Runs, Errors, Messages, Events, Citations, Evidence int }
	rows, err := f.worker.Query(ctx, `
		SELECT (SELECT count(*) FROM sources) AS sources, (SELECT count(*) FROM documents) AS documents,
		       (SELECT count(*) FROM bodies) AS bodies, (SELECT count(*) FROM chunks) AS chunks,
		       (SELECT count(*) FROM fresh) AS fresh, (SELECT count(*) FROM vectors) AS vectors,
		       (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM document_errors) AS errors,
		       (SELECT count(*) FROM messages) AS messages, (SELECT count(*) FROM message_events) AS events,
		       (SELECT count(*) FROM citations) AS citations, (SELECT count(*) FROM message_evidence) AS evidence`)
	f.check(err)
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[left])
	f.check(err)
	if d := cmp.Diff(left{1, 1, 1, 1, 1, 1, 1, 1, 4, 4, 3, 3}, got); d != "" {
		t.Errorf("what is left (-want +got):\n%s", d)
	}
	if n := f.count(`SELECT count(*) FROM tombstones WHERE kind = 'source' AND id = $1`, doomed.ID); n != 1 {
		t.Errorf("%d tombstones of the source, want 1", n)
	}
	for _, c := range []struct {
		id, title string
		messages  map[string]string // id to parent
	}{
		{begins, "", map[string]string{b3: ""}},
		{goesOn, "kept", map[string]string{g1: "", g3: g1}},
		{none, "kept", map[string]string{n1: ""}},
	} {
		conversation, messages, err := f.Conversation(ctx, ann, c.id)
		f.check(err)
		parents := map[string]string{}
		for _, m := range messages {
			parents[m.ID] = m.Parent
			if m.Withheld {
				t.Errorf("%q is withheld", m.ID)
			}
		}
		if d := cmp.Diff(c.messages, parents); d != "" || conversation.Title != c.title {
			t.Errorf("title %q, want %q; messages (-want +got):\n%s", conversation.Title, c.title, d)
		}
	}
	_, _, err = f.Conversation(ctx, ann, only)
	wantError(t, "a conversation of which nothing is left", err, cairn.ErrNotFound)
	_, err = f.EraseSource(ctx, doomed.ID, "")
	wantError(t, "again", err, cairn.ErrNotFound)
}

// More documents than one statement erases.
func TestDeleteLargeSource(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.source("large", cairn.ACL{})
	f.exec(`
		INSERT INTO documents (id, source_id, external_id, version, fingerprint, kind, title, acl_id)
		SELECT 'd' || n, $1, n, '', '', 'page', '', (SELECT acl_id FROM sources WHERE id = $1) FROM generate_series(1, $2::int) n`,
		s.ID, 2*eraseBatch+1)
	receipt, err := f.EraseSource(t.Context(), s.ID, "")
	f.check(err)
	if n := receipt.Counts["documents"]; n != 2*eraseBatch+1 {
		t.Errorf("%d documents are erased", n)
	}
}

// waitForLock returns when somebody waits for a lock in the database, and fails
// the test when the work that should wait is done instead.
func (f *fixture) waitForLock(done <-chan error) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.made.AdminURL)
	f.check(err)
	defer func() { _ = conn.Close(context.Background()) }()
	for waiting := false; !waiting; {
		select {
		case err := <-done:
			f.t.Fatalf("done without waiting: %v", err)
		default:
		}
		f.check(conn.QueryRow(f.t.Context(), `
			SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting))
	}
}

// Whoever stores evidence holds the documents until it is committed; erasure
// waits and then finds the message.
func TestEraseWaitsForEvidence(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("doomed", anns)
	doc := f.document(s, "a", "A", "doomed text", anns)
	m := f.message(asked{conversation: f.conversation(ann, "t"), question: "q", answer: ""})

	tx, err := f.worker.Begin(ctx)
	f.check(err)
	defer func() { _ = tx.Rollback(ctx) }()
	_, err = tx.Exec(ctx, `SELECT FROM documents WHERE id = $1 FOR KEY SHARE`, doc)
	f.check(err)
	erased := make(chan error, 1)
	go func() {
		_, err := f.EraseSource(ctx, s.ID, "")
		erased <- err
	}()
	f.waitForLock(erased)
	_, err = tx.Exec(ctx, `INSERT INTO message_evidence VALUES ($1, $2, 'v')`, m, doc)
	f.check(err)
	f.check(tx.Commit(ctx))
	f.check(<-erased)
	if n := f.count(`SELECT count(*) FROM messages`); n != 0 {
		t.Errorf("%d messages made from an erased document", n)
	}
}
