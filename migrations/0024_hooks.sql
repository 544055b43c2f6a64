-- +goose Up

-- What the webhooks of sources have sent: each once, however often a place repeats it and
-- whichever server gets it. When a sync follows from there, and from the runs, so that
-- nothing is forgotten by a restart. Rows go after a day.
CREATE TABLE hook_deliveries (
    source_id text NOT NULL REFERENCES sources ON DELETE CASCADE,
    id        text NOT NULL,                    -- as the place calls it, or a hash of the body
    tells     text NOT NULL CHECK (tells IN ('nothing', 'change', 'removal', 'permissions')),
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, id)
);
CREATE INDEX hook_deliveries_at ON hook_deliveries (source_id, at);

-- The last that was accepted and the last that was refused, for administrators who wonder
-- why none arrives.
CREATE TABLE source_hooks (
    source_id   text PRIMARY KEY REFERENCES sources ON DELETE CASCADE,
    accepted_at timestamptz,
    event       text NOT NULL DEFAULT '',       -- what the place calls that one
    refused_at  timestamptz,
    refusal     text NOT NULL DEFAULT ''        -- a word for why
);
