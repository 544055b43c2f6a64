package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
)

// passage returns the whole of a document as a passage.
func (f *fixture) passage(d cairn.DocumentID) cairn.Passage {
	f.t.Helper()
	r := f.whole(d)
	return cairn.Passage{Document: d, Version: r.Version, Start: r.Start, End: r.End}
}

func (f *fixture) erase(ids ...cairn.DocumentID) error {
	return pgx.BeginFunc(f.t.Context(), f.worker, func(tx pgx.Tx) error { return eraserIn(tx).documents(f.t.Context(), idTexts(ids)) })
}

// eraserIn returns an eraser in a transaction of the test's own.
func eraserIn(tx pgx.Tx) *eraser {
	return &eraser{tx: tx, receipt: cairn.Erasure{ID: cairn.NewID(), Counts: make(map[string]int)}}
}

func idTexts(ids []cairn.DocumentID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return texts
}

func TestEvidenceIsCheckedAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	names := []string{"kept", "closed", "hidden", "erased", "changed"}
	var ids []cairn.DocumentID
	var passages []cairn.Passage
	for i, name := range names {
		ids = append(ids, f.document(s, name, name, "text of "+name, anns))
		passages = append(passages, f.passage(ids[i]))
	}
	f.setACL(ids[1], cairn.ACL{})
	f.hide(ids[2])
	f.check(f.erase(ids[3]))
	f.body(ids[4], "another text", []section{})

	a := NewAnswers(f.DB)
	started, _, err := a.Begin(ctx, answer.Ask{Viewer: ann, Question: "What?"})
	f.check(err)
	got, err := a.SetEvidence(ctx, ann, started.Message, passages)
	f.check(err)
	want := []cairn.Passage{passages[0], passages[4]}
	want[0].Number, want[1].Number = 1, 2
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("passages (-want +got):\n%s", diff)
	}
	if n := f.count(`SELECT count(*) FROM message_evidence WHERE message_id = $1`, started.Message); n != 2 {
		t.Errorf("%d documents are evidence, want 2", n)
	}
	if m, err := f.Message(ctx, ann, started.Message); err != nil || m.Withheld {
		t.Errorf("the message is withheld: %+v, %v", m, err)
	}
	if got, err := a.SetEvidence(ctx, cairn.Viewer{}, started.Message, passages); err != nil || len(got) > 0 {
		t.Errorf("a viewer without keys: %v, %v", got, err)
	}
}

func TestNothingFollowsTheLastEvent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	a := NewAnswers(f.DB)
	started, _, err := a.Begin(ctx, answer.Ask{Viewer: ann, Question: "What?"})
	f.check(err)
	m := started.Message
	f.check(a.Append(ctx, m, 1, []answer.Event{{Type: answer.EventStart}, {Type: answer.EventStatus, Phase: "searching"}}))
	if err := a.Append(ctx, m, 2, []answer.Event{{Type: answer.EventStatus}}); err == nil {
		t.Error("a number was given twice")
	}
	// Whoever finishes may not know of the newest event.
	f.check(a.Finish(ctx, m, 2, cairn.Answer{State: cairn.MessageFailed}))
	late := []answer.Event{{Type: answer.EventDelta, Text: "late"}}
	wantError(t, "append", a.Append(ctx, m, 4, late), cairn.ErrNotFound)
	wantError(t, "finish", a.Finish(ctx, m, 4, cairn.Answer{State: cairn.MessageComplete}), cairn.ErrNotFound)
	_, err = a.SetEvidence(ctx, ann, m, nil)
	wantError(t, "evidence", err, cairn.ErrNotFound)
	if wanted, err := a.Keep(ctx, m); wanted || err != nil {
		t.Errorf("keep: %v, %v", wanted, err)
	}
	events, final, err := a.Events(ctx, ann, m, 0)
	f.check(err)
	var types []answer.EventType
	for i, e := range events {
		types = append(types, e.Type)
		if e.Seq != i+1 {
			t.Errorf("event %d is numbered %d", i, e.Seq)
		}
	}
	if !final || !slices.Equal(types, []answer.EventType{answer.EventStart, answer.EventStatus, answer.EventDone}) {
		t.Errorf("events %v, final %v", types, final)
	}
	for _, gone := range []string{"none", "n\x00l"} {
		if err := a.Append(ctx, gone, 1, late); err == nil {
			t.Errorf("an event of %q was stored", gone)
		}
		wantError(t, "stop", a.Stop(ctx, ann, gone), cairn.ErrNotFound)
		_, _, err := a.Events(ctx, ann, gone, 0)
		wantError(t, "events", err, cairn.ErrNotFound)
	}
}

// An ephemeral question is gone with its conversation when it is forgotten, or when its
// process has died; others stay.
func TestEphemeralQuestionsAreForgotten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.member("ann"), f.member("bob")
	a := NewAnswers(f.DB)
	begin := func(ask answer.Ask) string {
		t.Helper()
		ask.Viewer, ask.Question = ann, "What?"
		started, _, err := a.Begin(ctx, ask)
		f.check(err)
		f.check(a.Append(ctx, started.Message, 1, []answer.Event{{Type: answer.EventStart}}))
		return started.Message
	}
	kept, gone := begin(answer.Ask{}), begin(answer.Ask{Ephemeral: true})
	f.check(a.Forget(ctx, bob, gone))
	f.check(a.Forget(ctx, ann, kept))
	left := func() int {
		return f.count(`SELECT count(*) FROM conversations`) + f.count(`SELECT count(*) FROM messages`) + f.count(`SELECT count(*) FROM message_events`)
	}
	if n := left(); n != 6 {
		t.Errorf("%d rows are left; what is another's or is to be kept was forgotten", n)
	}
	f.check(a.Forget(ctx, ann, gone))
	f.check(a.Forget(ctx, ann, gone))
	if n, stones := left(), f.count(`SELECT count(*) FROM tombstones`); n != 3 || stones != 0 {
		t.Errorf("%d rows are left and %d tombstones", n, stones)
	}
	wantError(t, "append", a.Append(ctx, gone, 2, []answer.Event{{Type: answer.EventStatus}}), cairn.ErrNotFound)

	begin(answer.Ask{Ephemeral: true}) // whose process dies
	f.exec(`UPDATE messages SET lease_until = now() - interval '1 second'`)
	abandoned, err := a.Abandoned(ctx)
	f.check(err)
	if n := left(); n != 3 || len(abandoned) != 1 || abandoned[kept] == nil {
		t.Errorf("%d rows are left, %v is abandoned", n, abandoned)
	}

	ended := begin(answer.Ask{Ephemeral: true}) // whose process dies before it forgets
	f.check(a.Finish(ctx, ended, 2, cairn.Answer{State: cairn.MessageComplete}))
	f.check(a.Finish(ctx, kept, 2, cairn.Answer{State: cairn.MessageComplete}))
	f.check(f.EraseExpired(ctx))
	if n := f.count(`SELECT count(*) FROM messages`); n != 2 {
		t.Errorf("%d messages are left of today's", n)
	}
	f.exec(`UPDATE messages SET finished_at = now() - interval '25 hours'`)
	f.check(f.EraseExpired(ctx))
	if n, conversations := f.count(`SELECT count(*) FROM messages`), f.count(`SELECT count(*) FROM conversations`); n != 1 || conversations != 1 {
		t.Errorf("%d messages and %d conversations are left of yesterday's", n, conversations)
	}
}

// TestErasureMeetsAnswers erases documents while answers begin that are made
// from them or follow answers that were: nothing of them is left.
func TestErasureMeetsAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	a := NewAnswers(f.DB)
	for range 15 {
		lost := f.document(s, cairn.NewID(), "Lost", "lost text", anns)
		kept := f.document(s, cairn.NewID(), "Kept", "kept text", anns)
		found := []cairn.Passage{f.passage(lost), f.passage(kept)}
		c := f.conversation(ann, "title")
		first := f.message(asked{conversation: c, question: "kept?", answer: "kept text", documents: []cairn.DocumentID{kept}})
		second := f.message(asked{conversation: c, parent: first, question: "lost?", answer: "lost text", documents: []cairn.DocumentID{lost}})
		f.message(asked{conversation: c, parent: second, question: "more?", answer: "kept text", documents: []cairn.DocumentID{kept}})
		told := make(chan string, 3) // messages with a history that was erased
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				started, turns, err := a.Begin(ctx, answer.Ask{Viewer: ann, Question: "And?", Conversation: c})
				if errors.Is(err, cairn.ErrNotFound) {
					return
				}
				if err != nil {
					t.Errorf("begin: %v", err)
					return
				}
				if _, err := a.SetEvidence(ctx, ann, started.Message, found); err != nil && !errors.Is(err, cairn.ErrNotFound) {
					t.Errorf("evidence: %v", err)
				}
				if slices.ContainsFunc(turns, func(turn answer.Turn) bool { return turn.Answer == "lost text" }) {
					told <- started.Message
				}
			})
		}
		all.Go(func() {
			if err := f.erase(lost); err != nil {
				t.Errorf("erase: %v", err)
			}
		})
		all.Wait()
		close(told)
		for m := range told {
			_, err := f.Message(ctx, ann, m)
			wantError(t, "a message that began before the erasure", err, cairn.ErrNotFound)
		}
		if n := f.count(`SELECT count(*) FROM message_evidence e WHERE NOT EXISTS (SELECT FROM documents d WHERE d.id = e.document_id)`); n > 0 {
			t.Fatalf("%d pieces of evidence are of documents that were erased", n)
		}
	}
}

// TestEvidenceWaitsForAnErasure: what is being erased does not become evidence.
func TestEvidenceWaitsForAnErasure(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	lost := f.document(f.source("handbook", anns), "lost", "Lost", "lost text", anns)
	found := []cairn.Passage{f.passage(lost)}
	a := NewAnswers(f.DB)
	started, _, err := a.Begin(ctx, answer.Ask{Viewer: ann, Question: "What?"})
	f.check(err)

	erasure, err := f.worker.Begin(ctx)
	f.check(err)
	defer erasure.Rollback(ctx) //nolint:errcheck // it was committed
	f.check(eraserIn(erasure).documents(ctx, []string{string(lost)}))
	done := make(chan error, 1)
	var readable []cairn.Passage
	go func() {
		var err error
		readable, err = a.SetEvidence(ctx, ann, started.Message, found)
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("evidence did not wait: %v, %v", readable, err)
		done <- nil
	case <-time.After(100 * time.Millisecond):
	}
	f.check(erasure.Commit(ctx))
	f.check(<-done)
	if n := f.count(`SELECT count(*) FROM message_evidence`); n != 0 || len(readable) > 0 {
		t.Errorf("%d documents are evidence, readable: %v", n, readable)
	}
}

// TestQuestionsAndErasuresLockInOneOrder stops a question that follows another
// one at the lock of the conversation, which an erasure takes before that of the
// message: the message must be free, or the two would wait for each other.
func TestQuestionsAndErasuresLockInOneOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	id := f.document(f.source("handbook", anns), "a", "Title", "text", anns)
	conversation := f.conversation(ann, "t")
	parent := f.message(asked{conversation: conversation, question: "q", answer: "a", documents: []cairn.DocumentID{id}})
	f.setACL(id, cairn.ACL{}) // the parent is withheld, so that its documents are not held
	erasure, err := f.worker.Begin(ctx)
	f.check(err)
	defer func() { _ = erasure.Rollback(context.Background()) }()
	_, err = erasure.Exec(ctx, `UPDATE conversations SET title = '' WHERE id = $1`, conversation)
	f.check(err)
	begun := make(chan error, 1)
	go func() {
		_, _, err := NewAnswers(f.DB).Begin(ctx, answer.Ask{Viewer: ann, Conversation: conversation, Parent: parent, Question: "And?"})
		begun <- err
	}()
	login, err := pgx.Connect(ctx, f.made.URL) // the worker is not shown what others wait for
	f.check(err)
	defer func() { _ = login.Close(context.Background()) }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var waits bool
		f.check(login.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits))
		if waits {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the question does not wait for the erasure")
		}
	}
	if _, err := erasure.Exec(ctx, `SELECT FROM messages WHERE id = $1 FOR UPDATE NOWAIT`, parent); err != nil {
		t.Errorf("the waiting question holds its parent: %v", err)
	}
	f.check(erasure.Rollback(ctx))
	f.check(<-begun)
}

// TestEventsComeWithTheirEvidence reads the events of messages while they are being stored:
// whoever shows one must know what it was made from.
func TestEventsComeWithTheirEvidence(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	found := []cairn.Passage{f.passage(f.document(f.source("handbook", anns), "a", "A", "kept text", anns))}
	a := NewAnswers(f.DB)
	for range 200 {
		started, _, err := a.Begin(ctx, answer.Ask{Viewer: ann, Question: "What?"})
		f.check(err)
		stored := make(chan error, 1)
		go func() {
			_, err := a.SetEvidence(ctx, ann, started.Message, found)
			stored <- errors.Join(err, a.Append(ctx, started.Message, 1, []answer.Event{{Type: answer.EventDelta, Text: "kept"}}))
		}()
		var events []answer.Event
		for len(events) == 0 {
			events, _, err = a.Events(ctx, ann, started.Message, 0)
			f.check(err)
		}
		f.check(<-stored)
		if len(events[0].Evidence) != 1 {
			t.Fatalf("an event has the evidence %v", events[0].Evidence)
		}
	}
}
