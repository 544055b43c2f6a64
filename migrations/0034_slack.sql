-- +goose Up

-- What people ask the bot in Slack, each once, however often Slack sends it and whichever
-- server gets it. A row is worked on by who has claimed it; when that server dies, it is due
-- again. What was asked goes from the row when it is done, the row after a day.
CREATE TABLE slack_tasks (
    id       text PRIMARY KEY,                 -- of the event or the click
    task     text NOT NULL,                    -- what is to be done, as JSON; empty when it is done
    reply    text NOT NULL DEFAULT '',         -- the message that answers it, as Slack calls it
    attempts int NOT NULL DEFAULT 0,
    claim    text NOT NULL DEFAULT '',         -- of who works on it; empty: nobody
    due_at   timestamptz NOT NULL DEFAULT now() + interval '1 minute', -- then somebody else takes it up
    done_at  timestamptz,
    at       timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE slack_tasks ALTER COLUMN task SET STATISTICS 0;
CREATE INDEX slack_tasks_due ON slack_tasks (due_at) WHERE done_at IS NULL;
CREATE INDEX slack_tasks_at ON slack_tasks (at);

-- The conversation of a person in a thread of Slack.
CREATE TABLE slack_threads (
    channel         text NOT NULL,
    thread          text NOT NULL,
    account_id      text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    conversation_id text NOT NULL REFERENCES conversations ON DELETE CASCADE,
    PRIMARY KEY (channel, thread, account_id)
);
CREATE INDEX slack_threads_account ON slack_threads (account_id);
CREATE INDEX slack_threads_conversation ON slack_threads (conversation_id);
