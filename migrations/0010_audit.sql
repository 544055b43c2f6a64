-- +goose Up

-- The audit log: who did what, when, from where, and which documents were shown.
-- It holds ids and words of the program, never a text. Rows are only ever added,
-- and each carries a hash over its fields and the hash of the row before it, so that
-- a row that was changed, removed, inserted or moved shows (package audit).
CREATE TABLE audit_log (
    seq        bigint PRIMARY KEY,         -- from 1, without gaps
    at         timestamptz NOT NULL,
    action     text NOT NULL,
    outcome    text NOT NULL,
    account_id text NOT NULL DEFAULT '',   -- no reference: the log outlives what it tells of
    via        text NOT NULL DEFAULT '',
    token_id   text NOT NULL DEFAULT '',
    address    text NOT NULL DEFAULT '',
    request_id text NOT NULL DEFAULT '',
    kind       text NOT NULL DEFAULT '',   -- of the object
    object_id  text NOT NULL DEFAULT '',
    detail     text NOT NULL DEFAULT '',
    documents  text[] NOT NULL DEFAULT '{}',
    previous   bytea NOT NULL,
    hash       bytea NOT NULL
);
CREATE INDEX ON audit_log (at);
CREATE INDEX ON audit_log (account_id, seq);
CREATE INDEX ON audit_log (action, seq);
CREATE INDEX ON audit_log (object_id, kind, seq) WHERE object_id <> '';
CREATE INDEX ON audit_log USING gin (documents); -- who has seen this document?

-- The newest row, so that the removal of the last rows shows as well. Its lock
-- lets one transaction at a time add rows.
CREATE TABLE audit_head (
    one  bool PRIMARY KEY DEFAULT true CHECK (one),
    seq  bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- A field of a row as it is hashed: a netstring.
CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN octet_length(value)::text || ':' || value || ',';

-- Gives a new row its place. It runs with the rights of the owner, so that who
-- may add rows can neither choose their place nor write the head.
-- +goose StatementBegin
CREATE FUNCTION chain_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT seq + 1, hash INTO NEW.seq, NEW.previous FROM audit_head FOR UPDATE;
    NEW.hash := sha256(NEW.previous || convert_to(
        audit_field(NEW.seq::text) || audit_field((extract(epoch FROM NEW.at) * 1000000)::bigint::text)
        || audit_field(NEW.action) || audit_field(NEW.outcome)
        || audit_field(NEW.account_id) || audit_field(NEW.via) || audit_field(NEW.token_id)
        || audit_field(NEW.address) || audit_field(NEW.request_id)
        || audit_field(NEW.kind) || audit_field(NEW.object_id) || audit_field(NEW.detail)
        || audit_field(coalesce((SELECT string_agg(audit_field(d), '' ORDER BY n) FROM unnest(NEW.documents) WITH ORDINALITY AS x (d, n)), '')),
        'UTF8'));
    UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER chain BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION chain_audit();

-- Removes the days that are older than an age, and says in the log up to which row:
-- there the rest of the chain begins. The only way to remove rows; the worker may
-- call it and nothing else. It returns how many rows it has removed.
-- +goose StatementBegin
CREATE FUNCTION expire_audit(age interval) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    cutoff timestamptz := date_trunc('day', (now() - age) AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    kept bigint;    -- the first row of a day that is kept
    newest bigint;
    last record;
    removed bigint;
BEGIN
    IF age < interval '7 days' THEN
        RAISE EXCEPTION 'the audit log keeps seven days at least';
    END IF;
    -- Rows of one moment are not always in the order of time: servers write in
    -- batches. What stands behind the first row of a day that is kept is kept, too.
    SELECT (SELECT min(seq) FROM audit_log WHERE at >= cutoff), (SELECT max(seq) FROM audit_log) INTO kept, newest;
    SELECT seq, hash INTO last FROM audit_log WHERE seq < coalesce(kept, newest + 1) ORDER BY seq DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    DELETE FROM audit_log WHERE seq <= last.seq;
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed > 0 THEN -- else another server was faster
        INSERT INTO audit_log (at, action, outcome, kind, object_id)
        VALUES (clock_timestamp(), 'audit.expire', 'ok', 'checkpoint', last.seq || ':' || encode(last.hash, 'hex'));
    END IF;
    RETURN removed;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION expire_audit(interval) FROM PUBLIC;
