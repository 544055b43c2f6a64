-- +goose Up

-- What Cairn notes about this database itself.
CREATE TABLE settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);
