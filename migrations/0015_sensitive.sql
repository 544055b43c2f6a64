-- +goose Up

-- What the detectors of sensitive texts (package sensitive) have counted in a
-- document: numbers by kind, never a word of it. A document without a row, or with one
-- of another version, has not been looked at yet.
CREATE TABLE sensitive_counts (
    document_id text PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    version     text NOT NULL,             -- of the text
    detectors   int NOT NULL,              -- version of the detectors
    counts      jsonb NOT NULL             -- {"iban": 2}; empty: nothing was found
);
CREATE INDEX sensitive_found ON sensitive_counts (document_id) WHERE counts <> '{}';

-- How many documents with something of a kind many could read at the end of a day's
-- last scan.
CREATE TABLE sensitive_days (
    day       date NOT NULL,
    source_id text NOT NULL REFERENCES sources ON DELETE CASCADE,
    kind      text NOT NULL,
    documents int NOT NULL,                -- that more than half of the accounts can read
    everyone  int NOT NULL,                -- of them: that whoever signs in can read
    PRIMARY KEY (day, source_id, kind)
);
CREATE INDEX ON sensitive_days (source_id);

-- When documents are looked at the next time, and when all of them were.
CREATE TABLE sensitive_scan (
    one         bool PRIMARY KEY DEFAULT true CHECK (one),
    due_at      timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
INSERT INTO sensitive_scan DEFAULT VALUES;
