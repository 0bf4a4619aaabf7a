-- +goose Up

-- What a reply from the cache would have cost, in nano-dollars.
ALTER TABLE usage_rows ADD COLUMN saved INTEGER NOT NULL DEFAULT 0;

-- +goose Down

ALTER TABLE usage_rows DROP COLUMN saved;
