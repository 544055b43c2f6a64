package postgres

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/api"
)

// Hidden implements ingest.Store.
func (s *Ingest) Hidden(ctx context.Context, source cairn.SourceID) (map[string]cairn.Version, error) {
	rows, err := s.db.worker.Query(ctx, `
		SELECT d.external_id, d.version FROM documents d JOIN sources s ON s.id = d.source_id
		WHERE d.source_id = $1 AND d.hidden_at > coalesce(s.pruned_at, '-infinity') AND NOT d.attached`, source)
	if err != nil {
		return nil, fmt.Errorf("hidden documents: %w", err)
	}
	hidden := make(map[string]cairn.Version)
	var external string
	var version cairn.Version
	_, err = pgx.ForEachRow(rows, []any{&external, &version}, func() error { hidden[external] = version; return nil })
	if err != nil {
		return nil, fmt.Errorf("hidden documents: %w", err)
	}
	return hidden, nil
}

// Withheld implements ingest.Store.
func (s *Ingest) Withheld(ctx context.Context, source cairn.SourceID) ([]string, error) {
	rows, err := s.db.worker.Query(ctx, `
		SELECT external_id FROM documents WHERE source_id = $1 AND withheld_acl IS NOT NULL AND hidden_at IS NULL AND NOT attached`, source)
	if err != nil {
		return nil, fmt.Errorf("withheld documents: %w", err)
	}
	withheld, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("withheld documents: %w", err)
	}
	return withheld, nil
}

// ACLs implements ingest.Store.
func (s *Ingest) ACLs(ctx context.Context, source cairn.SourceID) (map[string]ingest.StoredACL, error) {
	rows, err := s.db.worker.Query(ctx, `
		SELECT d.external_id, a.hash, d.acl_own, d.withheld_acl IS NOT NULL, coalesce(e.code, '')
		FROM documents d
		JOIN acls a ON a.id = `+toldACL+`
		LEFT JOIN document_errors e ON e.source_id = d.source_id AND e.external_id = d.external_id
		WHERE d.source_id = $1 AND d.hidden_at IS NULL AND NOT d.attached`, source)
	if err != nil {
		return nil, fmt.Errorf("stored permissions: %w", err)
	}
	stored := make(map[string]ingest.StoredACL)
	var external string
	var hash []byte
	var a ingest.StoredACL
	_, err = pgx.ForEachRow(rows, []any{&external, &hash, &a.Own, &a.Withheld, &a.Error}, func() error {
		copy(a.ACL[:], hash)
		stored[external] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("stored permissions: %w", err)
	}
	return stored, nil
}

// readAgain drops the cursor of the source when one of the documents is hidden: a
// source that tells only what is new would never tell of it. One that was read again
// in vain has an error, and does not count.
func (w *batchWriter) readAgain(ctx context.Context, externals []string) error {
	if len(externals) == 0 {
		return nil
	}
	_, err := w.tx.Exec(ctx, `
		UPDATE sources SET cursor = '' WHERE id = $1 AND cursor <> '' AND EXISTS (
			SELECT FROM documents d WHERE d.source_id = $1 AND d.external_id = ANY ($2) AND d.hidden_at IS NOT NULL
			  AND NOT EXISTS (SELECT FROM document_errors e WHERE e.source_id = $1 AND e.external_id = d.external_id))`,
		w.source, externals)
	return err
}

// DuePermissions implements jobs.Runs.
func (db *DB) DuePermissions(ctx context.Context, age time.Duration) ([]cairn.Source, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT s.id, s.name, s.kind, s.settings, `+secretNames+`, s.acl_mode, a.rule AS acl, coalesce(s.owner_id, '') AS owner, s.paused,
		       s.created_at AS created
		FROM sources s JOIN acls a ON a.id = s.acl_id
		WHERE NOT s.paused AND coalesce(s.permissions_synced_at <= now() - $1::interval, true)
		  AND EXISTS (SELECT FROM documents d WHERE d.source_id = s.id AND d.hidden_at IS NULL)
		  AND NOT EXISTS (
		      SELECT FROM runs r
		      WHERE r.source_id = s.id
		        AND NOT r.dry_run AND (r.state IN ('queued', 'running') OR r.permissions_only AND r.created_at > now() - $1::interval))
		ORDER BY s.name`, age)
	if err != nil {
		return nil, fmt.Errorf("sources whose permissions are due: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByName[cairn.Source])
	if err != nil {
		return nil, fmt.Errorf("sources whose permissions are due: %w", err)
	}
	return due, nil
}

// supersede ends the unfinished run of a source that only brings permissions, or reads
// parts alone, and, when scheduled says so, the one that the clock began: its worker can no longer commit, and
// what is left of it comes with the run that follows. A dry run that reads documents gives way to
// nothing: while one goes on, none follows.
func supersede(ctx context.Context, tx pgx.Tx, source cairn.SourceID, scheduled bool) error {
	_, err := tx.Exec(ctx, `
		UPDATE runs SET cancel = true, superseded = true, state = 'cancelled', finished_at = now(), lease_until = NULL,
		       reason = CASE WHEN permissions_only OR parts_only THEN 'A run that reads documents has taken its place.'
		                     ELSE 'Somebody has asked for a sync of another kind, which has taken its place.' END
		WHERE source_id = $1 AND (permissions_only OR parts_only OR $2 AND scheduled) AND state IN ('queued', 'running')
		  AND NOT EXISTS (SELECT FROM runs d WHERE d.source_id = $1 AND d.state IN ('queued', 'running') AND d.dry_run AND NOT d.permissions_only)`,
		source, scheduled)
	return err
}

// degradedReason selects why the permissions of a source s are not fresh: the reason
// of the last run that had one since then.
const degradedReason = `coalesce((
	SELECT r.reason FROM runs r
	WHERE r.source_id = s.id AND r.finished_at >= s.degraded_since AND r.state <> 'cancelled' AND NOT r.dry_run AND r.reason <> ''
	ORDER BY r.created_at DESC, r.id DESC LIMIT 1), '')`

// degraded says since when and why permissions are not fresh; nil when they are. A
// run that failed to learn about some documents alone has no reason: they have.
func degraded(since *time.Time, reason string) *api.Degraded {
	if since == nil {
		return nil
	}
	reason = cmp.Or(reason, "Who may read some of the documents could not be told; the errors of the source name them. What was told before holds.")
	return &api.Degraded{Since: *since, Reason: reason}
}
