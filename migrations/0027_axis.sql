-- +goose Up

-- axis is the direction of a space's vectors of texts whose words the model does not
-- know (dense.Frame). A space of no centre that was made without one gets it, and
-- all of its codes anew, when the next server starts; until then it is searched by
-- words.
ALTER TABLE vector_spaces ADD COLUMN axis bytea;

DELETE FROM segment_codes USING vector_spaces s WHERE s.id = segment_codes.space AND s.centre IS NULL;
DELETE FROM fresh_codes USING vector_spaces s WHERE s.id = fresh_codes.space AND s.centre IS NULL;
UPDATE vector_spaces SET seed = NULL WHERE centre IS NULL;
