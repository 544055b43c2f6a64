-- +goose Up

-- Groups of every directory: 'cairn' has those kept here, 'scim' those that an
-- identity provider brings, 'oidc' those of claims at sign-in; the groups of a
-- source have the name of the source for a directory.
ALTER TABLE group_members DROP CONSTRAINT group_members_group_name_fkey, DROP CONSTRAINT group_members_pkey;
ALTER TABLE groups DROP CONSTRAINT groups_pkey,
    ADD COLUMN id          text,
    ADD COLUMN directory   text NOT NULL DEFAULT 'cairn' CHECK (directory <> '' AND directory NOT LIKE '%:%'),
    ADD COLUMN source_id   text REFERENCES sources ON DELETE CASCADE,  -- that it was read from
    ADD COLUMN external_id text,                                       -- as the identity provider calls it
    ADD COLUMN revision    bigint NOT NULL DEFAULT 1,                  -- of the group with its members, for ETags
    ADD COLUMN changed_at  timestamptz NOT NULL DEFAULT now();
UPDATE groups SET id = replace(gen_random_uuid()::text, '-', '');
ALTER TABLE groups ALTER COLUMN id SET NOT NULL, ALTER COLUMN directory DROP DEFAULT,
    ADD PRIMARY KEY (id), ADD CONSTRAINT groups_directory_name UNIQUE (directory, name);
-- SCIM compares names without regard to case.
CREATE UNIQUE INDEX groups_scim_name ON groups (lower(name)) WHERE directory = 'scim';
CREATE INDEX ON groups (source_id) WHERE source_id IS NOT NULL;

-- A member is an account, another group, or whoever has an address: sources know
-- people by address, also before they have an account here.
ALTER TABLE group_members
    ADD COLUMN group_id  text REFERENCES groups ON DELETE CASCADE,
    ADD COLUMN member_id text REFERENCES groups ON DELETE CASCADE,
    ADD COLUMN email     text;
UPDATE group_members m SET group_id = g.id FROM groups g WHERE g.name = m.group_name;
ALTER TABLE group_members DROP COLUMN group_name,
    ALTER COLUMN group_id SET NOT NULL, ALTER COLUMN account_id DROP NOT NULL,
    ADD CONSTRAINT one_member CHECK (num_nonnulls(account_id, member_id, email) = 1),
    ADD CONSTRAINT group_members_account UNIQUE (group_id, account_id),
    ADD CONSTRAINT group_members_group UNIQUE (group_id, member_id),
    ADD CONSTRAINT group_members_email UNIQUE (group_id, email);
CREATE INDEX group_members_of_group ON group_members (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX group_members_of_email ON group_members (email) WHERE email IS NOT NULL;

-- The epoch is another one after every change of who belongs to what, and no
-- value comes twice: what a server has computed under an epoch is right as long as
-- the epoch is the same.
CREATE TABLE directory (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO directory DEFAULT VALUES;

-- Written by triggers, so that no statement can forget it, once a transaction. They
-- are deferred: the row is the last that a transaction locks, so that writers wait
-- for each other only while one commits, and never in a circle.
-- +goose StatementBegin
CREATE FUNCTION note_membership() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('cairn.membership_noted', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        UPDATE directory SET epoch = gen_random_uuid();
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the table directory has lost its row: insert one with INSERT INTO directory DEFAULT VALUES';
        END IF;
        PERFORM set_config('cairn.membership_noted', pg_current_xact_id()::text, true);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER note_membership AFTER INSERT OR UPDATE OR DELETE ON group_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_membership();
CREATE CONSTRAINT TRIGGER note_membership AFTER UPDATE OF directory, name OR DELETE ON groups
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_membership();

-- Accounts as identity providers see them (SCIM). Without a user_name it is the address.
ALTER TABLE accounts
    ADD COLUMN user_name   text,
    ADD COLUMN external_id text,
    ADD COLUMN profile     jsonb NOT NULL DEFAULT '{}',  -- parts of the name, addresses as they were sent
    ADD COLUMN revision    bigint NOT NULL DEFAULT 1,    -- for ETags
    ADD COLUMN changed_at  timestamptz NOT NULL DEFAULT now();
CREATE UNIQUE INDEX accounts_user_name ON accounts (lower(coalesce(user_name, email)));

-- +goose StatementBegin
CREATE FUNCTION note_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.email, NEW.name, NEW.disabled_at IS NULL, NEW.user_name, NEW.external_id, NEW.profile) IS DISTINCT FROM
       (OLD.email, OLD.name, OLD.disabled_at IS NULL, OLD.user_name, OLD.external_id, OLD.profile) THEN
        NEW.revision := OLD.revision + 1;
        NEW.changed_at := now();
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER note_account BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION note_account();
