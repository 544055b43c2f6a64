package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres/postgrestest"
)

// guarded are the tables that the search role reads: row-level security decides.
var guarded = map[string]bool{
	"code_symbols": true, "sources": true, "documents": true, "bodies": true, "chunks": true, "conversations": true, "messages": true,
	"citations": true, "message_evidence": true, "message_events": true,
}

// closed are the tables on which the search role has no right, with the reason
// why they need no policy for it.
var closed = map[string]string{
	"fresh":         "derived index: hashes of terms",
	"segments":      "derived index: numbers of chunks",
	"postings":      "derived index: hashes of terms",
	"fresh_codes":   "derived index: signs of vectors",
	"segment_codes": "derived index: signs of vectors",
	"vectors":       "derived index: vectors",
	"code_files":    "derived index: trigrams, and hashes of names",
	"vector_spaces": "names of models",
	"changes":       "numbers of chunks and classes",
	"acls":          "principals, no text of documents",
	"acl_keys":      "principals, no text of documents",

	"accounts":         "people, for the application",
	"groups":           "people, for the application",
	"group_members":    "people, for the application",
	"bindings":         "people, for the application",
	"pending_bindings": "people, for the application",
	"tokens":           "hashes of secrets",
	"sessions":         "hashes of secrets",
	"sign_in_codes":    "hashes of secrets",
	"used_sign_ins":    "hashes of secrets",
	"passwords":        "hashes of secrets",
	"device_logins":    "hashes of secrets; what programs call themselves that ask to be let in",
	"sign_in_limits":   "hashes of who tries to sign in from where",
	"source_secrets":   "what is sealed with a key that is elsewhere",
	"hook_deliveries":  "ids of what webhooks have sent",
	"source_hooks":     "names of events and times, for administrators",
	"request_limits":   "hashes of accounts at sources",
	"runs":             "history of sources, for administrators",
	"document_errors":  "names of documents, for administrators; also guarded",
	"feedback":         "what people said of answers, for administrators; also guarded",
	"grants":           "who was granted what and why, for administrators and auditors; also guarded",
	"tombstones":       "ids of what is gone, and hashes of names",
	"settings":         "what the server notes of the database",
	"directory":        "the state of who belongs to what",
	"erasures":         "receipts: ids and counts",
	"erased_chunks":    "numbers of chunks",
	"sensitive_counts": "counts of what detectors found, for administrators and auditors",
	"sensitive_days":   "the same by day",
	"sensitive_scan":   "when the detectors look again",
	"audit_log":        "ids of who did what, for auditors",
	"slack_tasks":      "what the bot was asked and has not answered; done, ids alone",
	"slack_people":     "people, for the application",
	"slack_threads":    "which thread is which conversation",
	"audit_head":       "the hash of its newest row",

	"goose_db_version":   "migrations",
	"river_job":          "jobs: they carry ids alone",
	"river_leader":       "jobs: they carry ids alone",
	"river_migration":    "migrations",
	"river_notification": "jobs: they carry ids alone",
	"river_queue":        "jobs: they carry ids alone",
}

// tables returns every relation of the database that holds rows.
func (f *fixture) tables() []string {
	f.t.Helper()
	rows, err := f.worker.Query(f.t.Context(), `
		SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
		ORDER BY 1`)
	f.check(err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	f.check(err)
	return names
}

// A new table fails this test until somebody has decided who may read it.
func TestEveryTableIsDecidedUpon(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	decided := slices.Sorted(maps.Keys(guarded))
	decided = slices.AppendSeq(decided, maps.Keys(closed))
	slices.Sort(decided)
	if d := cmp.Diff(decided, f.tables()); d != "" {
		t.Errorf("guarded and closed, and what there is (-want +got):\n%s", d)
	}
	for _, name := range f.tables() {
		var rls, reads, writes bool
		var viewer, worker, other int
		f.check(f.worker.QueryRow(t.Context(), `
			SELECT c.relrowsecurity,
			       has_any_column_privilege($2, c.oid, 'SELECT'),
			       has_table_privilege($2, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
			           OR has_any_column_privilege($2, c.oid, 'INSERT, UPDATE, REFERENCES'),
			       (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname AND p.roles = ARRAY[$2]::name[] AND p.cmd = 'SELECT'),
			       (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname AND p.roles = ARRAY[$3]::name[]),
			       (SELECT count(*) FROM pg_policies p WHERE p.tablename = c.relname AND NOT p.roles <@ ARRAY[$2, $3, $4]::name[])
			FROM pg_class c WHERE c.oid = $1::regclass`,
			name, f.roles.Search, f.roles.Worker, f.roles.Index).Scan(&rls, &reads, &writes, &viewer, &worker, &other))
		if writes {
			t.Errorf("%s: the search role may write", name)
		}
		if reads != guarded[name] {
			t.Errorf("%s: the search role may read: %v", name, reads)
		}
		if guarded[name] && (!rls || viewer != 1 || worker != 1) {
			t.Errorf("%s: row-level security %v, %d policies of the viewer, %d of the worker", name, rls, viewer, worker)
		}
		if rls && worker != 1 {
			t.Errorf("%s: %d policies of the worker, want 1", name, worker)
		}
		if other != 0 {
			t.Errorf("%s: %d policies for other roles", name, other)
		}
	}
}

// fill puts a row into every guarded table.
func (f *fixture) fill(v cairn.Viewer) cairn.DocumentID {
	f.t.Helper()
	acl := cairn.Allow(cairn.AccountKey(v.Account))
	id := f.document(f.source("secret-"+strings.ToLower(string(v.Account)), acl), "a", "Secret", "secret text", acl)
	f.exec(`INSERT INTO code_files (document_id, version, format, language, place, size, name_hash, stem_hash, trigrams) VALUES ($1, '', 0, '', 0, 0, 0, 0, '{}')`, id)
	f.exec(`INSERT INTO code_symbols (document_id, ordinal, name_hash, name, scope, kind, line, last_line) VALUES ($1, 0, 0, 'secret', '', 'func', 1, 1)`, id)
	f.message(asked{conversation: f.conversation(v, "secret"), question: "secret?", answer: "secret", documents: []cairn.DocumentID{id}})
	return id
}

func TestSearchRoleSeesNothingWithoutContext(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.member("ann")
	f.fill(ann)
	f.asRole(f.roles.Search, func(ctx context.Context, conn *pgx.Conn) {
		for _, context := range []string{"", "SELECT set_config('cairn.classes', '', false), set_config('cairn.account', '', false), set_config('cairn.granted', '', false)"} {
			if context != "" {
				if _, err := conn.Exec(ctx, context); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range f.tables() {
				rows := f.count(`SELECT count(*) FROM ` + name)
				var seen int
				err := conn.QueryRow(ctx, `SELECT count(*) FROM `+name).Scan(&seen)
				switch {
				case !guarded[name]:
					if err == nil || !strings.Contains(err.Error(), "permission denied") {
						t.Errorf("%s: %d rows, error %v; want permission denied", name, seen, err)
					}
				case rows == 0:
					t.Errorf("%s has no rows, so that this test says nothing of it", name)
				case err != nil || seen != 0:
					t.Errorf("%s: %d rows, %v; want none", name, seen, err)
				}
			}
		}
		_, err := conn.Exec(ctx, `INSERT INTO documents (id) SELECT id FROM documents`)
		if err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("insert: %v", err)
		}
	})
}

func TestIndexRoleReadsNoText(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rows, err := f.worker.Query(t.Context(), `
		SELECT table_name || '.' || column_name FROM information_schema.columns c
		WHERE table_schema = 'public' AND table_name <> ALL ($2)
		  AND has_column_privilege($1, format('%I.%I', table_schema, table_name), column_name, 'SELECT')
		ORDER BY 1`, f.roles.Index, []string{"fresh", "fresh_codes", "segments", "segment_codes", "postings", "vectors", "vector_spaces", "changes", "acls", "acl_keys", "code_files"})
	f.check(err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	f.check(err)
	want := []string{
		"bodies.acl_id", "bodies.document_id", "chunks.acl_id", "chunks.document_id", "chunks.end_at", "chunks.id", "chunks.ordinal",
		"chunks.start_at", "code_symbols.around", "code_symbols.document_id", "code_symbols.line", "code_symbols.name_hash", "code_symbols.ordinal", "code_symbols.rank", "documents.acl_id", "documents.created_at", "documents.hidden_at", "documents.id", "documents.kind",
		"documents.modified_at", "documents.source_id", "grants.account_id", "grants.document_id", "grants.ends_at", "grants.id",
		"grants.source_id", "sources.id", "sources.name",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("columns that the index role reads beside the index (-want +got):\n%s", d)
	}
}

// The role's rights are changed by a superuser behind the server's back.
func TestOpenRefusesASearchRoleThatSeesThrough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ change, want string }{
		{`ALTER ROLE %s SUPERUSER`, "superuser"},
		{`ALTER ROLE %s BYPASSRLS`, "BYPASSRLS"},
		{`ALTER TABLE documents OWNER TO %s`, "owns tables"},
		{`GRANT`, "belongs to the role"},
	} {
		t.Run(c.want, func(t *testing.T) {
			made := postgrestest.New(t)
			db, err := Open(t.Context(), made.URL, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			role := pgx.Identifier{db.roles.Search}.Sanitize()
			db.Close()
			admin, err := pgx.Connect(t.Context(), made.AdminURL)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = admin.Close(context.Background()) }()
			change := fmt.Sprintf(c.change, role)
			if strings.HasPrefix(change, "GRANT") {
				var owner string
				if err := admin.QueryRow(t.Context(), `SELECT tableowner FROM pg_tables WHERE tablename = 'documents'`).Scan(&owner); err != nil {
					t.Fatal(err)
				}
				// The owner is a member of the role, which must not be one of the owner.
				change = fmt.Sprintf(`REVOKE %s FROM %s CASCADE; GRANT %[2]s TO %[1]s`, role, pgx.Identifier{owner}.Sanitize())
			}
			if _, err := admin.Exec(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			url := made.URL
			if strings.HasPrefix(change, "REVOKE") {
				url = made.AdminURL // the owner can no longer enter the role
			}
			db, err = Open(t.Context(), url, slog.New(slog.DiscardHandler))
			if err == nil {
				db.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open: %v, want an error that says %q", err, c.want)
			}
		})
	}
}

// Two viewers take turns on two connections, with rollbacks, panics and
// cancelled contexts between: nobody ever sees a row of the other.
func TestA12_17_ContextDoesNotOutliveItsTransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.search.Close()
	var err error
	f.search, err = f.openPool(t.Context(), f.made.URL, f.roles.Search, 2, 15*time.Second, planAnew())
	f.check(err)
	viewers := []cairn.Viewer{f.member("ann"), f.member("bob")}
	documents := []cairn.DocumentID{f.fill(viewers[0]), f.fill(viewers[1])}
	classes, err := f.classesOfDocuments(t.Context(), documents)
	f.check(err)
	var wg sync.WaitGroup
	for worker := range 4 {
		random := rand.New(rand.NewPCG(1, uint64(worker)))
		wg.Go(func() {
			for range 60 {
				who := random.IntN(2)
				f.visit(viewers[who], classes, documents[who], random.IntN(5))
				if n := f.unscoped(); n != 0 {
					t.Errorf("%d rows are seen outside of a viewer's transaction", n)
				}
			}
		})
	}
	wg.Wait()
}

// visit reads as v everything that there is, and ends as one of five kinds.
func (f *fixture) visit(v cairn.Viewer, classes []int32, own cairn.DocumentID, end int) {
	ctx, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	defer func() { _ = recover() }()
	err := f.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT id FROM documents UNION ALL SELECT document_id FROM bodies UNION ALL SELECT document_id FROM chunks
			UNION ALL SELECT document_id FROM message_evidence UNION ALL SELECT document_id FROM citations
			UNION ALL SELECT $1 FROM conversations WHERE account_id <> $2`, "foreign conversation", v.Account)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[cairn.DocumentID])
		if err != nil {
			return err
		}
		if want := slices.Repeat([]cairn.DocumentID{own}, 5); !slices.Equal(ids, want) {
			f.t.Errorf("sees %v, want %v", ids, want)
		}
		switch end {
		case 0:
			return context.Canceled
		case 1:
			panic("in the middle of a transaction")
		case 2:
			cancel()
		case 3:
			_, err = tx.Exec(ctx, `SELECT 1/0`)
			return err
		}
		return nil
	})
	if end > 3 && err != nil {
		f.t.Error(err)
	}
}

// unscoped counts what a connection of the pool shows without a viewer.
func (f *fixture) unscoped() (n int) {
	err := f.search.QueryRow(f.t.Context(), `
		SELECT (SELECT count(*) FROM documents) + (SELECT count(*) FROM conversations) + (SELECT count(*) FROM sources)`).Scan(&n)
	if err != nil {
		f.t.Error(err)
	}
	return n
}
