-- +goose Up

-- The words of a title in lower case with a space between, for suggestions. The
-- collation "C" compares bytes, so that an index finds what begins with a text;
-- its operators are leakproof, so that row-level security lets the index be used.
ALTER TABLE documents ADD COLUMN title_key text COLLATE "C"
    GENERATED ALWAYS AS (left(trim(regexp_replace(lower(title), '[^[:alnum:]]+', ' ', 'g')), 200)) STORED;
CREATE INDEX documents_title_key ON documents (acl_id, title_key) WHERE hidden_at IS NULL;
