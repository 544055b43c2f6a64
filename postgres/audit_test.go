package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

// someEvents returns n events that differ, with fields that are easily mangled.
func someEvents(n int) []audit.Event {
	events := make([]audit.Event, n)
	for i := range events {
		events[i] = audit.Event{
			At: time.Date(2026, 11, 29, 9, 0, 0, 1000*(i+1), time.UTC), Action: audit.Search, Outcome: audit.OK,
			Account: cairn.AccountID(fmt.Sprint("a", i%3)), Via: "token", Token: "t", Address: "2001:db8::1", Request: fmt.Sprint("r", i),
			Object: audit.Object{Kind: audit.KindGroup, ID: "Zürich, 3:x,"}, Detail: "ß:1,",
		}
		for d := range i % 4 {
			events[i].Documents = append(events[i].Documents, cairn.DocumentID(fmt.Sprint("d", d)))
		}
	}
	return events
}

func (f *fixture) appended(n int) []audit.Row {
	f.t.Helper()
	f.check(f.AppendAudit(f.t.Context(), someEvents(n)))
	return f.auditLog(api.AuditFilter{})
}

// auditLog returns the rows of the log, the oldest first.
func (f *fixture) auditLog(filter api.AuditFilter) []audit.Row {
	f.t.Helper()
	var rows []audit.Row
	for r, err := range f.AuditRows(f.t.Context(), filter) {
		f.check(err)
		rows = append(rows, r)
	}
	return rows
}

func (f *fixture) verified(known ...audit.Mark) audit.Verification {
	f.t.Helper()
	v, err := f.VerifyAudit(f.t.Context(), known)
	f.check(err)
	return v
}

// tamper runs statements as a superuser who switches off what is in the way.
func (f *fixture) tamper(statements ...string) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.made.AdminURL)
	f.check(err)
	defer func() { _ = conn.Close(context.Background()) }()
	for _, s := range append([]string{`SET session_replication_role = replica`}, statements...) {
		_, err := conn.Exec(f.t.Context(), s)
		f.check(err)
	}
}

func TestAuditLogKeepsEvents(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if v := f.verified(); v.Broken != nil || v.Rows != 0 {
		t.Errorf("an empty log: %+v", v)
	}
	events := someEvents(9)
	rows := f.appended(9)
	var got []audit.Event
	for i, r := range rows {
		got = append(got, r.Event)
		if r.Seq != int64(i+1) || audit.HashOf(r) != r.Hash {
			t.Errorf("row %d: number %d, the database's hash %s, ours %s", i, r.Seq, r.Hash, audit.HashOf(r))
		}
	}
	if d := cmp.Diff(events, got, cmp.Transformer("list", func(e audit.Event) map[string]any {
		return map[string]any{"event": fmt.Sprintf("%+v", e)}
	})); d != "" {
		t.Error(d)
	}
	if v := f.verified(rows[4].Mark); v.Broken != nil || v.Rows != 9 || v.First != 1 || v.Last != rows[8].Mark {
		t.Errorf("%+v", v)
	}
}

func TestTamperingShows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   []string
		seq  int64
		what string
	}{
		{"the first row deleted", []string{`DELETE FROM audit_log WHERE seq = 1`}, 1, "missing"},
		{"a row deleted", []string{`DELETE FROM audit_log WHERE seq = 4`}, 4, "missing"},
		{"the last row deleted", []string{`DELETE FROM audit_log WHERE seq = 9`}, 9, "missing"},
		{"all rows deleted", []string{`TRUNCATE audit_log`}, 1, "missing"},
		{"who did it changed", []string{`UPDATE audit_log SET account_id = 'bob' WHERE seq = 5`}, 5, "changed"},
		{"a time changed", []string{`UPDATE audit_log SET at = at + interval '1 us' WHERE seq = 5`}, 5, "changed"},
		{"a document removed", []string{`UPDATE audit_log SET documents = documents[2:] WHERE seq = 4`}, 4, "changed"},
		{"two rows exchanged", []string{
			`UPDATE audit_log SET seq = -1 WHERE seq = 3`, `UPDATE audit_log SET seq = 3 WHERE seq = 6`, `UPDATE audit_log SET seq = 6 WHERE seq = -1`}, 3, "follow"},
		{"a row put in", []string{
			`UPDATE audit_log SET seq = seq + 100 WHERE seq > 5`, `UPDATE audit_log SET seq = seq - 99 WHERE seq > 100`,
			`INSERT INTO audit_log SELECT 6, at, action, outcome, 'bob', via, token_id, address, request_id, kind, object_id, detail, documents, hash, hash FROM audit_log WHERE seq = 5`}, 6, "changed"},
		{"a row put at the end", []string{
			`INSERT INTO audit_log SELECT 10, at, action, outcome, 'bob', via, token_id, address, request_id, kind, object_id, detail, documents, hash, hash FROM audit_log WHERE seq = 9`}, 10, "changed"},
		{"a hash cut off", []string{`UPDATE audit_log SET hash = '\x00' WHERE seq = 2`}, 2, "changed"},
		{"the head moved", []string{`UPDATE audit_head SET seq = 8`}, 9, "behind"},
		{"the head removed", []string{`DELETE FROM audit_head`}, 9, "gone"},
		{"a day removed with a checkpoint of its own", []string{
			`DELETE FROM audit_log WHERE seq < 4`,
			`INSERT INTO audit_log SELECT 10, at, 'audit.expire', outcome, '', '', '', '', '', 'checkpoint', '3:' || encode(hash, 'hex'), '', '{}', hash, hash FROM audit_log WHERE seq = 5`}, 4, "follow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.appended(9)
			f.tamper(c.do...)
			v := f.verified()
			if v.Broken == nil || v.Broken.Seq != c.seq || !strings.Contains(v.Broken.What, c.what) {
				t.Errorf("%+v; want row %d, %s", v.Broken, c.seq, c.what)
			}
		})
	}
}

// What is left after a deletion goes on where the log was, so that the gap stays.
func TestGapsStay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.appended(3)
	f.tamper(`DELETE FROM audit_log WHERE seq = 3`)
	f.appended(2)
	if v := f.verified(); v.Broken == nil || v.Broken.Seq != 3 {
		t.Errorf("%+v", v.Broken)
	}
}

func TestAuditLogOnlyGrows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.appended(3)
	for _, role := range []string{f.roles.Worker, f.roles.Search, f.roles.Index} {
		f.asRole(role, func(ctx context.Context, conn *pgx.Conn) {
			for _, s := range []string{
				`UPDATE audit_log SET account_id = 'x'`, `DELETE FROM audit_log`, `TRUNCATE audit_log`, `UPDATE audit_head SET seq = 0`,
				`DELETE FROM audit_head`, `INSERT INTO audit_head (one, seq, hash) VALUES (false, 1, '')`,
				`ALTER TABLE audit_log DISABLE TRIGGER ALL`, `SET session_replication_role = replica`, `DROP TABLE audit_log`,
				`SELECT FROM audit_log FOR UPDATE`,
			} {
				if _, err := conn.Exec(ctx, s); err == nil || !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be owner") {
					t.Errorf("%s: %s: %v", role, s, err)
				}
			}
			if role == f.roles.Worker {
				return
			}
			for _, s := range []string{`SELECT FROM audit_log`, `SELECT FROM audit_head`, `SELECT expire_audit('400 days')`, `INSERT INTO audit_log (at, action, outcome) VALUES (now(), 'x', 'ok')`} {
				if _, err := conn.Exec(ctx, s); err == nil || !strings.Contains(err.Error(), "permission denied") {
					t.Errorf("%s: %s: %v", role, s, err)
				}
			}
		})
	}
	// The worker cannot choose the place of a row either.
	f.exec(`INSERT INTO audit_log (seq, previous, hash, at, action, outcome) VALUES (1, '', '', now(), 'search', 'ok')`)
	if v := f.verified(before[2].Mark); v.Broken != nil || v.Rows != 4 {
		t.Errorf("%+v", v)
	}
}

func TestAuditRetention(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	now := time.Now().UTC()
	at := func(days int, events int) {
		t.Helper()
		more := someEvents(events)
		for i := range more {
			more[i].At = now.AddDate(0, 0, -days).Truncate(time.Microsecond)
		}
		f.check(f.AppendAudit(t.Context(), more))
	}
	at(40, 3)
	at(31, 2)
	at(29, 1)
	at(31, 1) // late, behind a row that is kept
	at(1, 2)
	f.check(f.ExpireAudit(t.Context(), 30*24*time.Hour))
	rows := f.auditLog(api.AuditFilter{})
	if len(rows) != 5 || rows[0].Seq != 6 || rows[4].Action != audit.AuditExpire || !strings.HasPrefix(rows[4].Object.ID, "5:") {
		t.Errorf("%d rows are left: %+v", len(rows), rows)
	}
	if v := f.verified(rows[0].Mark, audit.Mark{Seq: 2}); v.Broken != nil || v.First != 6 || v.Rows != 5 {
		t.Errorf("%+v", v)
	}
	f.check(f.ExpireAudit(t.Context(), 30*24*time.Hour)) // nothing is old enough
	if n := len(f.auditLog(api.AuditFilter{})); n != 5 {
		t.Errorf("%d rows after nothing was to be removed", n)
	}
	f.check(f.ExpireAudit(t.Context(), 20*24*time.Hour))
	if v := f.verified(); v.Broken != nil || v.First != 8 || v.Rows != 4 {
		t.Errorf("after the second time: %+v", v)
	}
	if err := f.ExpireAudit(t.Context(), time.Hour); err == nil {
		t.Error("an hour is enough to empty the log")
	}
	f.tamper(`DELETE FROM audit_log WHERE seq = 8`)
	if v := f.verified(); v.Broken == nil || v.Broken.Seq != 8 {
		t.Errorf("a row behind the checkpoint was removed: %+v", v)
	}
}

// A whole log that has grown old goes, and what comes afterwards follows it.
func TestAuditRetentionOfEverything(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	old := someEvents(3)
	for i := range old {
		old[i].At = old[i].At.AddDate(-2, 0, 0)
	}
	f.check(f.AppendAudit(t.Context(), old))
	f.check(f.ExpireAudit(t.Context(), 400*24*time.Hour))
	f.appended(2)
	if v := f.verified(); v.Broken != nil || v.Rows != 3 || v.First != 4 {
		t.Errorf("%+v", v)
	}
}

func TestTwoServersWriteOneChain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	other, err := Open(t.Context(), f.made.URL, slog.New(slog.DiscardHandler))
	f.check(err)
	defer other.Close()
	var working sync.WaitGroup
	stop := make(chan struct{})
	for n, db := range []*DB{f.DB, other} {
		w := audit.NewWriter(db, slog.New(slog.DiscardHandler))
		for g := range 3 {
			working.Go(func() {
				for i := range 40 {
					w.Add(t.Context(), someEvents(4)[i%4])
					ctx := audit.NewContext(t.Context(), audit.Begin(w, audit.Event{Action: audit.GroupCreate}))
					if err := db.CreateGroup(ctx, fmt.Sprintf("g-%d-%d-%d", n, g, i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		defer w.Close(context.Background())
		defer w.Settle(t.Context())
	}
	checking := make(chan error, 1)
	go func() { // the log is whole at every moment
		for {
			select {
			case <-stop:
				checking <- nil
				return
			default:
			}
			if v, err := f.VerifyAudit(context.Background(), nil); err != nil || v.Broken != nil {
				checking <- fmt.Errorf("%w, %+v", err, v.Broken)
				return
			}
		}
	}()
	working.Wait()
	close(stop)
	if err := <-checking; err != nil {
		t.Error(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for f.count(`SELECT count(*) FROM audit_log`) < 480 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if v := f.verified(); v.Broken != nil || v.Rows != 480 {
		t.Errorf("%+v", v)
	}
}

func TestListAudit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rows := f.appended(9)
	extra := audit.Event{At: time.Now().UTC(), Action: audit.TokenRevoke, Outcome: "not_found", Object: audit.Object{Kind: audit.KindToken, ID: "t9"}}
	f.check(f.AppendAudit(t.Context(), []audit.Event{extra}))
	list := func(filter api.AuditFilter) []audit.Row {
		return allPages(t, 200, 1, func(p api.Page) ([]audit.Row, string, error) { return f.ListAudit(t.Context(), filter, p) })
	}
	for _, c := range []struct {
		filter api.AuditFilter
		want   int
	}{
		{api.AuditFilter{}, 10}, {api.AuditFilter{Account: "a0"}, 3}, {api.AuditFilter{Action: "search"}, 9},
		{api.AuditFilter{Action: "token"}, 1}, {api.AuditFilter{Action: "tok"}, 0}, {api.AuditFilter{Outcome: "not_found"}, 1},
		{api.AuditFilter{Object: audit.Object{Kind: audit.KindToken}}, 1}, {api.AuditFilter{Object: audit.Object{ID: "t9"}}, 1},
		{api.AuditFilter{Object: audit.Object{Kind: audit.KindGroup, ID: "t9"}}, 0}, {api.AuditFilter{Document: "d1"}, 4},
		{api.AuditFilter{Since: rows[4].At, Until: rows[7].At}, 3}, {api.AuditFilter{Account: "%"}, 0},
	} {
		if got := list(c.filter); len(got) != c.want {
			t.Errorf("%+v: %d rows, want %d", c.filter, len(got), c.want)
		}
		if got := f.auditLog(c.filter); len(got) != c.want {
			t.Errorf("export of %+v: %d rows, want %d", c.filter, len(got), c.want)
		}
	}
	all := allPages(t, 3, 4, func(p api.Page) ([]audit.Row, string, error) { return f.ListAudit(t.Context(), api.AuditFilter{}, p) })
	for i, r := range all {
		if r.Seq != int64(10-i) {
			t.Errorf("place %d: row %d", i, r.Seq)
		}
	}
	_, _, err := f.ListAudit(t.Context(), api.AuditFilter{Account: "n\x00l"}, api.Page{Limit: 1})
	wantError(t, "bad text", err, cairn.ErrInvalid)
}
