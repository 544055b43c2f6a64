-- +goose Up

-- When something of a source was last erased: what connectors keep of it in files, such as
-- the copy of a repository, is older than that and goes. Null: never.
ALTER TABLE sources ADD COLUMN erased_at timestamptz;
