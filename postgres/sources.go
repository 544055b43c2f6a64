package postgres

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs/schedule"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/audit"
)

var _ api.Sources = (*DB)(nil)

// ListSources implements api.Sources.
func (db *DB) ListSources(ctx context.Context, p api.Page) ([]api.SourceStatus, string, error) {
	from, err := after[string]("sources", p)
	if err != nil {
		return nil, "", err
	}
	list, err := db.sourceStatuses(ctx, "", from, p.Limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list sources: %w", err)
	}
	list, next := nextPage("sources", list, p.Limit, func(s api.SourceStatus) string { return s.Name })
	return list, next, nil
}

// SourceByName implements api.Sources.
func (db *DB) SourceByName(ctx context.Context, name string) (api.SourceStatus, error) {
	found, err := db.sourceStatuses(ctx, name, "", 1)
	if err != nil {
		return api.SourceStatus{}, fmt.Errorf("source: %w", missing(err))
	}
	if len(found) == 0 || name == "" {
		return api.SourceStatus{}, fmt.Errorf("source: %w", cairn.ErrNotFound)
	}
	return found[0], nil
}

// sourceStatuses returns sources by name: the one called only, or, when that is
// empty, those after a name.
func (db *DB) sourceStatuses(ctx context.Context, only, after string, limit int) ([]api.SourceStatus, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT s.id, s.name, s.kind, s.settings, `+secretNames+`, s.acl_mode, a.rule AS acl, coalesce(s.owner_id, '') AS owner, s.paused,
		       s.created_at AS created,
		       (SELECT count(*) FROM documents d WHERE d.source_id = s.id AND d.hidden_at IS NULL) AS documents,
		       (SELECT count(*) FROM document_errors e WHERE e.source_id = s.id) AS errors,
		       s.permissions_synced_at AS permissions_synced, s.degraded_since, `+degradedReason+` AS degraded_reason,
		       s.scheduled_at, last.finished, last.failures, `+atWork+` AS at_work,
		       h.accepted_at AS accepted, coalesce(h.event, '') AS event, h.refused_at AS refused, coalesce(h.refusal, '') AS refusal
		FROM sources s JOIN acls a ON a.id = s.acl_id LEFT JOIN source_hooks h ON h.source_id = s.id`+lastSyncs+`
		WHERE ($1 = '' OR s.name = $1) AND s.name > $2
		ORDER BY s.name LIMIT $3`, only, after, limit)
	if err != nil {
		return nil, err
	}
	type statusRow struct {
		cairn.Source
		Documents         int
		Errors            int
		PermissionsSynced *time.Time
		DegradedSince     *time.Time
		DegradedReason    string
		ScheduledAt       time.Time
		Finished          *time.Time
		Failures          int
		AtWork            bool
		Accepted          *time.Time
		Event             string
		Refused           *time.Time
		Refusal           string
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[statusRow])
	if err != nil {
		return nil, err
	}
	ids := make([]cairn.SourceID, len(found))
	for i, s := range found {
		ids[i] = s.ID
	}
	last, err := db.lastRuns(ctx, ids)
	if err != nil {
		return nil, err
	}
	list := make([]api.SourceStatus, len(found))
	for i, s := range found {
		list[i] = api.SourceStatus{
			Source: s.Source, Documents: s.Documents, Errors: s.Errors, LastRun: last[s.ID],
			PermissionsSynced: orZero(s.PermissionsSynced), Degraded: degraded(s.DegradedSince, s.DegradedReason),
			LastSync: schedule.Last{Since: s.ScheduledAt, Finished: orZero(s.Finished), Failures: s.Failures}, AtWork: s.AtWork,
			Hook: api.HookStatus{Accepted: orZero(s.Accepted), Event: s.Event, Refused: orZero(s.Refused), Refusal: s.Refusal},
		}
	}
	return list, nil
}

// SourceByID returns one source, or ErrNotFound.
func (db *DB) SourceByID(ctx context.Context, id cairn.SourceID) (cairn.Source, error) {
	return readSource(ctx, db.worker, selectSource+` WHERE s.id = $1`, string(id))
}

// SourceNamed implements api.Sources. Whether somebody may go on to push rests on it.
func (db *DB) SourceNamed(ctx context.Context, name string) (cairn.Source, error) {
	return readSource(ctx, db.callers, selectSource+` WHERE s.name = $1`, name)
}

// SourceOfDocument implements api.Documents.
func (db *DB) SourceOfDocument(ctx context.Context, id cairn.DocumentID) (cairn.Source, error) {
	return readSource(ctx, db.worker, selectSource+` WHERE s.id = (SELECT source_id FROM documents WHERE id = $1)`, string(id))
}

// selectSource begins a statement for readSource.
const selectSource = `
	SELECT s.id, s.name, s.kind, s.settings, ` + secretNames + `, s.acl_mode, a.rule AS acl, coalesce(s.owner_id, '') AS owner, s.paused,
	       s.created_at AS created
	FROM sources s JOIN acls a ON a.id = s.acl_id`

// secretNames is the column of the secret settings that a source s has.
const secretNames = `(SELECT coalesce(jsonb_object_agg(x.name, ''), '{}') FROM source_secrets x WHERE x.source_id = s.id) AS secrets`

// readSource returns the one source that a statement finds, or ErrNotFound.
func readSource(ctx context.Context, q querier, sql, arg string) (cairn.Source, error) {
	rows, err := q.Query(ctx, sql, arg)
	if err != nil {
		return cairn.Source{}, fmt.Errorf("source: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[cairn.Source])
	if err != nil {
		return cairn.Source{}, fmt.Errorf("source: %w", missing(err))
	}
	return s, nil
}

// ReadableSources implements api.Sources.
func (db *DB) ReadableSources(ctx context.Context, v cairn.Viewer, p api.Page) ([]string, string, error) {
	from, err := after[string]("readable sources", p)
	if err != nil {
		return nil, "", err
	}
	classes, err := admitting(ctx, db.index, v)
	if err != nil {
		return nil, "", err
	}
	granted, err := db.granted(ctx, v)
	if err != nil {
		return nil, "", err
	}
	rows, err := db.index.Query(ctx, `
		SELECT s.name FROM sources s
		WHERE s.name > $2 AND (EXISTS (
			SELECT FROM documents d WHERE d.source_id = s.id AND d.hidden_at IS NULL AND d.acl_id = ANY ($1))
		OR cardinality($4::text[]) > 0 AND EXISTS (
			SELECT FROM documents d WHERE d.source_id = s.id AND d.hidden_at IS NULL AND ARRAY[d.id, d.source_id] && $4::text[]))
		ORDER BY s.name LIMIT $3`, classes.list(), from, p.Limit+1, orEmpty(granted))
	if err != nil {
		return nil, "", fmt.Errorf("readable sources: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, "", fmt.Errorf("readable sources: %w", err)
	}
	names, next := nextPage("readable sources", names, p.Limit, func(name string) string { return name })
	return names, next, nil
}

// CreateSource implements api.Sources.
func (db *DB) CreateSource(ctx context.Context, s cairn.Source) (cairn.Source, error) {
	if err := cairn.CheckSourceName(s.Name); err != nil {
		return cairn.Source{}, err
	}
	class, err := sourceClass(ctx, db.worker, &s)
	if err != nil {
		return cairn.Source{}, err
	}
	s.ID = cairn.SourceID(cairn.NewID())
	if s.Settings == nil {
		s.Settings = map[string]string{}
	}
	err = db.change(ctx, func(tx pgx.Tx) (changed, error) {
		err := tx.QueryRow(ctx, `
			INSERT INTO sources (id, name, kind, settings, acl_mode, acl_id, owner_id, paused)
			VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8)
			RETURNING created_at`, s.ID, s.Name, s.Kind, s.Settings, s.ACLMode, class, s.Owner, s.Paused).Scan(&s.Created)
		if err == nil {
			err = db.storeSecrets(ctx, tx, s.ID, s.Secrets)
		}
		return changed{action: audit.SourceCreate, kind: audit.KindSource, id: string(s.ID), detail: "name:" + s.Name},
			refused(err, "there is a source "+s.Name)
	})
	if err != nil {
		return cairn.Source{}, fmt.Errorf("create source: %w", err)
	}
	s.Secrets = named(s.Secrets)
	return s, nil
}

// UpdateSource implements api.Sources. Documents that came with an ACL of their
// own keep it, unless the source was one whose connector read the permissions
// and no longer is. When the connector is to read them from now on, documents
// of which it has told nothing yet are readable by nobody. A running sync begins
// anew when something has changed that it goes by.
func (db *DB) UpdateSource(ctx context.Context, id cairn.SourceID, edit func(*cairn.Source) error) (cairn.Source, error) {
	var s cairn.Source
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		// The lock keeps other edits out, and batches of documents with the old
		// ACL. What is read after it is what the last edit has left.
		if _, err := tx.Exec(ctx, `SELECT FROM sources WHERE id = $1 FOR UPDATE`, id); err != nil {
			return changed{}, missing(err)
		}
		before, err := readSource(ctx, tx, selectSource+` WHERE s.id = $1`, string(id))
		if err != nil {
			return changed{}, err
		}
		edited := before
		edited.Settings, edited.Secrets = maps.Clone(before.Settings), maps.Clone(before.Secrets)
		if err := edit(&edited); err != nil {
			return changed{}, err
		}
		s = before
		s.Settings, s.Secrets, s.ACLMode, s.ACL, s.Paused = edited.Settings, edited.Secrets, edited.ACLMode, edited.ACL, edited.Paused
		err = replaceSource(ctx, tx, before, &s)
		if err == nil {
			err = db.storeSecrets(ctx, tx, id, s.Secrets)
		}
		return changed{action: audit.SourceUpdate, kind: audit.KindSource, id: string(id), detail: sourceDetail(before, s)}, err
	})
	if err != nil {
		return cairn.Source{}, fmt.Errorf("update source: %w", err)
	}
	s.Secrets = named(s.Secrets)
	return s, nil
}

// sourceDetail says what of a source was changed.
func sourceDetail(before, s cairn.Source) string {
	var what []string
	if before.ACLMode != s.ACLMode || before.ACL.Hash() != s.ACL.Hash() {
		what = append(what, "acl")
	}
	if !maps.Equal(before.Settings, s.Settings) {
		what = append(what, "settings")
	}
	if !maps.Equal(before.Secrets, s.Secrets) { // one that is given has a value, and none before
		what = append(what, "secrets")
	}
	if before.Paused != s.Paused {
		what = append(what, fmt.Sprintf("paused:%t", s.Paused))
	}
	return strings.Join(what, " ")
}

// replaceSource stores s, brought into the form in which it is kept, in the
// place of what was before.
func replaceSource(ctx context.Context, tx pgx.Tx, before cairn.Source, s *cairn.Source) error {
	class, err := sourceClass(ctx, tx, s)
	if err != nil {
		return err
	}
	if s.Settings == nil {
		s.Settings = map[string]string{}
	}
	_, err = tx.Exec(ctx, `
		UPDATE sources SET settings = $2, acl_mode = $3, acl_id = $4, paused = $5,
		       scheduled_at = CASE WHEN $6 THEN now() ELSE scheduled_at END
		WHERE id = $1`,
		s.ID, s.Settings, s.ACLMode, class, s.Paused, scheduledAnew(before, *s))
	if err != nil {
		return refused(err, "")
	}
	if before.ACLMode != s.ACLMode || !maps.Equal(readBy(before.Settings), readBy(s.Settings)) {
		if err := beginAnew(ctx, tx, s.ID); err != nil {
			return err
		}
	}
	return declare(ctx, tx, s.ID, class, declaresAll(before, *s))
}

// scheduledAnew reports whether the schedule of a source holds from now on: it is another
// one, or the source is resumed.
func scheduledAnew(before, after cairn.Source) bool {
	was, had := before.Settings[connectors.Schedule]
	is, has := after.Settings[connectors.Schedule]
	return was != is || had != has || before.Paused && !after.Paused
}

// readBy returns those of the settings by which a source is read.
func readBy(settings map[string]string) map[string]string {
	settings = maps.Clone(settings)
	delete(settings, connectors.Authority) // it counts when passages are ranked
	delete(settings, connectors.Schedule)  // and these, when a run begins
	delete(settings, connectors.ListEvery)
	return settings
}

// declaresAll reports whether a change takes from documents the ACLs that they came
// with: those that a connector has read, when it is no longer to.
func declaresAll(before, after cairn.Source) bool {
	return before.ACLMode == cairn.ACLFromSource && after.ACLMode == cairn.ACLDeclared
}

// declare gives the documents of a source and their chunks a class; with all
// also those that came with an ACL of their own. What is withheld stays so: it is what
// it would have that changes.
func declare(ctx context.Context, tx pgx.Tx, source cairn.SourceID, class int32, all bool) error {
	_, err := tx.Exec(ctx, `
		WITH changed AS (
			UPDATE documents d SET acl_own = false,
			       acl_id = CASE WHEN withheld_acl IS NULL THEN $2::int ELSE acl_id END,
			       withheld_acl = CASE WHEN withheld_acl IS NOT NULL THEN $2::int END
			WHERE source_id = $1 AND (`+toldACL+` <> $2 OR acl_own) AND ($3 OR NOT acl_own)
			RETURNING d.id, d.acl_id)
		UPDATE chunks c SET acl_id = n.acl_id FROM changed n WHERE c.document_id = n.id AND c.acl_id <> n.acl_id`, source, class, all)
	return err
}

// sourceClass settles the ACL of a source and returns its class.
func sourceClass(ctx context.Context, q beginner, s *cairn.Source) (int32, error) {
	if err := settleACL(s); err != nil {
		return 0, err
	}
	return aclClass(ctx, q, s.ACL)
}

// settleACL checks what is declared of a source and brings its ACL into the form in
// which it is stored: nobody's where the connector reads the permissions.
func settleACL(s *cairn.Source) error {
	switch s.ACLMode {
	case cairn.ACLDeclared:
		s.ACL = s.ACL.Canonical()
	case cairn.ACLFromSource:
		s.ACL = cairn.ACL{}
	default:
		return cairn.Errorf(cairn.ErrInvalid, "%q is no ACL mode: use declared or source", string(s.ACLMode))
	}
	return s.ACL.Validate()
}
