-- +goose Up

-- What the webhooks of sources have sent: each once, however often a place repeats it and
-- whichever server gets it. When a sync follows from there, and from the runs, so that
-- nothing is forgotten by a restart. Rows go after a day.
CREATE TABLE hook_deliveries (
    source_id text NOT NULL REFERENCES sources ON DELETE CASCADE,
    id        text NOT NULL,                    -- as the place calls it, or a hash of the body
    tells     text NOT NULL CHECK (tells IN ('nothing', 'change', 'removal', 'permissions')),
    part      text NOT NULL DEFAULT '',         -- of the source, that alone has changed; empty: nobody knows
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

ALTER TABLE runs
    ADD COLUMN told       boolean NOT NULL DEFAULT false,  -- a webhook began it
    ADD COLUMN parts_only boolean NOT NULL DEFAULT false;  -- it reads nothing but the parts that webhooks tell of

-- The last runs of each kind are looked up for sources every second.
DROP INDEX runs_documents;
CREATE INDEX runs_documents ON runs (source_id, created_at DESC, id DESC) WHERE NOT permissions_only AND NOT parts_only;
CREATE INDEX runs_parts ON runs (source_id, created_at DESC, id DESC) WHERE parts_only;
CREATE INDEX runs_permissions ON runs (source_id, created_at DESC, id DESC) WHERE permissions_only;
