-- +goose Up

-- A source has one unfinished run that changes something, and one that reads documents. So
-- permissions are brought up to date beside a dry run.
DROP INDEX runs_unfinished;
CREATE UNIQUE INDEX runs_unfinished ON runs (source_id) WHERE state IN ('queued', 'running') AND NOT dry_run;
CREATE UNIQUE INDEX runs_reading ON runs (source_id) WHERE state IN ('queued', 'running') AND (dry_run OR NOT permissions_only);

-- superseded says that another run has taken the place of this one, which nobody has
-- cancelled: what it was to do is left to do.
ALTER TABLE runs ADD COLUMN superseded boolean NOT NULL DEFAULT false;
