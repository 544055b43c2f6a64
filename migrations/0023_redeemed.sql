-- +goose Up

-- A code that was redeemed is there until its session is made, so that what ends the
-- access of an account meanwhile ends the sign-in, too.
ALTER TABLE sign_in_codes ADD COLUMN redeemed_at timestamptz;
