-- +goose Up

-- What an administrator should know of a run that ended well all the same: codes, sentences
-- of the program and counts, nothing that names a document.
ALTER TABLE runs ADD COLUMN warnings jsonb;
