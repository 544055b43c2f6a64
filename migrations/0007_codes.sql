-- +goose Up

-- Codes have three bits a dimension instead of one. They are derived from the
-- vectors: a space gets them when it becomes active, which its next use makes it.
TRUNCATE segment_codes, fresh_codes;
UPDATE vector_spaces SET active = false;
