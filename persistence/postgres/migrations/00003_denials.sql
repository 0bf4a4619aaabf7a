-- +goose Up

-- Pairs of requests that must not share a cached reply, by the hashes of their keys.
CREATE TABLE cache_denials (
    tenant  TEXT NOT NULL,
    entry   BIGINT NOT NULL,
    asked   BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant, entry, asked)
);
ALTER TABLE cache_denials ENABLE ROW LEVEL SECURITY;
ALTER TABLE cache_denials FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON cache_denials USING (tenant = nullif(current_setting('parley.tenant', true), ''));
CREATE POLICY operator ON cache_denials USING (current_setting('parley.scope', true) = 'operator');

-- +goose Down

DROP TABLE cache_denials;
