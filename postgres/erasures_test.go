package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/scim"
)

// A document that a connector reads stays away, also one that was being read just
// now, until an administrator lifts that. What a program pushes may come back.
func TestErasedDocumentStaysAway(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	s := f.source("files", cairn.Allow(cairn.Everyone))
	doomed := f.document(s, "a.eml", "A", "text of a", cairn.Allow(cairn.Everyone))
	inside := f.document(s, "a.eml!/1/b.pdf", "B", "text of b", cairn.Allow(cairn.Everyone))
	f.exec(`UPDATE documents SET parent_id = $2, attached = true WHERE id = $1`, inside, doomed)
	f.document(s, "c.md", "C", "text of c", cairn.Allow(cairn.Everyone))
	f.exec(`INSERT INTO runs (id, source_id, state, attempt) VALUES ('r', $1, 'running', 1)`, s.ID)
	f.exec(`INSERT INTO runs (id, source_id, state, reason) VALUES ('q', $1, 'failed', 'a.eml cannot be read')`, s.ID)
	f.exec(`INSERT INTO document_errors (source_id, external_id, code, reason) VALUES ($1, 'a.eml!/2/c.pdf', 'corrupt', 'r')`, s.ID)

	receipt, err := f.EraseDocument(ctx, doomed, true, "root")
	f.check(err)
	want := map[string]int{"documents": 2, "bodies": 2, "chunks": 2, "document_errors": 1, "runs": 1}
	if d := cmp.Diff(want, receipt.Counts); d != "" || !receipt.KeptOut || receipt.By != "root" || receipt.Subject != string(doomed) {
		t.Errorf("%+v, counts (-want +got):\n%s", receipt, d)
	}
	_, err = f.EraseDocument(ctx, doomed, true, "")
	wantError(t, "again", err, cairn.ErrNotFound)

	store := NewIngest(f.DB, Space{})
	names := []string{"a.eml", "a.eml!/1/b.pdf", "c.md"}
	out, err := store.KeptOut(ctx, s.ID, names)
	f.check(err)
	if d := cmp.Diff(map[string]bool{"a.eml": true, "a.eml!/1/b.pdf": true}, out); d != "" {
		t.Errorf("kept out (-want +got):\n%s", d)
	}
	batch := func(run ingest.Lease, external string) ingest.Batch {
		body := []byte("text")
		put := func(name, parent string) ingest.Put {
			d := cairn.Document{ID: cairn.DocumentID(cairn.NewID()), External: name, Version: cairn.VersionOf(body), Kind: cairn.KindPage, Title: "T", Body: body}
			return ingest.Put{Document: d, Parent: parent, Attached: parent != "", Chunks: ingest.Derive(&d, []cairn.Chunk{{End: len(body)}})}
		}
		return ingest.Batch{Source: s.ID, Run: run, Puts: []ingest.Put{put(external, ""), put(external+"!/9/new.txt", external), put("d.md", "")}}
	}
	is := func(when string, want ...string) {
		t.Helper()
		var got []string
		f.check(f.worker.QueryRow(ctx, `SELECT array_agg(external_id ORDER BY external_id) FROM documents`).Scan(&got))
		if !slices.Equal(got, want) {
			t.Errorf("%s there is %q, want %q", when, got, want)
		}
	}
	run := ingest.Lease{Run: "r", Attempt: 1}
	stored, err := store.Commit(ctx, batch(run, "a.eml"))
	f.check(err)
	if len(stored) != 3 || stored[0].ID != "" || stored[1].ID != "" || stored[2].ID == "" {
		t.Errorf("stored %+v", stored)
	}
	is("after a sync", "c.md", "d.md")

	lifted, err := f.LiftErasure(ctx, receipt.ID)
	f.check(err)
	if lifted.KeptOut || lifted.Counts["documents"] != 2 {
		t.Errorf("lifted %+v", lifted)
	}
	_, err = store.Commit(ctx, batch(run, "a.eml"))
	f.check(err)
	is("after it was lifted", "a.eml", "a.eml!/9/new.txt", "c.md", "d.md")
	_, err = f.LiftErasure(ctx, "nope")
	wantError(t, "lift nothing", err, cairn.ErrNotFound)

	_, err = store.Erase(ctx, s.ID, []string{"d.md"})
	f.check(err)
	_, err = store.Commit(ctx, batch(ingest.Lease{}, "x"))
	f.check(err)
	is("after a push", "a.eml", "a.eml!/9/new.txt", "c.md", "d.md", "x", "x!/9/new.txt")
	list := allPages(t, 1, 2, func(p api.Page) ([]cairn.Erasure, string, error) { return f.ListErasures(ctx, p) })
	if len(list) != 2 || list[0].Kind != cairn.ErasedPushed || list[1].ID != receipt.ID {
		t.Errorf("receipts %+v", list)
	}
}

// A person goes with what she asked and what nobody else could read. What others
// may read stays.
func TestEraseAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	root := f.account("root@acme.test", cairn.RoleAdmin)
	ann, bob := f.member("ann"), f.member("bob")
	anns := cairn.Allow(cairn.UserKey("ann@acme.test"))
	both := cairn.Allow(cairn.UserKey("ann@acme.test"), cairn.AccountKey(bob.Account))
	team := f.source("team", both)
	shared := f.document(team, "shared", "Shared", "shared text", both)
	hers := f.document(team, "hers", "Hers", "her text", anns)
	either := cairn.ACL{Allow: [][]cairn.PrincipalKey{{cairn.Everyone}, {cairn.AccountKey(ann.Account)}}}
	f.document(team, "narrow", "Narrow", "her text, too", either)
	own := f.source("own", anns)
	f.exec(`UPDATE sources SET owner_id = $2 WHERE id = $1`, own.ID, ann.Account)
	f.exec(`UPDATE sources SET settings = '{"writers": "bob@acme.test, Ann@acme.test"}' WHERE id = $1`, team.ID)
	f.document(own, "diary", "Diary", "dear diary", anns)
	f.withhold(f.document(own, "letters", "Letters", "dear letters", anns)) // vanished, and not confirmed
	f.withhold(f.document(team, "notes", "Notes", "her notes", anns))
	f.withhold(f.document(team, "minutes", "Minutes", "of both", both))
	f.check(f.CreateGroup(ctx, "finance"))
	f.check(f.SetGroup(ctx, "finance", []cairn.AccountID{ann.Account, bob.Account}, nil))
	c := f.conversation(ann, "shared")
	m := f.message(asked{conversation: c, question: "shared?", answer: "shared", documents: []cairn.DocumentID{shared}})
	f.check(f.SetFeedback(ctx, ann, m, api.Feedback{Rating: "up"}))
	bobs := f.conversation(bob, "both")
	f.message(asked{conversation: bobs, question: "shared?", answer: "shared", documents: []cairn.DocumentID{shared}})

	_, err := f.EraseAccount(ctx, root.ID, root.ID)
	wantError(t, "the last administrator", err, cairn.ErrConflict)
	_, err = f.EraseAccount(ctx, "nope", root.ID)
	wantError(t, "nobody", err, cairn.ErrNotFound)

	receipt, err := f.EraseAccount(ctx, ann.Account, root.ID)
	f.check(err)
	for table, want := range map[string]int{
		"accounts": 1, "conversations": 1, "messages": 1, "feedback": 1, "group_members": 1, "documents": 5, "bodies": 5, "sources": 2,
	} {
		if got := receipt.Counts[table]; got != want {
			t.Errorf("%d of %s, want %d", got, table, want)
		}
	}
	for what, sql := range map[string]string{
		"her account":      `SELECT count(*) FROM accounts WHERE id = $1`,
		"her conversation": `SELECT count(*) FROM conversations WHERE account_id = $1`,
		"her source":       `SELECT count(*) FROM sources WHERE owner_id = $1`,
	} {
		if n := f.count(sql, ann.Account); n != 0 {
			t.Errorf("%s is still there", what)
		}
	}
	if n := f.count(`SELECT count(*) FROM documents WHERE id = $1`, hers); n != 0 {
		t.Error("a document that she alone could read is still there")
	}
	if n := f.count(`SELECT count(*) FROM documents WHERE external_id = 'minutes' AND withheld_acl IS NOT NULL`); n != 1 {
		t.Error("what another could read again is gone, or open")
	}
	if n := f.count(`SELECT count(*) FROM acl_keys WHERE principal = 'user:ann@acme.test'`); n != 1 {
		t.Errorf("%d lists of permissions name her, want that of the shared documents", n)
	}
	var writers string
	f.check(f.worker.QueryRow(ctx, `SELECT settings->>'writers' FROM sources WHERE id = $1`, team.ID).Scan(&writers))
	if writers != "bob@acme.test" {
		t.Errorf("writers %q", writers)
	}
	_, messages, err := f.Conversation(ctx, bob, bobs)
	f.check(err)
	if len(messages) != 1 || messages[0].Withheld {
		t.Errorf("another person's conversation: %+v", messages)
	}
}

// Of somebody whose account was deleted without being erased, what is left is erased by
// its id, once; what nobody ever was is not found.
func TestEraseAccountThatIsGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := asking(t.Context(), audit.AccountDelete)
	f.account("root@acme.test", cairn.RoleAdmin)
	ann, bob, cid := f.member("ann"), f.member("bob"), f.member("cid")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	own, bobs := f.source("own", anns), f.source("bobs", cairn.Allow(cairn.AccountKey(bob.Account)))
	f.exec(`UPDATE sources SET owner_id = CASE id WHEN $1 THEN $2 ELSE $3 END`, own.ID, ann.Account, bob.Account)
	f.exec(`UPDATE sources SET settings = jsonb_build_object('writers', $2 || ', bob@acme.test') WHERE id = $1`, bobs.ID, string(ann.Account))
	f.document(own, "diary", "Diary", "dear diary", anns)
	f.document(bobs, "bobs", "Bobs", "of bob", cairn.Allow(cairn.AccountKey(bob.Account)))
	f.document(bobs, "shared", "Shared", "of both", cairn.Allow(cairn.AccountKey(bob.Account), cairn.AccountKey(ann.Account)))
	f.exec(`DELETE FROM accounts WHERE id = ANY ($1)`, []string{string(ann.Account), string(cid.Account)})

	receipt, err := f.EraseAccount(ctx, ann.Account, "root")
	f.check(err)
	if receipt.ID == "" || receipt.Counts["documents"] != 1 || receipt.Counts["sources"] != 2 || receipt.Subject != string(ann.Account) {
		t.Errorf("receipt %+v; want the diary, her source and the writers of the other", receipt)
	}
	if n := f.count(`SELECT count(*) FROM documents`); n != 2 {
		t.Errorf("%d documents are left, want those of bob", n)
	}
	if n := f.count(`SELECT count(*) FROM tombstones WHERE kind = 'account' AND id = $1`, ann.Account); n != 1 {
		t.Error("there is no tombstone: a backup would bring her back")
	}
	_, err = f.EraseAccount(ctx, ann.Account, "root")
	wantError(t, "again", err, cairn.ErrNotFound)
	for _, id := range []cairn.AccountID{"nobody", "no\x00body", cid.Account} {
		_, err = f.EraseAccount(ctx, id, "root")
		wantError(t, "of whom nothing tells", err, cairn.ErrNotFound)
	}

	// Nothing is left but what the audit log tells.
	f.check(f.AppendAudit(ctx, []audit.Event{{
		At: time.Now(), Action: audit.AccountDelete, Outcome: audit.OK, Object: audit.Object{Kind: audit.KindAccount, ID: string(cid.Account)},
	}}))
	receipt, err = f.EraseAccount(ctx, cid.Account, "root")
	f.check(err)
	if n := f.count(`SELECT count(*) FROM tombstones WHERE kind = 'account' AND id = $1 AND erasure_id = $2`, cid.Account, receipt.ID); n != 1 || receipt.ID == "" {
		t.Errorf("%d tombstones, receipt %+v", n, receipt)
	}
	_, err = f.EraseAccount(ctx, cid.Account, "root")
	wantError(t, "again", err, cairn.ErrNotFound)
}

func TestRetentionOfConversations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	old, young := f.conversation(ann, "old"), f.conversation(ann, "young")
	f.message(asked{conversation: old, question: "q", answer: "a"})
	f.exec(`UPDATE conversations SET updated_at = now() - interval '31 days' WHERE id = $1`, old)
	f.check(f.EraseExpired(ctx))
	if n := f.count(`SELECT count(*) FROM conversations`); n != 2 {
		t.Errorf("%d conversations are left without a retention", n)
	}
	f.SetRetention(Retention{Documents: time.Hour, Conversations: 30 * 24 * time.Hour})
	f.check(f.EraseExpired(ctx))
	_, _, err := f.Conversation(ctx, ann, old)
	wantError(t, "the old conversation", err, cairn.ErrNotFound)
	_, _, err = f.Conversation(ctx, ann, young)
	f.check(err)
	list, _, err := f.ListErasures(ctx, api.Page{Limit: 10})
	f.check(err)
	if len(list) != 1 || list[0].Kind != cairn.ErasedRetention || list[0].Counts["conversations"] != 1 || list[0].Counts["messages"] != 1 {
		t.Errorf("receipts %+v", list)
	}
}

// What was erased after a backup was made does not come back with it.
func TestRestoreDoesNotBringBackWhatWasErased(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	f.account("root@acme.test", cairn.RoleAdmin)
	ann, bob, cid := f.member("ann"), f.member("bob"), f.member("cid")
	all := cairn.Allow(cairn.Everyone)
	kept, gone := f.source("kept", all), f.source("gone", all)
	doomed, stays := f.document(kept, "doomed", "D", "doomed text", all), f.document(kept, "stays", "S", "text", all)
	f.document(gone, "x", "X", "text of x", all)
	deleted, made := f.conversation(bob, "deleted"), f.conversation(bob, "made from it")
	f.message(asked{conversation: made, question: "doomed?", answer: "doomed", documents: []cairn.DocumentID{doomed}})
	f.message(asked{conversation: deleted, question: "q", answer: "a"})
	f.conversation(ann, "anns")
	backup := postgrestest.Restored(t, f.made)

	dir := t.TempDir()
	stones := NewTombstones(f.DB, dir)
	f.check(stones.Replay(ctx)) // nothing yet
	receipt, err := f.EraseDocument(ctx, doomed, true, "")
	f.check(err)
	f.check(stones.Keep(ctx))
	_, err = f.EraseSource(ctx, gone.ID, "")
	f.check(err)
	_, err = f.EraseAccount(ctx, ann.Account, "")
	f.check(err)
	f.check(NewSCIM(f.DB).DeleteUser(ctx, cid.Account, "", func(scim.User) error { return nil }))
	f.check(f.DeleteConversation(ctx, bob, deleted))
	f.check(stones.Keep(ctx))
	f.check(stones.Keep(ctx))
	_, err = f.LiftErasure(ctx, receipt.ID)
	f.check(err)
	f.check(stones.Keep(ctx))
	text, err := os.ReadFile(filepath.Join(dir, TombstoneFile))
	f.check(err)
	if n := strings.Count(string(text), "\n"); n != 6 || strings.Contains(string(text), "doomed") {
		t.Errorf("%d lines, want 5 ids and one that was lifted, and no names:\n%s", n, text)
	}
	// A line that was cut short by a crash spoils neither what is read nor what follows.
	f.check(os.WriteFile(filepath.Join(dir, TombstoneFile), append(text, `{"kind":"docu`...), 0o600))

	db, err := Open(ctx, backup.URL, slog.New(slog.DiscardHandler))
	f.check(err)
	defer db.Close()
	restored := &fixture{DB: db, t: t, made: backup}
	again := NewTombstones(db, dir)
	f.check(again.Replay(ctx))
	for what, sql := range map[string]string{
		"documents": `SELECT count(*) FROM documents WHERE id <> '` + string(stays) + `'`,
		"sources":   `SELECT count(*) FROM sources WHERE name <> 'kept'`,
		"accounts":  `SELECT count(*) FROM accounts WHERE email IN ('ann@acme.test', 'cid@acme.test')`,
		"messages":  `SELECT count(*) FROM messages`,
		"kept out":  `SELECT count(*) FROM tombstones WHERE external_hash IS NOT NULL AND NOT lifted`,
	} {
		if n := restored.count(sql); n != 0 {
			t.Errorf("%s have come back: %d", what, n)
		}
	}
	list, _, err := db.ListErasures(ctx, api.Page{Limit: 10})
	f.check(err)
	if len(list) != 1 || list[0].Kind != cairn.ErasedRestore || list[0].Counts["documents"] != 2 || list[0].Counts["accounts"] != 2 {
		t.Errorf("receipts %+v", list)
	}
	_, err = db.EraseDocument(ctx, stays, false, "")
	f.check(err)
	f.check(again.Keep(ctx))
	f.check(NewTombstones(db, dir).Replay(ctx))
	text, err = os.ReadFile(filepath.Join(dir, TombstoneFile))
	f.check(err)
	if !strings.Contains(string(text), "\n"+`{"kind":"document","id":"`+string(stays)) {
		t.Errorf("what was erased after the crash is on no line of its own:\n%s", text)
	}
}

// Hashes of the words of an erased document leave the segments, those of the others
// stay; a segment without erased chunks is left as it is.
func TestErasedChunksLeaveSegments(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	x := l.replicas[0]
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 12 {
		l.put(fmt.Sprintf("book-%02d", i), &book{
			text: fmt.Sprintf("falcon unique%02d %s", i, randomText(r)), acl: cairn.Allow(cairn.Everyone), kind: cairn.KindPage,
			language: "en", vector: randomVector(r),
		})
	}
	x.upkeep = upkeep{packFrom: 1, packAtMost: 6, small: 0, together: 100, largest: 6, looseCodes: 1}
	l.check(x.Maintain(t.Context()))
	before := l.segmentIDs()
	if len(before) != 2 {
		t.Fatalf("segments %v, want 2", before)
	}
	holders := func(term string) (ids []int32) {
		t.Helper()
		for _, id := range l.segmentIDs() {
			if l.holds(id, lexical.Hash(term)) {
				ids = append(ids, id)
			}
		}
		return ids
	}
	if h := holders("unique01"); !slices.Equal(h, before[:1]) {
		t.Fatalf("the word is in segments %v, so that this test says nothing", h)
	}
	var id cairn.DocumentID
	l.check(l.worker.QueryRow(t.Context(), `SELECT id FROM documents WHERE external_id = 'book-01'`).Scan(&id))
	_, err := l.EraseDocument(t.Context(), id, false, "")
	l.check(err)
	l.check(x.Maintain(t.Context()))
	after := l.segmentIDs()
	if len(after) != 2 || slices.Contains(after, before[0]) || !slices.Contains(after, before[1]) {
		t.Errorf("segments %v of %v: the first was to be written anew", after, before)
	}
	if h := holders("unique01"); len(h) > 0 {
		t.Errorf("the word is still in segments %v", h)
	}
	if h := holders("unique02"); len(h) != 1 {
		t.Errorf("a word of another document is in segments %v", h)
	}
	if n := l.count(`SELECT count(*) FROM erased_chunks`); n != 0 {
		t.Errorf("%d chunks are still to leave", n)
	}
	// What programs remove leaves within an hour, many at once.
	l.erase("book-02")
	l.check(x.Maintain(t.Context()))
	if h := holders("unique02"); len(h) != 1 {
		t.Errorf("what a program removed was purged at once: %v", h)
	}
	l.exec(`UPDATE erased_chunks SET due = now() - interval '1 second'`)
	l.check(x.Maintain(t.Context()))
	if h := holders("unique02"); len(h) != 0 {
		t.Errorf("the word is still in segments %v", h)
	}
	found, err := x.Verify(t.Context(), true)
	if l.check(err); len(found.Problems) > 0 {
		t.Errorf("verify finds %+v", found.Problems)
	}
	if n := len(l.words(l.replicas[1], "falcon")); n != 10 {
		t.Errorf("another server finds %d, want 10", n)
	}
}

// holds reports whether a segment has postings of a term.
func (l *library) holds(segment int32, term uint64) (found bool) {
	l.t.Helper()
	var header []byte
	l.check(l.worker.QueryRow(context.Background(), `SELECT header FROM segments WHERE id = $1`, segment).Scan(&header))
	s, err := lexical.ParseSegment(header)
	l.check(err)
	rows, err := l.worker.Query(context.Background(), `SELECT key, data FROM postings WHERE segment = $1`, segment)
	l.check(err)
	defer rows.Close()
	for rows.Next() {
		var key int64
		var data []byte
		l.check(rows.Scan(&key, &data))
		l.check(s.Each(key, data, func(hash uint64, _, _ []byte) { found = found || hash == term }))
	}
	l.check(rows.Err())
	return found
}

// A transaction that still sees what was erased is waited for; a table that is in
// use is tried again.
func TestCleanWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	s := f.source("s", cairn.Allow(cairn.Everyone))
	doc := f.document(s, "a", "A", "text", cairn.Allow(cairn.Everyone))
	cleaned := func(when string, want bool) {
		t.Helper()
		// Tests of other databases may be in the way for a moment.
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			f.check(f.Clean(ctx))
			list, _, err := f.ListErasures(ctx, api.Page{Limit: 1})
			f.check(err)
			got := !list[0].Cleaned.IsZero()
			if got == want {
				return
			}
			if got || time.Now().After(deadline) {
				t.Errorf("%s: cleaned is %v", when, got)
				return
			}
		}
	}
	f.check(f.Rewrite(ctx)) // nothing was erased
	reader, err := f.worker.Begin(ctx)
	f.check(err)
	defer func() { _ = reader.Rollback(ctx) }()
	_, err = reader.Exec(ctx, `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`)
	f.check(err)
	_, err = reader.Exec(ctx, `SELECT count(*) FROM accounts`)
	f.check(err)
	_, err = f.EraseDocument(ctx, doc, false, "")
	f.check(err)
	cleaned("while an older transaction sees it", false)
	f.check(reader.Commit(ctx))

	reader, err = f.worker.Begin(ctx)
	f.check(err)
	_, err = reader.Exec(ctx, `LOCK TABLE bodies IN ACCESS SHARE MODE`)
	f.check(err)
	cleaned("while a table is in use", false)
	wantError(t, "rewrite while a table is in use", f.Rewrite(ctx), cairn.ErrConflict)
	f.check(reader.Commit(ctx))
	cleaned("when nobody is in the way", true)
	err = f.Rewrite(ctx)
	for deadline := time.Now().Add(time.Minute); errors.Is(err, cairn.ErrConflict) && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		err = f.Rewrite(ctx) // as above
	}
	f.check(err)
}
