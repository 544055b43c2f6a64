-- +goose Up

-- The number of words belongs to the terms: both are derived from the text.
ALTER TABLE fresh ADD COLUMN length int NOT NULL DEFAULT 0;
UPDATE fresh SET length = c.length FROM chunks c WHERE c.id = fresh.chunk_id;
ALTER TABLE fresh ALTER COLUMN length DROP DEFAULT;
ALTER TABLE chunks DROP COLUMN length;

-- A segment is an immutable index of up to 65,536 chunks, derived from their
-- terms by the packer. It never says who may read a chunk or whether the chunk
-- still exists: that is read from chunks when a segment is loaded. A segment that
-- was merged into another is kept for some minutes for those who search in it.
CREATE TABLE segments (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chunks     int NOT NULL,
    low        bigint NOT NULL,            -- the least id of a chunk in it
    high       bigint NOT NULL,            -- the greatest
    analyzer   int NOT NULL,               -- version of the analysis that made its terms
    header     bytea NOT NULL,             -- chunk ids, lengths, languages; with a checksum
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
ALTER TABLE segments ALTER COLUMN header SET STORAGE EXTERNAL;

-- The postings of a segment. A key is the hash of a frequent term, or, below 0,
-- a bucket of rare terms whose hashes begin with the same bits. There is a row for
-- every key of a segment, so that a missing row is damage, never an unused term.
-- Rows are written in the order of the key and deleted by segment; merges leave
-- many dead ones, so that vacuum must not wait for a fifth of the table.
CREATE TABLE postings (
    segment int NOT NULL,
    key     bigint NOT NULL,
    data    bytea NOT NULL,                -- with a checksum
    PRIMARY KEY (segment, key)
);
ALTER TABLE postings ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE postings SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);
ALTER TABLE fresh SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE changes SET (autovacuum_vacuum_scale_factor = 0.05);

-- Sign codes of vectors: those of a segment's chunks in one row, the others, like
-- the terms, one a chunk until they are packed. centre is the point that codes are
-- relative to, little-endian float32, the origin when it is empty; seed makes the
-- rotation. Both belong to the space and never depend on documents; seed is null
-- until the space is first used.
ALTER TABLE vector_spaces ADD COLUMN centre bytea, ADD COLUMN seed bigint;
CREATE TABLE segment_codes (
    space   int NOT NULL REFERENCES vector_spaces ON DELETE CASCADE,
    segment int NOT NULL,
    codes   bytea NOT NULL,                -- with a checksum
    PRIMARY KEY (space, segment)
);
ALTER TABLE segment_codes ALTER COLUMN codes SET STORAGE EXTERNAL;
CREATE TABLE fresh_codes (
    space    int NOT NULL REFERENCES vector_spaces ON DELETE CASCADE,
    chunk_id bigint NOT NULL REFERENCES chunks ON DELETE CASCADE,
    code     bytea NOT NULL,
    PRIMARY KEY (space, chunk_id)
);
CREATE INDEX ON fresh_codes (chunk_id);
ALTER TABLE fresh_codes SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- Kinds of changes: 1 chunk, 2 ACL class, 3 segment. What filters look at is kept
-- in memory beside each chunk, so that a change of it is told too.
-- +goose StatementBegin
CREATE FUNCTION note_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (kind, ref)
    SELECT 1, c.id
    FROM old_rows o JOIN new_rows n ON n.id = o.id JOIN chunks c ON c.document_id = n.id
    WHERE (o.kind, o.source_id, o.modified_at, o.created_at) IS DISTINCT FROM (n.kind, n.source_id, n.modified_at, n.created_at);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER note_update AFTER UPDATE ON documents
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_documents();

-- +goose StatementBegin
CREATE FUNCTION note_segments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (kind, ref) SELECT 3, id FROM fresh_rows;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER note_insert AFTER INSERT ON segments REFERENCING NEW TABLE AS fresh_rows FOR EACH STATEMENT EXECUTE FUNCTION note_segments();
CREATE TRIGGER note_update AFTER UPDATE ON segments REFERENCING NEW TABLE AS fresh_rows FOR EACH STATEMENT EXECUTE FUNCTION note_segments();
