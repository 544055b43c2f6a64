package postgres

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/sensitive"
	"github.com/cairnhq/cairn/server/api"
)

const (
	anIBAN   = "IBAN DE89 3704 0044 0532 0130 00"
	aSalary  = "Her salary is 85,000 EUR."
	nothings = "Meals are paid up to 40 EUR a day."
)

// rescan looks at everything at once.
func (f *fixture) rescan() {
	f.t.Helper()
	f.check(f.RequestScan(f.t.Context()))
	f.check(f.ScanSensitive(f.t.Context()))
}

// overshared returns the report with all its documents, by id.
func (f *fixture) overshared(moreThan *int) (api.Oversharing, map[cairn.DocumentID]api.OversharedDocument) {
	f.t.Helper()
	r, next, err := f.Oversharing(context.Background(), moreThan, 30, api.Page{Limit: maxPage})
	f.check(err)
	if next != "" {
		f.t.Fatal("the report has more than a page")
	}
	documents := make(map[cairn.DocumentID]api.OversharedDocument)
	for _, d := range r.Documents {
		documents[d.Document] = d
	}
	return r, documents
}

func TestOversharing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.member("ann")
	f.member("bob")
	f.member("cid")
	off := f.account("off@acme.test", cairn.RoleMember)
	f.exec(`UPDATE accounts SET disabled_at = now() WHERE id = $1`, off.ID)
	everyone, anns := cairn.Allow(cairn.Everyone), cairn.Allow(cairn.AccountKey(ann.Account))
	two := cairn.Allow(cairn.AccountKey(ann.Account), "user:bob@acme.test", "user:off@acme.test")
	open, closed := f.source("open", everyone), f.source("closed", anns)
	both := f.document(open, "a", "A", anIBAN+", GB29 NWBK 6016 1331 9268 19\n"+aSalary, everyone)
	f.document(open, "b", "B", nothings, everyone)
	f.hide(f.document(open, "c", "C", anIBAN, everyone))
	f.document(closed, "d", "D", anIBAN, anns)
	some := f.document(closed, "e", "E", aSalary, two)

	none, documents := f.overshared(nil)
	if len(documents) != 0 || !none.Scanned.IsZero() || none.Pending != 4 {
		t.Errorf("before a scan: %+v", none)
	}
	f.rescan()
	r, documents := f.overshared(nil)
	want := map[cairn.DocumentID]api.OversharedDocument{
		both: {Document: both, Source: "open", Counts: map[sensitive.Kind]int{sensitive.IBAN: 2, sensitive.Salary: 1}, Readers: api.Readers{Everyone: true, Accounts: 3}},
		some: {Document: some, Source: "closed", Counts: map[sensitive.Kind]int{sensitive.Salary: 1}, Readers: api.Readers{Accounts: 2}},
	}
	if d := cmp.Diff(want, documents); d != "" {
		t.Errorf("documents (-want +got):\n%s", d)
	}
	sources := []api.OversharedSource{
		{Source: "closed", Documents: 1, Kinds: map[sensitive.Kind]int{sensitive.Salary: 1}},
		{Source: "open", Documents: 1, Everyone: 1, Kinds: map[sensitive.Kind]int{sensitive.IBAN: 1, sensitive.Salary: 1}},
	}
	if d := cmp.Diff(sources, r.Sources); d != "" || r.Accounts != 3 || r.MoreThan != 1 || r.Pending != 0 || r.Scanned.IsZero() {
		t.Errorf("%+v, sources (-want +got):\n%s", r, d)
	}
	var days []api.OversharedDay
	for _, d := range r.Days {
		if d.Day.Format("2006-01-02") != r.Scanned.Format("2006-01-02") {
			t.Errorf("%+v is of another day", d)
		}
		d.Day = time.Time{}
		days = append(days, d)
	}
	if d := cmp.Diff([]api.OversharedDay{
		{Source: "closed", Kind: sensitive.Salary, Documents: 1}, {Source: "open", Kind: sensitive.IBAN, Documents: 1, Everyone: 1},
		{Source: "open", Kind: sensitive.Salary, Documents: 1, Everyone: 1},
	}, days); d != "" {
		t.Errorf("days (-want +got):\n%s", d)
	}
	for n, wanted := range map[int]int{0: 3, 1: 2, 2: 1, 100: 1} { // what is for everyone stays
		_, documents := f.overshared(&n)
		all, err := f.OversharedDocuments(t.Context(), &n)
		f.check(err)
		if len(documents) != wanted || len(all) != wanted {
			t.Errorf("more than %d: %d documents, %d as a table; want %d", n, len(documents), len(all), wanted)
		}
	}
	zero := 0
	var ids []cairn.DocumentID
	for _, d := range allPages(t, 1, 3, func(p api.Page) ([]api.OversharedDocument, string, error) {
		r, next, err := f.Oversharing(t.Context(), &zero, 1, p)
		return r.Documents, next, err
	}) {
		ids = append(ids, d.Document)
	}
	all, err := f.OversharedDocuments(t.Context(), &zero)
	f.check(err)
	for i, d := range all {
		if ids[i] != d.Document {
			t.Errorf("the pages have %v, the table %+v", ids, all)
		}
	}
}

// TestScanFollowsTheDocuments changes and erases what was looked at.
func TestScanFollowsTheDocuments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	f.member("ann")
	s := f.source("open", cairn.Allow(cairn.Everyone))
	id := f.document(s, "a", "A", anIBAN, s.ACL)
	f.check(f.ScanSensitive(ctx)) // the first is due at once
	if _, documents := f.overshared(nil); len(documents) != 1 {
		t.Fatalf("%+v", documents)
	}
	f.body(id, nothings, []section{})
	f.check(f.ScanSensitive(ctx)) // the next is due tomorrow
	if r, documents := f.overshared(nil); len(documents) != 1 || r.Pending != 1 {
		t.Errorf("%+v", r)
	}
	f.rescan()
	if r, documents := f.overshared(nil); len(documents) != 0 || len(r.Sources) != 0 || len(r.Days) != 0 || r.Pending != 0 {
		t.Errorf("what was taken out is still told: %+v", r)
	}
	f.body(id, aSalary, []section{})
	f.rescan()
	f.setACL(id, cairn.ACL{}) // holds without another scan
	if _, documents := f.overshared(nil); len(documents) != 0 {
		t.Errorf("%+v", documents)
	}
	f.exec(`UPDATE sensitive_counts SET detectors = detectors - 1, counts = '{}'`)
	if r, _ := f.overshared(nil); r.Pending != 1 {
		t.Errorf("after other detectors %d are to be looked at", r.Pending)
	}
	f.setACL(id, s.ACL)
	f.exec(`UPDATE sensitive_scan SET due_at = now() - interval '1 s'`)
	f.check(f.ScanSensitive(ctx))
	if _, documents := f.overshared(nil); len(documents) != 1 {
		t.Errorf("%+v", documents)
	}
	receipt, err := f.EraseDocument(ctx, id, false, "")
	f.check(err)
	if receipt.Counts["sensitive_counts"] != 0 || f.count(`SELECT count(*) FROM sensitive_counts`) != 0 {
		t.Errorf("%v", receipt.Counts)
	}
	f.exec(`INSERT INTO sensitive_days VALUES ('2020-01-01', $1, 'iban', 1, 1)`, s.ID)
	f.rescan()
	if n := f.count(`SELECT count(*) FROM sensitive_days WHERE day < '2021-01-01'`); n != 0 {
		t.Errorf("%d counts are too old", n)
	}
	f.exec(`INSERT INTO sensitive_days VALUES (current_date, $1, 'iban', 1, 1)`, s.ID)
	receipt, err = f.EraseSource(ctx, s.ID, "")
	f.check(err)
	if receipt.Counts["sensitive_days"] != 1 {
		t.Errorf("%v", receipt.Counts)
	}
}

// What readers see of a document is more than its text.
func TestScanLooksAtAllThatIsShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.member("ann")
	s := f.source("open", cairn.Allow(cairn.Everyone))
	shown := map[cairn.DocumentID]string{}
	for _, column := range []string{"title", "external_id", "url", "author", "attributes", "heading", "nothing"} {
		id := f.document(s, column, column, nothings, s.ACL)
		switch column {
		case "nothing":
			continue
		case "attributes":
			f.exec(`UPDATE documents SET attributes = jsonb_build_object('account', $2::text) WHERE id = $1`, id, anIBAN)
		case "heading":
			f.exec(`UPDATE bodies SET sections = jsonb_build_array(jsonb_build_object('h', jsonb_build_array('Part', $2::text), 's', 0, 'e', 1)) WHERE document_id = $1`, id, anIBAN)
		default:
			f.exec(`UPDATE documents SET `+column+` = $2 WHERE id = $1`, id, anIBAN)
		}
		shown[id] = column
	}
	f.rescan()
	_, documents := f.overshared(nil)
	for id, column := range shown {
		if documents[id].Counts[sensitive.IBAN] != 1 {
			t.Errorf("%s: counted are %v", column, documents[id].Counts)
		}
		delete(documents, id)
	}
	if len(documents) != 0 {
		t.Errorf("nothing is in %v", documents)
	}
	for id := range shown { // what is said of a document changes without its text
		f.exec(`UPDATE documents SET title = 'x', external_id = id, url = '', author = '', attributes = '{}', fingerprint = 'new' WHERE id = $1`, id)
		f.exec(`UPDATE bodies SET sections = '[]' WHERE document_id = $1`, id)
	}
	if r, _ := f.overshared(nil); r.Pending != len(shown) {
		t.Errorf("%d have changed, and %d are to be looked at", len(shown), r.Pending)
	}
	f.rescan()
	if _, documents := f.overshared(nil); len(documents) != 0 {
		t.Errorf("what was taken out is still told: %+v", documents)
	}
}

// A scan that is asked for while another one is at work follows it.
func TestScanThatIsAskedForMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	f.member("ann")
	s := f.source("open", cairn.Allow(cairn.Everyone))
	id := f.document(s, "a", "A", nothings, s.ACL)
	owner, err := pgx.Connect(ctx, f.made.URL)
	f.check(err)
	defer func() { _ = owner.Close(context.Background()) }()
	hold, err := owner.Begin(ctx) // the scan waits for the document that it has looked at
	f.check(err)
	_, err = hold.Exec(ctx, `SELECT FROM documents WHERE id = $1 FOR UPDATE`, id)
	f.check(err)
	done := make(chan error, 1)
	go func() { done <- f.ScanSensitive(ctx) }()
	for waits, deadline := 0, time.Now().Add(20*time.Second); waits == 0; time.Sleep(5 * time.Millisecond) {
		f.check(hold.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`).Scan(&waits))
		if time.Now().After(deadline) {
			t.Fatal("the scan does not wait")
		}
	}
	f.document(s, "0", "B", anIBAN, s.ACL) // too late for this scan
	f.check(f.RequestScan(ctx))
	f.check(hold.Rollback(ctx))
	f.check(<-done)
	if r, _ := f.overshared(nil); r.Scanned.IsZero() || r.Pending != 1 {
		t.Errorf("the first scan: %+v", r)
	}
	f.check(f.ScanSensitive(ctx)) // as every minute
	if r, documents := f.overshared(nil); r.Pending != 0 || len(documents) != 1 {
		t.Errorf("the scan that was asked for: %+v", r)
	}
	f.document(s, "c", "C", anIBAN, s.ACL)
	f.check(f.ScanSensitive(ctx))
	if r, _ := f.overshared(nil); r.Pending != 1 {
		t.Errorf("nobody has asked for another one: %+v", r)
	}
}

// More documents than one step looks at.
func TestScanOfManyDocuments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.member("ann")
	s := f.source("large", cairn.Allow(cairn.Everyone))
	const n = 2*scanBatch + 1
	f.exec(`
		INSERT INTO documents (id, source_id, external_id, version, fingerprint, kind, title, acl_id)
		SELECT 'd' || n, $1, n, 'v', '', 'page', '', (SELECT acl_id FROM sources WHERE id = $1) FROM generate_series(1, $2::int) n`, s.ID, n)
	f.exec(`INSERT INTO bodies (document_id, version, body, sections) SELECT id, 'v', $1, '[]' FROM documents`, []byte(anIBAN))
	f.rescan()
	all, err := f.OversharedDocuments(t.Context(), nil)
	f.check(err)
	if len(all) != n {
		t.Errorf("%d documents; want %d", len(all), n)
	}
	if texts := f.count(`SELECT count(*) FROM sensitive_counts WHERE sensitive_counts::text LIKE '%DE89%'`); texts != 0 {
		t.Errorf("%d rows hold what was found", texts)
	}
}

// TestScanLeavesTimeToOthers makes each of three steps take 50 ms at least: the scan
// rests nine times as long after each but the last.
func TestScanLeavesTimeToOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.source("large", cairn.Allow(cairn.Everyone))
	f.exec(`
		INSERT INTO documents (id, source_id, external_id, version, fingerprint, kind, title, acl_id)
		SELECT 'd' || n, $1, n, 'v', '', 'page', '', (SELECT acl_id FROM sources WHERE id = $1) FROM generate_series(1, $2::int) n`, s.ID, 2*scanBatch+1)
	f.exec(`INSERT INTO bodies (document_id, version, body, sections) SELECT id, 'v', '', '[]' FROM documents`)
	owner, err := pgx.Connect(t.Context(), f.made.URL)
	f.check(err)
	defer func() { _ = owner.Close(context.Background()) }()
	_, err = owner.Exec(t.Context(), `
		CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END';
		CREATE TRIGGER slowly AFTER INSERT ON sensitive_counts FOR EACH STATEMENT EXECUTE FUNCTION slowly()`)
	f.check(err)
	began := time.Now()
	f.check(f.ScanSensitive(t.Context()))
	if took := time.Since(began); took < 3*50*time.Millisecond+2*9*50*time.Millisecond {
		t.Errorf("a scan with 150 ms of work at least took %v", took)
	}
	if n := f.count(`SELECT count(*) FROM sensitive_counts`); n != 2*scanBatch+1 {
		t.Errorf("it looked at %d documents", n)
	}
}

// TestOversharingEqualsOracle compares who may read the documents with what their
// ACLs say of every account.
func TestOversharingEqualsOracle(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	told := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range 5 {
			c.step(rt)
		}
		c.exec(`
			INSERT INTO sensitive_counts SELECT id, version, $1, CASE WHEN md5(id) < '8' THEN '{"iban": 1}' ELSE '{}' END::jsonb FROM documents
			ON CONFLICT DO NOTHING`, sensitive.Version)
		moreThan := rapid.IntRange(0, len(c.people)).Draw(rt, "more than")
		_, got := c.overshared(&moreThan)
		want := make(map[cairn.DocumentID]api.Readers)
		for _, s := range c.sources {
			readers := make(map[cairn.DocumentID]int)
			for _, documents := range c.read(s) {
				for id, reads := range documents {
					if reads {
						readers[id]++
					}
				}
			}
			for _, id := range c.documents[s.ID] {
				d, err := c.DocumentAccess(context.Background(), id)
				c.check(err)
				everyone := !d.Withheld && d.ACL.Admits(cairn.Viewer{Keys: []cairn.PrincipalKey{cairn.Everyone}})
				found := c.count(`SELECT count(*) FROM sensitive_counts WHERE document_id = $1 AND counts <> '{}'`, id) > 0
				if found && !d.Hidden && (everyone || readers[id] > moreThan) {
					want[id] = api.Readers{Everyone: everyone, Accounts: readers[id]}
				}
			}
		}
		told += len(want)
		who := make(map[cairn.DocumentID]api.Readers)
		for id, d := range got {
			who[id] = d.Readers
		}
		if d := cmp.Diff(want, who); d != "" {
			rt.Fatalf("more than %d (-want +got):\n%s", moreThan, d)
		}
	})
	t.Logf("%d documents were told", told)
	if told < 20 {
		t.Error("this test says little")
	}
}

func TestAccountSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.SliceOf(rapid.IntRange(0, 200))
		a, b := places.Draw(t, "a"), places.Draw(t, "b")
		var s, other accountSet
		model := make(map[int]bool)
		for _, n := range a {
			s, model[n] = s.with(n), true
		}
		for _, n := range b {
			other = other.with(n)
			delete(model, n)
		}
		left := s.without(other)
		if want := slices.Sorted(maps.Keys(model)); !slices.Equal(slices.Collect(left.all()), want) || left.len() != len(want) {
			t.Fatalf("%v without %v is %v", a, b, slices.Collect(left.all()))
		}
	})
}
