-- +goose Up

ALTER TABLE keys ADD COLUMN class TEXT NOT NULL DEFAULT ''; -- of its turns, where a request names none; empty for standard

-- +goose Down

ALTER TABLE keys DROP COLUMN class;
