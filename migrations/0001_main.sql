-- +goose Up

-- Who asks ---------------------------------------------------------------

CREATE TABLE accounts (
    id          text PRIMARY KEY,
    email       text UNIQUE CHECK (email = lower(email)),  -- verified; null for the account "local"
    name        text NOT NULL DEFAULT '',
    role        text NOT NULL CHECK (role IN ('admin', 'auditor', 'member')),
    disabled_at timestamptz,
    is_local    boolean NOT NULL DEFAULT false,            -- the administrator of local mode
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX accounts_local ON accounts (is_local) WHERE is_local;

-- Groups kept here: the directory "cairn".
CREATE TABLE groups (
    name       text PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE group_members (
    group_name text NOT NULL REFERENCES groups ON DELETE CASCADE,
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    PRIMARY KEY (group_name, account_id)
);
CREATE INDEX ON group_members (account_id);

-- Secrets are random and long, so a plain SHA-256 of them is enough.
CREATE TABLE tokens (
    id           text PRIMARY KEY,
    account_id   text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name         text NOT NULL DEFAULT '',
    hash         bytea NOT NULL UNIQUE,
    scopes       text[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX ON tokens (account_id);

CREATE TABLE sessions (
    hash       bytea PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON sessions (expires_at);

-- One-time codes; those without an account are for the first administrator.
CREATE TABLE sign_in_codes (
    hash       bytea PRIMARY KEY,
    account_id text REFERENCES accounts ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

-- Who may read -----------------------------------------------------------

-- An ACL class: equal ACLs share a row, rows are never changed. Documents and
-- chunks carry the number, so a change of permission rewrites one integer.
CREATE TABLE acls (
    id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash    bytea NOT NULL UNIQUE,
    rule    jsonb NOT NULL,          -- the ACL itself, to show to people
    clauses int NOT NULL             -- how many clauses must be met; 0 admits nobody
);

-- The clauses as rows: clause -1 holds the keys that are denied.
CREATE TABLE acl_keys (
    acl_id    int NOT NULL REFERENCES acls,
    clause    int NOT NULL,
    principal text NOT NULL,
    PRIMARY KEY (principal, acl_id, clause)
);
CREATE INDEX ON acl_keys (acl_id);

-- Where documents come from ----------------------------------------------

CREATE TABLE sources (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9-]+$'),
    kind       text NOT NULL,
    settings   jsonb NOT NULL DEFAULT '{}',
    acl_mode   text NOT NULL CHECK (acl_mode IN ('source', 'declared')),
    acl_id     int NOT NULL REFERENCES acls,
    owner_id   text REFERENCES accounts ON DELETE SET NULL,
    paused     boolean NOT NULL DEFAULT false,
    cursor     text NOT NULL DEFAULT '',
    pruned_at  timestamptz,           -- the last complete comparison with the source's listing
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A run belongs to the worker that took it, as long as its lease lasts. attempt
-- is the fence: a worker that lost its lease can no longer commit.
CREATE TABLE runs (
    id           text PRIMARY KEY,
    source_id    text NOT NULL REFERENCES sources ON DELETE CASCADE,
    state        text NOT NULL DEFAULT 'queued'
                 CHECK (state IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled')),
    "full"       boolean NOT NULL DEFAULT false,
    dry_run      boolean NOT NULL DEFAULT false,
    confirm      boolean NOT NULL DEFAULT false,
    attempt      int NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    cancel       boolean NOT NULL DEFAULT false,
    reason       text NOT NULL DEFAULT '',  -- why it failed, or what waits for confirmation
    created_at   timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    total        int NOT NULL DEFAULT 0,
    scanned      int NOT NULL DEFAULT 0,
    added        int NOT NULL DEFAULT 0,
    modified     int NOT NULL DEFAULT 0,
    deleted      int NOT NULL DEFAULT 0,
    failed       int NOT NULL DEFAULT 0,
    unchanged    int NOT NULL DEFAULT 0
);
CREATE INDEX ON runs (source_id, created_at DESC);
-- One unfinished run a source.
CREATE UNIQUE INDEX runs_unfinished ON runs (source_id) WHERE state IN ('queued', 'running');

CREATE TABLE document_errors (
    source_id   text NOT NULL REFERENCES sources ON DELETE CASCADE,
    external_id text NOT NULL,
    url         text NOT NULL DEFAULT '',
    code        text NOT NULL,
    reason      text NOT NULL,
    revision    text NOT NULL DEFAULT '',  -- tried again only when this changes or somebody asks
    attempts    int NOT NULL DEFAULT 1,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, external_id)
);

-- What they say ----------------------------------------------------------

CREATE TABLE documents (
    id          text PRIMARY KEY,
    source_id   text NOT NULL REFERENCES sources,
    external_id text NOT NULL,
    version     text NOT NULL,
    revision    text NOT NULL DEFAULT '',  -- as the source gives it: unchanged means nothing to do
    fingerprint text NOT NULL,             -- of all that the index depends on
    kind        text NOT NULL,
    title       text NOT NULL,
    url         text NOT NULL DEFAULT '',
    author      text NOT NULL DEFAULT '',
    language    text NOT NULL DEFAULT '',
    acl_id      int NOT NULL REFERENCES acls,
    acl_own     boolean NOT NULL DEFAULT false,  -- came with the document; else it is the source's
    run_id      text NOT NULL DEFAULT '',        -- that wrote it last: a run taken up again does not count it twice
    parent_id   text REFERENCES documents ON DELETE SET NULL,
    attached    boolean NOT NULL DEFAULT false,  -- found inside its parent; lives and dies with it
    attributes  jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz,               -- at the source
    modified_at timestamptz,
    indexed_at  timestamptz NOT NULL DEFAULT now(),
    hidden_at   timestamptz,               -- vanished at its source; erased after the retention
    UNIQUE (source_id, external_id)
);
CREATE INDEX ON documents (acl_id, modified_at DESC NULLS LAST);
CREATE INDEX ON documents (source_id, acl_id) WHERE hidden_at IS NULL;
CREATE INDEX ON documents (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX ON documents (hidden_at) WHERE hidden_at IS NOT NULL;

-- The text, once a version. External storage is not compressed, so that a slice
-- of a large body reads only the pages it lies on.
CREATE TABLE bodies (
    document_id text NOT NULL REFERENCES documents ON DELETE CASCADE,
    version     text NOT NULL,
    body        bytea NOT NULL,
    sections    jsonb NOT NULL,            -- [{"h": [path], "s": start, "e": end, "a": anchor}]
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (document_id, version)
);
ALTER TABLE bodies ALTER COLUMN body SET STORAGE EXTERNAL;

-- The truth about what is searchable. Content is immutable: an edit is new ids
-- and deletions; what is hidden has no chunks.
CREATE TABLE chunks (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id text NOT NULL REFERENCES documents ON DELETE CASCADE,
    ordinal     int NOT NULL,
    start_at    int NOT NULL,
    end_at      int NOT NULL CHECK (end_at > start_at),
    length      int NOT NULL,              -- weighted number of terms
    acl_id      int NOT NULL REFERENCES acls,
    UNIQUE (document_id, ordinal)
);
CREATE INDEX chunks_acl ON chunks (id) INCLUDE (acl_id);

-- Derived from the text -----------------------------------------------------

-- Terms (hashes) of chunks that are in no segment yet: the queue of the packer
-- and what every replica holds in memory.
CREATE TABLE fresh (
    chunk_id bigint PRIMARY KEY REFERENCES chunks ON DELETE CASCADE,
    terms    bytea NOT NULL,
    language text NOT NULL DEFAULT ''
);
ALTER TABLE fresh ALTER COLUMN terms SET STORAGE EXTERNAL;

-- One space a model; at most one is active.
CREATE TABLE vector_spaces (
    id     int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model  text NOT NULL UNIQUE,
    dim    int NOT NULL CHECK (dim BETWEEN 1 AND 16000),
    active boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX ON vector_spaces (active) WHERE active;

-- No fixed length, so that spaces of several models fit; the writer checks it
-- against the space. Not compressed: floats do not compress.
CREATE TABLE vectors (
    space    int NOT NULL REFERENCES vector_spaces ON DELETE CASCADE,
    chunk_id bigint NOT NULL REFERENCES chunks ON DELETE CASCADE,
    v        halfvec NOT NULL,
    PRIMARY KEY (space, chunk_id)
);
CREATE INDEX ON vectors (chunk_id);
ALTER TABLE vectors ALTER COLUMN v SET STORAGE EXTERNAL;

-- What a replica must read again. A row never says how a thing changed, only
-- that it did; xid tells a reader which rows its last snapshot could not see.
CREATE TABLE changes (
    xid  xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind smallint NOT NULL,                -- 1 chunk, 2 ACL class
    ref  bigint NOT NULL,
    at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON changes (xid);
CREATE INDEX ON changes (at);

-- Written by triggers, so that no statement can forget it.
-- +goose StatementBegin
CREATE FUNCTION note_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO changes (kind, ref) SELECT 1, id FROM gone;
    ELSE
        INSERT INTO changes (kind, ref) SELECT 1, id FROM fresh_rows;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER note_insert AFTER INSERT ON chunks REFERENCING NEW TABLE AS fresh_rows FOR EACH STATEMENT EXECUTE FUNCTION note_chunks();
CREATE TRIGGER note_update AFTER UPDATE ON chunks REFERENCING NEW TABLE AS fresh_rows FOR EACH STATEMENT EXECUTE FUNCTION note_chunks();
CREATE TRIGGER note_delete AFTER DELETE ON chunks REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_chunks();

-- +goose StatementBegin
CREATE FUNCTION note_acls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (kind, ref) SELECT 2, id FROM fresh_rows;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER note_insert AFTER INSERT ON acls REFERENCING NEW TABLE AS fresh_rows FOR EACH STATEMENT EXECUTE FUNCTION note_acls();

-- Questions and answers ------------------------------------------------------

CREATE TABLE conversations (
    id         text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    title      text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON conversations (account_id, updated_at, id);

-- One question with its answer. The lease is that of the process which writes
-- the answer: when it runs out, the message has failed.
CREATE TABLE messages (
    id              text PRIMARY KEY,
    conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE,
    parent_id       text REFERENCES messages ON DELETE SET NULL,
    question        text NOT NULL,
    request         jsonb NOT NULL DEFAULT '{}',  -- filters and model, to ask again
    state           text NOT NULL CHECK (state IN ('running', 'complete', 'stopped', 'failed')),
    lease_until     timestamptz,
    stop            boolean NOT NULL DEFAULT false,  -- the person wants no more of it
    outcome         text NOT NULL DEFAULT '',
    answer          text NOT NULL DEFAULT '',
    sentences       jsonb NOT NULL DEFAULT '[]',
    nearest         jsonb NOT NULL DEFAULT '[]',  -- ranges of documents
    notices         jsonb NOT NULL DEFAULT '[]',
    model           text NOT NULL DEFAULT '',
    usage           jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz
);
CREATE INDEX ON messages (conversation_id, created_at);
CREATE INDEX ON messages (lease_until) WHERE state = 'running';

-- Where an answer's text is borne out. The quote is not stored: it is the range
-- of its version, read when it is shown.
CREATE TABLE citations (
    message_id   text NOT NULL REFERENCES messages ON DELETE CASCADE,
    position     int NOT NULL,
    number       int NOT NULL,
    answer_start int NOT NULL,
    answer_end   int NOT NULL,
    document_id  text NOT NULL,
    version      text NOT NULL,
    start_at     int NOT NULL,
    end_at       int NOT NULL,
    support      text NOT NULL,
    PRIMARY KEY (message_id, position)
);

-- Every document that entered the prompt of a message, with those of the history
-- that was used. Only who may read all of them is shown the message.
CREATE TABLE message_evidence (
    message_id  text NOT NULL REFERENCES messages ON DELETE CASCADE,
    document_id text NOT NULL,
    version     text NOT NULL,
    PRIMARY KEY (message_id, document_id, version)
);
CREATE INDEX ON message_evidence (document_id);

-- The steps of an answer, so that a stream can be resumed on any replica.
CREATE TABLE message_events (
    message_id text NOT NULL REFERENCES messages ON DELETE CASCADE,
    seq        int NOT NULL,
    event      jsonb NOT NULL,
    PRIMARY KEY (message_id, seq)
);

CREATE TABLE feedback (
    message_id text NOT NULL REFERENCES messages ON DELETE CASCADE,
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    rating     text NOT NULL CHECK (rating IN ('up', 'down')),
    reason     text NOT NULL DEFAULT '',
    comment    text NOT NULL DEFAULT '',
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (message_id, account_id)
);

-- Ids of erased documents, so that a restored backup can be cleaned again.
CREATE TABLE tombstones (
    document_id text PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now()
);

-- The second lock ----------------------------------------------------------
--
-- Row-level security on every table that holds text, titles or names of
-- documents. A table without a policy for a role gives it nothing. The policies
-- themselves and the grants are in roles.sql, which runs after every migration
-- because it names roles by database.
ALTER TABLE sources          ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_errors  ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents        ENABLE ROW LEVEL SECURITY;
ALTER TABLE bodies           ENABLE ROW LEVEL SECURITY;
ALTER TABLE chunks           ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversations    ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages         ENABLE ROW LEVEL SECURITY;
ALTER TABLE citations        ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_events   ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback         ENABLE ROW LEVEL SECURITY;
