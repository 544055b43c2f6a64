-- +goose Up

-- What the index of code keeps of a file, all of it derived from the document: trigrams (three
-- bytes of a line, ASCII letters folded), hashes of its name, the place in which it is looked
-- at. Rows of what was stored before are made in the background; format says by which code.
CREATE TABLE code_files (
    document_id text PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    version     text NOT NULL,
    format      int NOT NULL,
    language    text NOT NULL, -- in lower case
    place       bigint NOT NULL,
    size        int NOT NULL,
    name_hash   bigint NOT NULL,
    stem_hash   bigint NOT NULL,
    trigrams    int[] NOT NULL
);
-- Files of a trigram are found by one look into an index of PostgreSQL that is right as soon as
-- the row is committed: no segments, no merging, nothing in memory.
CREATE INDEX code_files_trigrams ON code_files USING gin (trigrams);
CREATE INDEX code_files_place ON code_files (place, document_id);
CREATE INDEX code_files_name ON code_files (name_hash);
CREATE INDEX code_files_stem ON code_files (stem_hash);

-- Definitions in a file, in their order.
CREATE TABLE code_symbols (
    document_id text NOT NULL REFERENCES code_files ON DELETE CASCADE,
    ordinal     int NOT NULL,
    name_hash   bigint NOT NULL,
    name        text NOT NULL,
    scope       text NOT NULL,
    kind        text NOT NULL,
    line        int NOT NULL,
    last_line   int NOT NULL,
    PRIMARY KEY (document_id, ordinal)
);
CREATE INDEX code_symbols_name ON code_symbols (name_hash);
ALTER TABLE code_symbols ENABLE ROW LEVEL SECURITY;

-- Statistics of the planner would keep what is erased.
ALTER TABLE code_files ALTER COLUMN version SET STATISTICS 0;
ALTER TABLE code_files ALTER COLUMN trigrams SET STATISTICS 0;
ALTER TABLE code_symbols ALTER COLUMN name SET STATISTICS 0;
ALTER TABLE code_symbols ALTER COLUMN scope SET STATISTICS 0;

ALTER TABLE code_files SET (autovacuum_vacuum_scale_factor = 0.05);
