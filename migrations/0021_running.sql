-- +goose Up

-- Since when the schedule of a source holds: it was set, or the source was resumed. A cron
-- expression counts from there. When a source is due is computed of this and of its runs.
ALTER TABLE sources ADD COLUMN scheduled_at timestamptz NOT NULL DEFAULT now();

-- Sources that are there have had no schedule, and keep none: whoever upgrades is not
-- surprised by syncs that nobody asked for. Nothing is ever scheduled of the two kinds.
UPDATE sources SET settings = settings || '{"schedule": "off"}'
WHERE kind NOT IN ('push', 'sample') AND NOT settings ? 'schedule';

ALTER TABLE runs
    ADD COLUMN scheduled boolean NOT NULL DEFAULT false,  -- the clock began it, nobody asked
    ADD COLUMN phase     text    NOT NULL DEFAULT '',     -- what is being done; empty: not at work
    ADD COLUMN rate      real    NOT NULL DEFAULT 0,      -- documents a second, over the last minute
    ADD COLUMN preview   jsonb;                           -- what a dry run would do, by names of documents; for a day

-- No samples in PostgreSQL's statistics.
ALTER TABLE runs ALTER COLUMN preview SET STATISTICS 0;

-- The last runs that read documents are looked up for every source every few seconds.
CREATE INDEX runs_documents ON runs (source_id, created_at DESC, id DESC) WHERE NOT permissions_only;
