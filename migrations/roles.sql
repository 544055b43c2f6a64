-- Roles, grants and policies, run after the migrations and safe to run again.
-- {{.Search}} reads text for a viewer, {{.Worker}} is the application and its
-- jobs, {{.Index}} reads what the index is made of: no bodies, no titles.
DO $$
DECLARE
    t text;
    p record;
BEGIN
    -- CREATE ROLE has no IF NOT EXISTS, and two servers may migrate at once.
    BEGIN CREATE ROLE {{.Search}} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
    BEGIN CREATE ROLE {{.Worker}} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
    BEGIN CREATE ROLE {{.Index}} NOLOGIN;  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;

    FOR p IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP POLICY %I ON %I', p.policyname, p.tablename);
    END LOOP;

    -- The worker sees every row, and says so table by table.
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity LOOP
        EXECUTE format('CREATE POLICY worker ON %I TO {{.Worker}} USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;

-- The login that runs this enters the roles with SET ROLE.
GRANT {{.Search}}, {{.Worker}}, {{.Index}} TO CURRENT_USER;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {{.Search}}, {{.Index}};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {{.Search}}, {{.Worker}}, {{.Index}};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {{.Worker}};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {{.Worker}};
GRANT EXECUTE ON FUNCTION analyze_documents() TO {{.Worker}};

-- The audit log only grows: nobody changes or removes a row, and the oldest days
-- go by expire_audit alone.
REVOKE ALL ON audit_log, audit_head FROM {{.Worker}};
GRANT SELECT, INSERT ON audit_log TO {{.Worker}};
GRANT SELECT ON audit_head TO {{.Worker}};
GRANT EXECUTE ON FUNCTION expire_audit(interval) TO {{.Worker}};

GRANT SELECT ON fresh, fresh_codes, segments, postings, segment_codes, vector_spaces, vectors, changes, acls, acl_keys TO {{.Index}};
GRANT SELECT (id, document_id, ordinal, start_at, end_at, acl_id) ON chunks TO {{.Index}};
GRANT SELECT (id, source_id, kind, modified_at, created_at, acl_id, hidden_at) ON documents TO {{.Index}};
GRANT SELECT (document_id, acl_id) ON bodies TO {{.Index}};
GRANT SELECT (document_id, version, language, place, size, name_hash, stem_hash, trigrams) ON code_files TO {{.Index}};
GRANT SELECT (document_id, line, ordinal, name_hash, rank, around) ON code_symbols TO {{.Index}};
GRANT SELECT (id, name) ON sources TO {{.Index}};
GRANT SELECT (id, account_id, source_id, document_id, ends_at) ON grants TO {{.Index}};

GRANT SELECT ON documents, bodies, chunks, code_symbols, conversations, messages, citations, message_evidence, message_events TO {{.Search}};
GRANT SELECT (id, name, kind, authority) ON sources TO {{.Search}};

CREATE POLICY index ON chunks TO {{.Index}} USING (true);
CREATE POLICY index ON documents TO {{.Index}} USING (true);
CREATE POLICY index ON bodies TO {{.Index}} USING (true);
CREATE POLICY index ON code_symbols TO {{.Index}} USING (true);
CREATE POLICY index ON sources TO {{.Index}} USING (true);
CREATE POLICY index ON grants TO {{.Index}} USING (true);

-- The context of a viewer is transaction-local: cairn.classes holds those ACL
-- classes that admit her among the classes of the rows asked for, as an array
-- literal; cairn.granted the ids of sources and documents that grants of hers cover
-- which live now; cairn.account her account. Unset or empty means no rows. The
-- sub-select makes PostgreSQL read the setting once a statement.
CREATE POLICY viewer ON documents FOR SELECT TO {{.Search}} USING (
    hidden_at IS NULL AND (
        acl_id = ANY ((SELECT nullif(current_setting('cairn.classes', true), '')::int[])::int[])
        OR ARRAY[id, source_id] && (SELECT nullif(current_setting('cairn.granted', true), '')::text[])::text[]));
CREATE POLICY viewer ON chunks FOR SELECT TO {{.Search}} USING (
    acl_id = ANY ((SELECT nullif(current_setting('cairn.classes', true), '')::int[])::int[])
    OR ARRAY[document_id, (SELECT source_id FROM documents d WHERE d.id = document_id)]
       && (SELECT nullif(current_setting('cairn.granted', true), '')::text[])::text[]);
-- A version of a text is readable by who may read the document today and, when another has
-- taken its place, could have read it then; a grant covers all of them. A scalar sub-select
-- is looked up row by row; of EXISTS the planner may make a table of all readable documents.
CREATE POLICY viewer ON bodies FOR SELECT TO {{.Search}} USING (
    (SELECT bodies.acl_id IS NULL
            OR bodies.acl_id = ANY ((SELECT nullif(current_setting('cairn.classes', true), '')::int[])::int[])
            OR ARRAY[d.id, d.source_id] && (SELECT nullif(current_setting('cairn.granted', true), '')::text[])::text[]
     FROM documents d WHERE d.id = document_id));
-- What a file defines can be read by who may read the file.
CREATE POLICY viewer ON code_symbols FOR SELECT TO {{.Search}} USING (
    (SELECT true FROM documents d WHERE d.id = document_id));
-- Names of sources go with documents: any context will do.
CREATE POLICY viewer ON sources FOR SELECT TO {{.Search}} USING (
    (SELECT nullif(current_setting('cairn.classes', true), '')) IS NOT NULL);

CREATE POLICY viewer ON conversations FOR SELECT TO {{.Search}} USING (
    account_id = (SELECT nullif(current_setting('cairn.account', true), '')));
CREATE POLICY viewer ON messages FOR SELECT TO {{.Search}} USING (
    EXISTS (SELECT FROM conversations c WHERE c.id = conversation_id));
CREATE POLICY viewer ON citations FOR SELECT TO {{.Search}} USING (
    EXISTS (SELECT FROM messages m WHERE m.id = message_id));
CREATE POLICY viewer ON message_evidence FOR SELECT TO {{.Search}} USING (
    EXISTS (SELECT FROM messages m WHERE m.id = message_id));
CREATE POLICY viewer ON message_events FOR SELECT TO {{.Search}} USING (
    EXISTS (SELECT FROM messages m WHERE m.id = message_id));
