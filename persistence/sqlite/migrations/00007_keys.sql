-- +goose Up

ALTER TABLE tenants ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0; -- since when its keys open nothing; 0: they do
ALTER TABLE tenants ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0; -- its content is erased, its rows of usage are not; 0: not
ALTER TABLE tenants ADD COLUMN models TEXT NOT NULL DEFAULT '[]'; -- that it may ask for, as a JSON list of names and of beginnings with *; empty for all
ALTER TABLE tenants ADD COLUMN providers TEXT NOT NULL DEFAULT '[]'; -- that may answer it, as a JSON list; empty for all

ALTER TABLE keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '[]'; -- as a JSON list; empty for all
ALTER TABLE keys ADD COLUMN models TEXT NOT NULL DEFAULT '[]'; -- as the tenant's, within them
ALTER TABLE keys ADD COLUMN providers TEXT NOT NULL DEFAULT '[]';
ALTER TABLE keys ADD COLUMN used INTEGER NOT NULL DEFAULT 0; -- when it opened something last
ALTER TABLE keys ADD COLUMN old_hash BLOB NOT NULL DEFAULT x''; -- of the secret before the last rotation
ALTER TABLE keys ADD COLUMN old_expires INTEGER NOT NULL DEFAULT 0; -- until when that opens, too

-- +goose Down

ALTER TABLE keys DROP COLUMN scopes;
ALTER TABLE keys DROP COLUMN models;
ALTER TABLE keys DROP COLUMN providers;
ALTER TABLE keys DROP COLUMN used;
ALTER TABLE keys DROP COLUMN old_hash;
ALTER TABLE keys DROP COLUMN old_expires;
ALTER TABLE tenants DROP COLUMN disabled;
ALTER TABLE tenants DROP COLUMN deleted;
ALTER TABLE tenants DROP COLUMN models;
ALTER TABLE tenants DROP COLUMN providers;
