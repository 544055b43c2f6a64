-- +goose Up

-- Whose account is whose: the subject of an issuer that signs in as it. The
-- address of a person can change and pass to another; the subject cannot.
CREATE TABLE bindings (
    account_id text PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    issuer     text NOT NULL,
    subject    text NOT NULL,
    bound_at   timestamptz NOT NULL,
    UNIQUE (issuer, subject)
);

-- Subjects that came with the address of an account that is another's. An
-- administrator confirms or dismisses them; what was dismissed stays refused.
CREATE TABLE pending_bindings (
    id           text PRIMARY KEY,
    account_id   text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    issuer       text NOT NULL,
    subject      text NOT NULL,
    name         text NOT NULL,
    attempts     int NOT NULL DEFAULT 1,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    dismissed_at timestamptz,
    UNIQUE (account_id, issuer, subject)
);
CREATE INDEX ON pending_bindings (first_at, id) WHERE dismissed_at IS NULL;

-- What was made for one sign-in alone and has been used. Only what an issuer has
-- signed gets here.
CREATE TABLE used_sign_ins (
    hash       bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- A session ends when it has not been used for a while.
ALTER TABLE sessions ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX ON sessions (account_id);
