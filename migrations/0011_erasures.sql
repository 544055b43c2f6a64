-- +goose Up

-- Receipts of erasures: ids and counts, never anything of what was erased.
CREATE TABLE erasures (
    id         text PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('document', 'pushed', 'source', 'account', 'retention', 'restore')),
    subject    text NOT NULL,              -- id of the document, source or account; empty: several
    by_account text NOT NULL,              -- its id; empty: the server itself, or a program
    at         timestamptz NOT NULL DEFAULT now(),
    counts     jsonb NOT NULL,             -- rows by table
    urgent     boolean NOT NULL,           -- somebody asked for it: its remains are cleaned at once
    cleaned_at timestamptz                 -- when the database had no more of its rows, dead ones included
);
CREATE INDEX ON erasures (at, id);
CREATE INDEX erasures_uncleaned ON erasures (at) WHERE cleaned_at IS NULL;

-- Ids of what was erased, so that a restored backup can be cleaned again. Those of
-- a document that its source still has carry the hash of its name there: it is kept
-- out until an administrator lifts that. A source stands for all of its documents.
ALTER TABLE tombstones RENAME COLUMN document_id TO id;
ALTER TABLE tombstones
    ADD COLUMN kind text NOT NULL DEFAULT 'document' CHECK (kind IN ('document', 'source', 'account', 'conversation')),
    ADD COLUMN erasure_id text NOT NULL DEFAULT '',
    ADD COLUMN source_id text,
    ADD COLUMN external_hash bytea,
    ADD COLUMN lifted boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT tombstones_pkey,
    ADD PRIMARY KEY (kind, id);
ALTER TABLE tombstones ALTER COLUMN kind DROP DEFAULT, ALTER COLUMN erasure_id DROP DEFAULT;
CREATE INDEX ON tombstones (at);
CREATE INDEX ON tombstones (erasure_id);
CREATE INDEX tombstones_kept_out ON tombstones (source_id, external_hash) WHERE external_hash IS NOT NULL AND NOT lifted;

-- Chunks that were erased and may still be part of a segment: their hashes of
-- terms are in it until it is written anew.
CREATE TABLE erased_chunks (
    chunk_id bigint PRIMARY KEY,
    due      timestamptz NOT NULL          -- when that should be done at the latest
);
CREATE INDEX ON erased_chunks (due);

-- PostgreSQL's statistics hold samples of columns. Texts are not to be in them:
-- nothing is planned by them, and ANALYZE does not drop what it knows of a table
-- that has become empty. A change of type, even to the same, forgets the samples.
DROP INDEX documents_title_key;
ALTER TABLE documents DROP COLUMN title_key;
ALTER TABLE documents ALTER COLUMN title TYPE text, ALTER COLUMN url TYPE text, ALTER COLUMN author TYPE text,
    ALTER COLUMN attributes TYPE jsonb, ALTER COLUMN fingerprint TYPE text, ALTER COLUMN revision TYPE text;
ALTER TABLE documents ADD COLUMN title_key text COLLATE "C"
    GENERATED ALWAYS AS (left(trim(regexp_replace(lower(title), '[^[:alnum:]]+', ' ', 'g')), 200)) STORED;
CREATE INDEX documents_title_key ON documents (acl_id, title_key) WHERE hidden_at IS NULL;
ALTER TABLE documents ALTER COLUMN title SET STATISTICS 0, ALTER COLUMN title_key SET STATISTICS 0, ALTER COLUMN url SET STATISTICS 0,
    ALTER COLUMN author SET STATISTICS 0, ALTER COLUMN attributes SET STATISTICS 0,
    ALTER COLUMN fingerprint SET STATISTICS 0, ALTER COLUMN revision SET STATISTICS 0;
ALTER TABLE bodies ALTER COLUMN body TYPE bytea, ALTER COLUMN sections TYPE jsonb;
ALTER TABLE bodies ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN sections SET STATISTICS 0;
ALTER TABLE document_errors ALTER COLUMN url TYPE text, ALTER COLUMN reason TYPE text, ALTER COLUMN external_id TYPE text,
    ALTER COLUMN revision TYPE text;
ALTER TABLE document_errors ALTER COLUMN url SET STATISTICS 0, ALTER COLUMN reason SET STATISTICS 0,
    ALTER COLUMN external_id SET STATISTICS 0, ALTER COLUMN revision SET STATISTICS 0;
ALTER TABLE runs ALTER COLUMN reason TYPE text;
ALTER TABLE runs ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE sources ALTER COLUMN settings TYPE jsonb;
ALTER TABLE sources ALTER COLUMN settings SET STATISTICS 0;
ALTER TABLE conversations ALTER COLUMN title TYPE text;
ALTER TABLE conversations ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE messages ALTER COLUMN question TYPE text, ALTER COLUMN request TYPE jsonb, ALTER COLUMN answer TYPE text,
    ALTER COLUMN sentences TYPE jsonb, ALTER COLUMN nearest TYPE jsonb, ALTER COLUMN notices TYPE jsonb;
ALTER TABLE messages ALTER COLUMN question SET STATISTICS 0, ALTER COLUMN request SET STATISTICS 0,
    ALTER COLUMN answer SET STATISTICS 0, ALTER COLUMN sentences SET STATISTICS 0,
    ALTER COLUMN nearest SET STATISTICS 0, ALTER COLUMN notices SET STATISTICS 0;
ALTER TABLE message_events ALTER COLUMN event TYPE jsonb;
ALTER TABLE message_events ALTER COLUMN event SET STATISTICS 0;
ALTER TABLE feedback ALTER COLUMN comment TYPE text;
ALTER TABLE feedback ALTER COLUMN comment SET STATISTICS 0;
ALTER TABLE accounts ALTER COLUMN name TYPE text;
ALTER TABLE accounts ALTER COLUMN name SET STATISTICS 0;
ALTER TABLE tokens ALTER COLUMN name TYPE text;
ALTER TABLE tokens ALTER COLUMN name SET STATISTICS 0;
