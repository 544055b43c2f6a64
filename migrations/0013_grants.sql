-- +goose Up

-- Break-glass grants: what an account may read for a while beside what its keys
-- admit it to. A grant lives while ends_at lies ahead, by the database's clock; it
-- goes with its account, source or document.
CREATE TABLE grants (
    id          text PRIMARY KEY,
    account_id  text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    source_id   text REFERENCES sources ON DELETE CASCADE,    -- all of its documents
    document_id text REFERENCES documents ON DELETE CASCADE,
    reason      text NOT NULL CHECK (reason <> ''),
    by_account  text NOT NULL,             -- the administrator's id; it outlives the account
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    ends_at     timestamptz NOT NULL GENERATED ALWAYS AS (least(expires_at, revoked_at)) STORED,
    CONSTRAINT one_thing CHECK (num_nonnulls(source_id, document_id) = 1),
    CONSTRAINT soon_over CHECK (expires_at - created_at <= interval '24 hours')
);
CREATE INDEX ON grants (account_id, ends_at);
CREATE INDEX ON grants (created_at, id);
CREATE INDEX ON grants (source_id) WHERE source_id IS NOT NULL;
CREATE INDEX ON grants (document_id) WHERE document_id IS NOT NULL;
ALTER TABLE grants ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE grants ENABLE ROW LEVEL SECURITY;

-- What a disabled account was granted does not come back with it. By a trigger, so
-- that no statement can forget it.
-- +goose StatementBegin
CREATE FUNCTION end_grants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE grants SET revoked_at = now() WHERE account_id = NEW.id AND ends_at > now();
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER end_grants AFTER UPDATE OF disabled_at ON accounts
    FOR EACH ROW WHEN (NEW.disabled_at IS NOT NULL AND OLD.disabled_at IS NULL) EXECUTE FUNCTION end_grants();
