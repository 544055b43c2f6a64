-- +goose Up

-- Who somebody in a workspace of Slack is here, as an administrator has said: by the address
-- that Slack has confirmed for her.
CREATE TABLE slack_people (
    workspace   text NOT NULL,
    email       text NOT NULL, -- folded
    account_id  text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    approved_by text NOT NULL, -- account
    approved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, email)
);
ALTER TABLE slack_people ALTER COLUMN email SET STATISTICS 0;
CREATE INDEX slack_people_account ON slack_people (account_id);
