-- +goose Up

-- A document that vanished beyond the guard is withheld: acl_id admits nobody, and this
-- is the class that it would have, the source's own unless acl_own. Null: acl_id is it.
ALTER TABLE documents ADD COLUMN withheld_acl int REFERENCES acls;
CREATE INDEX ON documents (withheld_acl) WHERE withheld_acl IS NOT NULL;

-- By a trigger, so that no statement can open what is withheld by its class alone.
-- +goose StatementBegin
CREATE FUNCTION keep_withheld() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM acls WHERE id = NEW.acl_id AND clauses > 0) THEN
        RAISE EXCEPTION 'document % is withheld, and its class admits somebody', NEW.id;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER keep_withheld BEFORE INSERT OR UPDATE OF acl_id, withheld_acl ON documents
    FOR EACH ROW WHEN (NEW.withheld_acl IS NOT NULL) EXECUTE FUNCTION keep_withheld();

-- What was withheld before looks as what its source lets nobody read. Both would have
-- the source's ACL then, until they are listed again. Programs' documents are not withheld.
UPDATE documents d SET withheld_acl = s.acl_id, acl_own = false
FROM sources s, acls a
WHERE s.id = d.source_id AND a.id = d.acl_id AND d.acl_own AND d.run_id <> ''
  AND a.clauses = 0 AND NOT EXISTS (SELECT FROM acl_keys k WHERE k.acl_id = a.id);
