-- +goose Up

-- The class that a version had when another took its place: who may read it must be
-- admitted by this as well as by the document's of today, which may be that of a text from
-- which something was taken out. Null: it is the version of today. By a trigger, so that no
-- statement can leave it out. What was superseded before is taken to have had the class of now.
ALTER TABLE bodies ADD COLUMN acl_id int REFERENCES acls;
CREATE INDEX ON bodies (acl_id) WHERE acl_id IS NOT NULL;
-- +goose StatementBegin
CREATE FUNCTION keep_class() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bodies SET acl_id = coalesce(OLD.withheld_acl, OLD.acl_id) WHERE document_id = OLD.id AND version = OLD.version;
    UPDATE bodies SET acl_id = NULL WHERE document_id = NEW.id AND version = NEW.version AND acl_id IS NOT NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER keep_class AFTER UPDATE OF version ON documents
    FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION keep_class();
UPDATE bodies b SET acl_id = coalesce(d.withheld_acl, d.acl_id) FROM documents d WHERE d.id = b.document_id AND d.version <> b.version;

-- The token by which a token was made: it ends with that.
ALTER TABLE tokens ADD COLUMN parent_id text REFERENCES tokens ON DELETE CASCADE;
CREATE INDEX ON tokens (parent_id) WHERE parent_id IS NOT NULL;

-- An administrator here has disabled the account: a provider does not enable it.
ALTER TABLE accounts ADD COLUMN locked boolean NOT NULL DEFAULT false;
