-- +goose Up

-- sections are those of the document that the chunk touches, as in bodies, in their
-- order: a result needs them, and all sections of a long document are thousands.
ALTER TABLE chunks ADD COLUMN sections jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(sections) = 'array');

-- What is already stored gets them from its bodies. Nothing that the index is made of changes.
ALTER TABLE chunks DISABLE TRIGGER note_update;
WITH s AS MATERIALIZED (
    SELECT d.id, e.n, e.section, (e.section ->> 's')::int AS start_at, (e.section ->> 'e')::int AS end_at
    FROM documents d
    JOIN bodies b ON b.document_id = d.id AND b.version = d.version
    CROSS JOIN jsonb_array_elements(b.sections) WITH ORDINALITY AS e (section, n))
UPDATE chunks SET sections = touched.sections
FROM (
    SELECT c.id, jsonb_agg(s.section ORDER BY s.n) AS sections
    FROM chunks c JOIN s ON s.id = c.document_id AND s.start_at < c.end_at AND c.start_at < s.end_at
    GROUP BY c.id) AS touched
WHERE touched.id = chunks.id;
ALTER TABLE chunks ENABLE TRIGGER note_update;

-- Statistics of the planner would keep what is erased.
ALTER TABLE chunks ALTER COLUMN sections SET STATISTICS 0;
