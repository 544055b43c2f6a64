-- +goose Up

-- A name without regard to case, as identity providers compare it. Two letters beyond
-- ASCII have one of ASCII as their small form: the Kelvin sign and the dotted capital I.
-- They are letters of their own here, or whoever may choose a name at the provider could
-- choose one that is taken for another's.
CREATE FUNCTION folded(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(translate(name, U&'\212A\0130', U&'\E000\E001'));

DROP INDEX groups_scim_name;
CREATE UNIQUE INDEX groups_scim_name ON groups (folded(name)) WHERE directory = 'scim';
DROP INDEX accounts_user_name;
CREATE UNIQUE INDEX accounts_user_name ON accounts (folded(coalesce(user_name, email)));
