-- +goose Up

-- The secret settings of sources, sealed by package keyring under a key that is not in
-- the database. The key's id stands in front; the place is authenticated, so that one
-- cannot be copied over another.
CREATE TABLE source_secrets (
    source_id text NOT NULL REFERENCES sources ON DELETE CASCADE,
    name      text NOT NULL,
    sealed    bytea NOT NULL,
    set_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, name)
);
-- No samples in PostgreSQL's statistics.
ALTER TABLE source_secrets ALTER COLUMN sealed SET STATISTICS 0;

-- How far each account at a source is used up, as the generic cell rate algorithm counts
-- it, and until when the source asked to send nothing. Keys are hashes. What is lost in a
-- crash is of no account.
CREATE UNLOGGED TABLE request_limits (
    key  bytea PRIMARY KEY,
    used timestamptz NOT NULL,
    held timestamptz NOT NULL DEFAULT '-infinity'
);
