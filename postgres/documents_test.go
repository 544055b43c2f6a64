package postgres

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	id := f.document(s, "leave.md", "Leave", "Twenty days.", anns)
	f.exec(`UPDATE documents SET attributes = '{"team": "people"}', created_at = '2026-01-02T03:04:05Z' WHERE id = $1`, id)
	first := cairn.VersionOf([]byte("Twenty days."))
	want := api.StoredDocument{
		Document: cairn.Document{
			ID: id, Source: s.ID, External: "leave.md", Version: first, Kind: "page", Title: "Leave",
			URL: "https://acme.test/leave.md", Author: "Ann", Language: "en", Body: []byte("Twenty days."),
			Sections:   []cairn.Section{{Heading: []string{"Leave", "Part"}, Start: 0, End: 12, Anchor: "#part"}},
			Attributes: map[string]string{"team": "people"}, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
		SourceName: "handbook", State: cairn.CitationCurrent,
	}
	read := func(version cairn.Version) {
		t.Helper()
		got, err := f.Document(ctx, ann, id, version)
		f.check(err)
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(cairn.Document{}, "Modified")); d != "" {
			t.Errorf("version %q (-want +got):\n%s", version, d)
		}
	}
	read("")
	read(first)

	second := f.body(id, "Thirty days.", []section{})
	want.State = cairn.CitationChanged
	read(first)
	want.State, want.Version, want.Body, want.Sections = cairn.CitationCurrent, second, []byte("Thirty days."), []cairn.Section{}
	read("")
	read(second)
}

// What may not be read must look exactly like what does not exist.
func TestDocumentOfStrangers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.member("ann"), f.member("bob", cairn.Everyone)
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	id, hidden := f.document(s, "a", "A", "text", anns), f.document(s, "b", "B", "text", anns)
	f.hide(hidden)
	_, missing := f.Document(ctx, ann, "no such document", "")
	wantError(t, "unknown", missing, cairn.ErrNotFound)
	for _, c := range []struct {
		what    string
		v       cairn.Viewer
		id      cairn.DocumentID
		version cairn.Version
	}{
		{"a stranger", bob, id, ""},
		{"a stranger who knows the version", bob, id, cairn.VersionOf([]byte("text"))},
		{"nobody", cairn.Viewer{}, id, ""},
		{"a hidden document", ann, hidden, ""},
		{"an unknown version", ann, id, "0"},
		{"text that cannot be stored", ann, "n\x00l", ""},
		{"a version that cannot be stored", ann, id, "n\x00l"},
	} {
		_, err := f.Document(ctx, c.v, c.id, c.version)
		if err == nil || err.Error() != missing.Error() {
			t.Errorf("%s: %v, want %v", c.what, err, missing)
		}
	}

	f.setACL(id, cairn.Allow(cairn.AccountKey(bob.Account))) // every version follows the ACL of now
	_, err := f.Document(ctx, ann, id, cairn.VersionOf([]byte("text")))
	wantError(t, "after the permission was taken back", err, cairn.ErrNotFound)
	if _, err = f.Document(ctx, bob, id, ""); err != nil {
		t.Errorf("after the permission was given: %v", err)
	}
}

// titlesOf returns the titles alone.
func titlesOf(suggestions []api.Suggestion) []string {
	titles := make([]string, len(suggestions))
	for i, s := range suggestions {
		titles[i] = s.Title
	}
	return titles
}

func TestSuggestTitles(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.member("ann"), f.member("bob")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	for i, title := range []string{
		"Data retention", "Big (data) sets", "metadata", "Data retention", "Über data-center", "Öffnungszeiten", "100% data_loss",
	} {
		id := f.document(s, numbered("d", i+1)[i], title, "text", anns)
		f.exec(`UPDATE documents SET modified_at = now() - $2 * interval '1 h' WHERE id = $1`, id, i)
	}
	f.document(s, "bob's", "Data of Bob", "text", cairn.Allow(cairn.AccountKey(bob.Account)))
	f.hide(f.document(s, "gone", "Data that is gone", "text", anns))
	for _, c := range []struct {
		prefix string
		limit  int
		want   []string
	}{
		{"data", 9, []string{"Data retention", "Big (data) sets", "Über data-center", "100% data_loss"}},
		{"DATA RET", 9, []string{"Data retention"}},
		{"data", 2, []string{"Data retention", "Big (data) sets"}},
		{"öff", 9, []string{"Öffnungszeiten"}},
		{"ÜBER DATA", 9, []string{"Über data-center"}},
		{"center", 9, []string{"Über data-center"}},
		{"etadata", 9, []string{}},
		{"%", 9, []string{}},
		{"d.ta", 9, []string{}},
		{"", 2, []string{"Data retention", "Big (data) sets"}},
	} {
		got, err := f.SuggestTitles(ctx, ann, c.prefix, c.limit)
		f.check(err)
		if d := cmp.Diff(c.want, titlesOf(got)); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.prefix, d)
		}
	}
	got, err := f.SuggestTitles(ctx, bob, "data", 9)
	if d := cmp.Diff([]string{"Data of Bob"}, titlesOf(got)); err != nil || d != "" {
		t.Errorf("Bob's (-want +got):\n%s%v", d, err)
	}
	if got, err = f.SuggestTitles(ctx, cairn.Viewer{}, "data", 9); err != nil || len(got) > 0 {
		t.Errorf("nobody's: %v, %v", got, err)
	}
	_, err = f.SuggestTitles(ctx, ann, "n\x00l", 9)
	wantError(t, "bad text", err, cairn.ErrInvalid)
}

// TestSuggestTitlesAmongMany has more titles than are looked through word by
// word. It bounds what is read rather than the time, which depends on the machine.
func TestSuggestTitlesAmongMany(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.member("ann", cairn.Everyone)
	s := f.source("handbook", cairn.Allow(cairn.Everyone))
	old := f.document(s, "old", "Zebra crossing", "text", s.ACL)
	f.exec(`UPDATE documents SET modified_at = now() - interval '10 years' WHERE id = $1`, old)
	f.document(s, "closed", "Zebra secret", "text", cairn.ACL{})
	f.exec(`
		INSERT INTO documents (id, source_id, external_id, version, fingerprint, kind, title, acl_id, modified_at)
		SELECT 'd' || n, $1, 'e' || n, 'v', '', 'page', 'Report number ' || n, acl_id, now() - n * interval '1 minute'
		FROM generate_series(1, $2) n, sources WHERE id = $1`, s.ID, suggestNewest+2000)
	f.owner(`ANALYZE documents`)
	for prefix, want := range map[string][]string{
		"zeb":      {"Zebra crossing"}, // too old to be looked through
		"num":      {"Report number 1", "Report number 2"},
		"report n": {"Report number 1", "Report number 2"},
		"number 7": {"Report number 7", "Report number 70"},
		"zebrb":    {},
		"":         {"Report number 1", "Report number 2"},
	} {
		got, err := f.SuggestTitles(t.Context(), ann, prefix, 2)
		f.check(err)
		if d := cmp.Diff(want, titlesOf(got)); d != "" {
			t.Errorf("%q (-want +got):\n%s", prefix, d)
		}
	}
	if n := f.titlesRead(ann, "a"); n > suggestNewest+suggestStarting {
		t.Errorf("%d titles are read", n)
	}
}

// titlesRead returns how many rows of documents a suggestion takes from indexes
// and by scans, as the statistics of its transaction have it.
func (f *fixture) titlesRead(v cairn.Viewer, prefix string) (n int) {
	f.t.Helper()
	classes, err := f.newestClasses(f.t.Context(), v)
	f.check(err)
	f.check(f.asViewer(f.t.Context(), v, classes, func(tx pgx.Tx) error {
		var before, after int // the connection's, with those of transactions before
		read := `
			SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'documents'`
		if err := tx.QueryRow(f.t.Context(), read).Scan(&before); err != nil {
			return err
		}
		if _, err := suggestTitles(f.t.Context(), tx, classes, prefix, 2); err != nil {
			return err
		}
		err := tx.QueryRow(f.t.Context(), read).Scan(&after)
		n = after - before
		return err
	}))
	return n
}
