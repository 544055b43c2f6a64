-- +goose Up

-- Programs that ask to be let in by somebody who is signed in elsewhere (RFC 8628). What
-- they show and what they ask with are kept as hashes; the token is made when somebody lets
-- them in, and the row goes when it is handed over, or a day after it has expired.
CREATE TABLE device_logins (
    device_hash bytea PRIMARY KEY,           -- of the code with which the program asks
    user_hash   bytea NOT NULL UNIQUE,       -- of the code that a person types
    token_hash  bytea NOT NULL,              -- of the token that the program gets
    name        text NOT NULL,               -- as the program calls itself
    address     text NOT NULL,               -- from which it asked
    scopes      text[] NOT NULL,
    lifetime    interval NOT NULL,           -- of the token
    asked_at    timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    pace        interval NOT NULL,           -- between questions
    polled_at   timestamptz,
    refused     boolean NOT NULL DEFAULT false,
    token_id    text REFERENCES tokens ON DELETE CASCADE -- once somebody has let it in
);
ALTER TABLE device_logins ALTER COLUMN name SET STATISTICS 0, ALTER COLUMN address SET STATISTICS 0;
CREATE INDEX device_logins_expires ON device_logins (expires_at);
CREATE INDEX device_logins_token ON device_logins (token_id);
