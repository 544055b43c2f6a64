-- +goose Up

-- How far a source is trusted before others, from 0 to 1. It stands in a column of
-- its own because the role that searches reads no settings.
ALTER TABLE sources ADD COLUMN authority double precision NOT NULL
    GENERATED ALWAYS AS (coalesce((settings ->> 'authority')::double precision, 0)) STORED;
