-- +goose Up

-- Most ACLs have one clause and deny nobody: to hold one of their keys is enough.
-- They are marked, so that they are found by an index alone. What is not marked
-- is counted clause by clause, which is right for every ACL.
ALTER TABLE acl_keys ADD COLUMN simple boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT simple_clause CHECK (NOT simple OR clause = 0);

UPDATE acl_keys k SET simple = true
FROM acls a
WHERE a.id = k.acl_id AND a.clauses = 1
  AND NOT EXISTS (SELECT FROM acl_keys other WHERE other.acl_id = k.acl_id AND other.clause <> 0);

CREATE INDEX acl_keys_simple ON acl_keys (principal, acl_id) WHERE simple;
CREATE INDEX acl_keys_others ON acl_keys (principal, acl_id, clause) WHERE NOT simple;

-- Rows are only ever added: without this they are vacuumed, which scans of an
-- index alone depend on, after a fifth of the table was added.
ALTER TABLE acl_keys SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
