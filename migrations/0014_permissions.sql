-- +goose Up

-- A run that reads no document: who may read the known ones is brought up to date,
-- and what has vanished is hidden.
ALTER TABLE runs ADD COLUMN permissions_only boolean NOT NULL DEFAULT false;

-- How fresh the permissions are that are read at a source. Why they are not is told
-- by the reason of the last run, so that an erasure finds names in one place.
ALTER TABLE sources
    ADD COLUMN permissions_synced_at timestamptz,  -- when the last run began that was told all of them
    ADD COLUMN degraded_since        timestamptz;  -- since when every run has failed to
