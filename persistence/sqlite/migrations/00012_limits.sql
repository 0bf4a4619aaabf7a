-- +goose Up

-- What operators set for tenants, keys and models of tenants. 0 says nothing and
-- leaves it to the configuration; -1 is no limit.
CREATE TABLE limits (
    tenant      TEXT NOT NULL,
    scope       TEXT NOT NULL,   -- tenant, key or model
    name        TEXT NOT NULL,   -- the key's id or the model's name; empty for the tenant
    requests    INTEGER NOT NULL, -- a minute
    tokens      INTEGER NOT NULL, -- a minute
    turns       INTEGER NOT NULL, -- at the same time
    connections INTEGER NOT NULL, -- at the same time
    messages    INTEGER NOT NULL, -- a minute, over WebSocket
    weight      INTEGER NOT NULL, -- of a tenant among those that compete for places
    PRIMARY KEY (tenant, scope, name)
) STRICT, WITHOUT ROWID;

-- One row: raised by every change of a limit.
CREATE TABLE limits_version (version INTEGER NOT NULL) STRICT;
INSERT INTO limits_version VALUES (1);

-- +goose Down

DROP TABLE limits_version;
DROP TABLE limits;
