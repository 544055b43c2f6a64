package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/server/hooks"
)

var _ hooks.Store = (*DB)(nil)

// deliveryRetention is for how long a delivery is known when it comes again. Places repeat
// one for some minutes or, when somebody tells them to, days later.
const deliveryRetention = 24 * time.Hour

// hookSecret is the name of the secret that deliveries are signed with.
const hookSecret = connectors.HookSecret

// HookedSource implements hooks.Store. It asks the database once, and works with the
// keys whatever it finds: how long it takes does not tell which sources have a webhook.
func (db *DB) HookedSource(ctx context.Context, name string) (cairn.Source, cairn.Secret, error) {
	row := db.worker.QueryRow(ctx, `
		SELECT s.id, s.name, s.kind, s.settings, x.sealed
		FROM (SELECT $1::text AS name) asked
		LEFT JOIN (sources s JOIN source_secrets x ON x.source_id = s.id AND x.name = '`+hookSecret+`') ON s.name = asked.name`, name)
	var s struct {
		id, name, kind *string
		settings       map[string]string
		sealed         []byte
	}
	if err := row.Scan(&s.id, &s.name, &s.kind, &s.settings, &s.sealed); err != nil {
		return cairn.Source{}, cairn.Secret{}, fmt.Errorf("source of a webhook: %w", err)
	}
	if s.id == nil {
		if db.keys != nil {
			_, _ = db.keys.Seal(cairn.NewSecret("decoy"), secretPlace("", connectors.HookSecret)...) // which is as much work
		}
		return cairn.Source{}, cairn.Secret{}, cairn.ErrNotFound
	}
	source := cairn.Source{ID: cairn.SourceID(*s.id), Name: *s.name, Kind: *s.kind, Settings: s.settings}
	secret, err := db.open(s.sealed, source.ID, connectors.HookSecret)
	if err != nil {
		err = cairn.Errorf(cairn.ErrUnavailable, "open the secret of a webhook: %v", err)
	}
	return source, secret, err
}

// NoteDelivery implements hooks.Store.
func (db *DB) NoteDelivery(ctx context.Context, source cairn.SourceID, d hooks.Delivery) (fresh bool, err error) {
	err = db.worker.QueryRow(ctx, `
		WITH fresh AS (
			INSERT INTO hook_deliveries (source_id, id, tells, part) VALUES ($1, $2, $3, $5)
			ON CONFLICT DO NOTHING RETURNING true AS it_is)
		INSERT INTO source_hooks (source_id, accepted_at, event) VALUES ($1, now(), $4)
		ON CONFLICT (source_id) DO UPDATE SET accepted_at = excluded.accepted_at, event = excluded.event
		RETURNING coalesce((SELECT it_is FROM fresh), false)`, source, d.ID, d.Tells, d.Event, d.Part).Scan(&fresh)
	if errors.Is(refused(err, ""), cairn.ErrInvalid) { // the source was removed just now
		err = cairn.ErrNotFound
	}
	if err != nil {
		return false, fmt.Errorf("note a delivery: %w", err)
	}
	return fresh, nil
}

// NoteRefusal implements hooks.Store.
func (db *DB) NoteRefusal(ctx context.Context, name string, why hooks.Refusal) error {
	_, err := db.worker.Exec(ctx, `
		INSERT INTO source_hooks AS h (source_id, refused_at, refusal)
		SELECT s.id, now(), $2 FROM sources s JOIN source_secrets x ON x.source_id = s.id AND x.name = '`+hookSecret+`'
		WHERE s.name = $1
		ON CONFLICT (source_id) DO UPDATE SET refused_at = excluded.refused_at, refusal = excluded.refusal
		WHERE h.refusal <> excluded.refusal OR h.refused_at < now() - interval '10 seconds'`, name, why)
	if err != nil {
		return fmt.Errorf("note a refused delivery: %w", err)
	}
	return nil
}

// ForgetDeliveries removes deliveries that no place repeats any more.
func (db *DB) ForgetDeliveries(ctx context.Context) error {
	_, err := db.worker.Exec(ctx, `DELETE FROM hook_deliveries WHERE at < now() - $1::interval`, deliveryRetention)
	if err != nil {
		return fmt.Errorf("forget deliveries: %w", err)
	}
	return nil
}

// toldSince joins to sources s what webhooks have told since a sync has begun: in all; of
// parts alone, since these were read; of permissions, since a run has begun that brought
// them. $3 is how long a place may take until what it has told is seen by who asks. A run
// that has failed, or whose place another has taken, has read nothing; one that somebody has
// cancelled is not begun again for what was told before. Where the last that read parts has
// failed, a sync is to read them. Each first delivery is found by an index: there may be
// hundreds of thousands within a day.
const toldSince = `
	LEFT JOIN LATERAL (
		SELECT coalesce(started_at, finished_at) AS started_at, finished_at FROM runs
		WHERE source_id = s.id AND NOT permissions_only AND NOT parts_only AND NOT dry_run AND NOT superseded
		  AND (started_at IS NOT NULL AND state <> 'failed' OR state = 'cancelled')
		ORDER BY created_at DESC, id DESC LIMIT 1) synced ON true
	LEFT JOIN LATERAL (
		SELECT coalesce(started_at, finished_at) AS started_at, finished_at, state = 'failed' AS failed FROM runs
		WHERE source_id = s.id AND parts_only AND NOT superseded AND (started_at IS NOT NULL OR state = 'cancelled')
		ORDER BY created_at DESC, id DESC LIMIT 1) parted ON true
	LEFT JOIN LATERAL (
		SELECT started_at, finished_at FROM runs
		WHERE source_id = s.id AND permissions_only AND NOT dry_run AND NOT superseded AND started_at IS NOT NULL AND state <> 'failed'
		ORDER BY created_at DESC, id DESC LIMIT 1) permitted ON true
	CROSS JOIN LATERAL (SELECT coalesce(synced.started_at - $3::interval, '-infinity') AS since) unread
	CROSS JOIN LATERAL (
		SELECT least((SELECT min(at) FROM hook_deliveries WHERE source_id = s.id AND part = '' AND tells = 'removal' AND at > since),
		             (SELECT min(at) FROM hook_deliveries WHERE source_id = s.id AND part = '' AND tells = 'change' AND at > since),
		             CASE WHEN parted.failed OR synced.started_at IS NULL THEN
		             (SELECT min(at) FROM hook_deliveries WHERE source_id = s.id AND part <> '' AND at > since) END) AS changed,
		       (SELECT min(at) FROM hook_deliveries WHERE source_id = s.id AND part <> ''
		          AND at > greatest(since, parted.started_at - $3::interval)) AS parts,
		       (SELECT min(at) FROM hook_deliveries WHERE source_id = s.id AND part = '' AND tells = 'permissions' AND at > since) AS members,
		       (SELECT min(at) FROM hook_deliveries WHERE source_id = s.id AND part = '' AND tells = 'permissions'
		          AND at > coalesce(greatest(s.permissions_synced_at, permitted.started_at) - $3::interval, '-infinity')) AS permissions) told`

// lastPermitted joins to sources s how their last runs of permissions alone have ended, as
// lastSyncs does for syncs.
const lastPermitted = `
	LEFT JOIN LATERAL (
		SELECT max(r.finished_at) AS finished, count(*) FILTER (WHERE r.failing AND r.state = 'failed') AS failures
		FROM (SELECT finished_at, state, bool_and(state IN ('failed', 'cancelled')) OVER (ORDER BY created_at DESC, id DESC) AS failing
		      FROM (SELECT * FROM runs
		            WHERE source_id = s.id AND permissions_only AND NOT dry_run AND finished_at IS NOT NULL
		            ORDER BY created_at DESC, id DESC LIMIT 12) newest) r) tried ON true`

// Told implements jobs.Runs.
func (db *DB) Told(ctx context.Context) ([]jobs.Told, error) {
	return told(ctx, db.worker, "")
}

// told returns what is told of the source named only or, when that is empty, of all.
func told(ctx context.Context, q querier, only cairn.SourceID) ([]jobs.Told, error) {
	rows, err := q.Query(ctx, `
		SELECT s.id AS source, s.name, s.kind, told.changed, told.parts, told.members, told.permissions,
		       last.finished, last.failures, coalesce(synced.finished_at - synced.started_at, '0') AS took,
		       parted.finished_at AS parted, coalesce(parted.finished_at - parted.started_at, '0') AS parting,
		       tried.finished AS permitted, tried.failures AS refusals, coalesce(permitted.finished_at - permitted.started_at, '0') AS permitting, now() AS now,
		       EXISTS (SELECT FROM runs u WHERE u.source_id = s.id AND u.state IN ('queued', 'running') AND NOT u.dry_run) AS busy,
		       `+dryAtWork+` AS dry
		FROM source_hooks h JOIN sources s ON s.id = h.source_id`+toldSince+lastSyncs+lastPermitted+`
		WHERE ($1 = '' OR s.id = $1) AND NOT s.paused AND h.accepted_at > now() - $2::interval AND NOT (`+atWork+` AND NOT `+dryAtWork+`)
		  AND coalesce(told.changed, told.parts, told.members, told.permissions) IS NOT NULL
		ORDER BY s.name`, only, deliveryRetention, jobs.Settling)
	if err != nil {
		return nil, fmt.Errorf("what sources have told: %w", err)
	}
	type toldRow struct {
		Source      cairn.SourceID
		Name        string
		Kind        string
		Changed     *time.Time
		Parts       *time.Time
		Members     *time.Time
		Permissions *time.Time
		Finished    *time.Time
		Failures    int
		Took        time.Duration
		Parted      *time.Time
		Parting     time.Duration
		Permitted   *time.Time
		Permitting  time.Duration
		Refusals    int
		Now         time.Time
		Busy        bool
		Dry         bool
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[toldRow])
	if err != nil {
		return nil, fmt.Errorf("what sources have told: %w", err)
	}
	out := make([]jobs.Told, len(found))
	for i, r := range found {
		out[i] = jobs.Told{
			Source: r.Source, Name: r.Name, Kind: r.Kind,
			Changed: orZero(r.Changed), Parts: orZero(r.Parts), Members: orZero(r.Members), Permissions: orZero(r.Permissions),
			Sync:  jobs.Rest{Since: orZero(r.Finished), Took: r.Took, Failures: r.Failures},
			Part:  jobs.Rest{Since: orZero(r.Parted), Took: r.Parting},
			Alone: jobs.Rest{Since: orZero(r.Permitted), Took: r.Permitting, Failures: r.Refusals}, Busy: r.Busy, Dry: r.Dry, Now: r.Now,
		}
	}
	return out, nil
}

// QueueTold implements jobs.Runs.
func (db *DB) QueueTold(ctx context.Context, source cairn.SourceID, partsOnly bool, due func(jobs.Told) bool, enqueue func(tx pgx.Tx, run string) error) error {
	return db.queueUnasked(ctx, source, unasked{told: true, partsOnly: partsOnly}, func(tx pgx.Tx) (bool, error) {
		now, err := told(ctx, tx, source)
		return err == nil && len(now) > 0 && due(now[0]), err
	}, enqueue)
}

// addTold completes a run that was taken with what webhooks have told since the one before
// it has begun.
func addTold(ctx context.Context, q querier, t *jobs.Taken) error {
	const since = `coalesce((
		SELECT started_at FROM runs
		WHERE source_id = $1 AND id <> $2 AND NOT permissions_only AND NOT dry_run AND started_at IS NOT NULL AND (NOT parts_only OR $4)
		  AND state IN ('succeeded', 'partial')
		ORDER BY created_at DESC, id DESC LIMIT 1) - $3::interval, '-infinity')`
	if !t.Run.PartsOnly {
		return q.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM hook_deliveries WHERE source_id = $1 AND tells = 'removal' AND at > `+since+`)`,
			t.Source.ID, t.Run.ID, jobs.Settling, false).Scan(&t.Removal)
	}
	rows, err := q.Query(ctx, `
		SELECT DISTINCT part FROM hook_deliveries WHERE source_id = $1 AND part <> '' AND at > `+since+` ORDER BY part`,
		t.Source.ID, t.Run.ID, jobs.Settling, true)
	if err != nil {
		return err
	}
	t.Parts, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}
