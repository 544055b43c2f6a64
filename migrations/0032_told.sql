-- +goose Up

-- What webhooks have told since a time is looked for every second, by what they tell: the
-- first of each is found without reading the others. Only changes are of a part.
CREATE INDEX hook_deliveries_whole ON hook_deliveries (source_id, tells, at) WHERE part = '' AND tells <> 'nothing';
CREATE INDEX hook_deliveries_parts ON hook_deliveries (source_id, at) WHERE part <> '';
DROP INDEX hook_deliveries_at;
