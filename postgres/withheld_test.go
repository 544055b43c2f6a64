package postgres

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/migrations"
)

// No statement opens what is withheld by its class alone.
func TestDatabaseKeepsWithheldClosed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.source("office", cairn.Allow(cairn.Everyone))
	id := f.document(s, "a", "A", "text", s.ACL)
	f.withhold(id)
	_, err := f.worker.Exec(t.Context(), `UPDATE documents SET acl_id = withheld_acl WHERE id = $1`, id)
	if err == nil || !strings.Contains(err.Error(), "is withheld") {
		t.Errorf("opened: %v", err)
	}
	open := f.document(s, "b", "B", "text", s.ACL)
	_, err = f.worker.Exec(t.Context(), `UPDATE documents SET withheld_acl = acl_id WHERE id = $1`, open)
	if err == nil || !strings.Contains(err.Error(), "is withheld") {
		t.Errorf("withheld and open: %v", err)
	}
}

// What an earlier version withheld is told apart after the migration.
func TestMigrationOfWithheld(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := cairn.Allow("user:ann@acme.test")
	s := f.source("office", ann)
	f.owner(`
		DROP TRIGGER keep_withheld ON documents; DROP FUNCTION keep_withheld; ALTER TABLE documents DROP COLUMN withheld_acl;
		ALTER TABLE sign_in_codes DROP COLUMN redeemed_at; -- of the next migrations
		DROP TRIGGER keep_class ON documents; DROP FUNCTION keep_class; ALTER TABLE bodies DROP COLUMN acl_id CASCADE;
		ALTER TABLE tokens DROP COLUMN parent_id; ALTER TABLE accounts DROP COLUMN locked;
		ALTER TABLE sources DROP COLUMN erased_at;
		DELETE FROM goose_db_version WHERE version_id >= 22`)
	for external, acl := range map[string]cairn.ACL{
		"withheld": {}, "pushed": {}, "open": cairn.Allow(cairn.Everyone), "denied": {Deny: []cairn.PrincipalKey{"user:bob@acme.test"}},
	} {
		id := f.document(s, external, external, "text", acl)
		f.exec(`UPDATE documents SET acl_own = true, run_id = CASE WHEN external_id = 'pushed' THEN '' ELSE 'r' END WHERE id = $1`, id)
	}
	f.check(migrations.Up(t.Context(), f.made.URL, slog.New(slog.DiscardHandler)))
	class, err := f.aclClass(t.Context(), ann)
	f.check(err)
	if n := f.count(`SELECT count(*) FROM documents WHERE withheld_acl = $1 AND NOT acl_own AND external_id = 'withheld'`, class); n != 1 {
		t.Error("what was withheld is not, or not with the source's permissions")
	}
	if n := f.count(`SELECT count(*) FROM documents WHERE withheld_acl IS NOT NULL OR NOT acl_own`); n != 1 {
		t.Errorf("%d documents are withheld, want one", n)
	}
}
