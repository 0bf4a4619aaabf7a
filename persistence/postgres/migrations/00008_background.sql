-- +goose Up

-- The turn goes on whoever leaves, and says so where it is read.
ALTER TABLE turns ADD COLUMN background BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down

ALTER TABLE turns DROP COLUMN background;
