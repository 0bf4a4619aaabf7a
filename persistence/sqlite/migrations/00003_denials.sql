-- +goose Up

-- Pairs of requests that must not share a cached reply, by the hashes of their keys.
CREATE TABLE cache_denials (
    tenant  TEXT NOT NULL,
    entry   INTEGER NOT NULL,
    asked   INTEGER NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (tenant, entry, asked)
) WITHOUT ROWID;

-- +goose Down

DROP TABLE cache_denials;
