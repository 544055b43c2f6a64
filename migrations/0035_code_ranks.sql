-- +goose Up

-- Definitions of a name are read best first: rank is the order, known when they are stored.
-- around are hashes of what can be written before the name: its type, folder, file, package,
-- repository; and of the name itself as it is written. What is stored gets both when it is
-- derived anew, in the background, as code.Format is another.
ALTER TABLE code_symbols ADD COLUMN rank bigint NOT NULL DEFAULT 0, ADD COLUMN around int[] NOT NULL DEFAULT '{}';
DROP INDEX code_symbols_name;
CREATE INDEX code_symbols_name ON code_symbols (name_hash, rank);

-- Definitions are looked up by their line.
ALTER TABLE code_symbols DROP CONSTRAINT code_symbols_pkey, ADD PRIMARY KEY (document_id, line, ordinal);

ALTER TABLE code_symbols ALTER COLUMN around SET STATISTICS 0;
