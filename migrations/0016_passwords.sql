-- +goose Up

-- Passwords of people: argon2id in the PHC string format, with salt and cost.
CREATE TABLE passwords (
    account_id text PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    hash       text NOT NULL CHECK (hash LIKE '$argon2id$%'),
    set_at     timestamptz NOT NULL DEFAULT now()
);
-- No samples of hashes in PostgreSQL's statistics.
ALTER TABLE passwords ALTER COLUMN hash SET STATISTICS 0;

-- Attempts to guess passwords, as the generic cell rate algorithm counts them: a
-- limit is exhausted as long as "until" lies too far ahead. Networks from which an
-- account has signed in are kept here, too. Keys are hashes.
CREATE TABLE sign_in_limits (
    key   bytea PRIMARY KEY,
    until timestamptz NOT NULL
);

-- Whoever signed in with a one-time code may set a password for a while.
ALTER TABLE sessions ADD COLUMN by_code boolean NOT NULL DEFAULT false;
