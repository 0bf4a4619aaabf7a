-- +goose Up

-- What operators set for tenants, keys and models of tenants. 0 says nothing and
-- leaves it to the configuration; -1 is no limit.
CREATE TABLE limits (
    tenant      TEXT NOT NULL,
    scope       TEXT NOT NULL,   -- tenant, key or model
    name        TEXT NOT NULL,   -- the key's id or the model's name; empty for the tenant
    requests    BIGINT NOT NULL, -- a minute
    tokens      BIGINT NOT NULL, -- a minute
    turns       BIGINT NOT NULL, -- at the same time
    connections BIGINT NOT NULL, -- at the same time
    messages    BIGINT NOT NULL, -- a minute, over WebSocket
    weight      BIGINT NOT NULL, -- of a tenant among those that compete for places
    PRIMARY KEY (tenant, scope, name)
);

-- One row: raised by every change of a limit.
CREATE TABLE limits_version (version BIGINT NOT NULL);
INSERT INTO limits_version VALUES (1);

ALTER TABLE limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE limits FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON limits USING (tenant = nullif(current_setting('parley.tenant', true), ''));
CREATE POLICY operator ON limits USING (current_setting('parley.scope', true) = 'operator');
ALTER TABLE limits_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE limits_version FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON limits_version USING (current_setting('parley.scope', true) = 'operator');

-- +goose Down

DROP TABLE limits_version;
DROP TABLE limits;
