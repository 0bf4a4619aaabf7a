-- +goose Up

-- The turn goes on whoever leaves, and says so where it is read.
ALTER TABLE turns ADD COLUMN background INTEGER NOT NULL DEFAULT 0;

-- +goose Down

ALTER TABLE turns DROP COLUMN background;
