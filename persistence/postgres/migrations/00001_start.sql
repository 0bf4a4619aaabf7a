-- +goose Up

CREATE TABLE tenants (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    created   BIGINT NOT NULL, -- microseconds since 1970, here and below
    may_route BOOLEAN NOT NULL DEFAULT FALSE -- its requests may say who answers them
);

CREATE TABLE keys (
    id      TEXT PRIMARY KEY,
    tenant  TEXT NOT NULL, -- empty for an admin key
    role    TEXT NOT NULL,
    name    TEXT NOT NULL,
    hash    BYTEA NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL, -- 0: never
    revoked BIGINT NOT NULL  -- 0: not
);
CREATE INDEX keys_by_tenant ON keys (tenant, created);

-- One row: raised by every change of tenants or keys.
CREATE TABLE keys_version (version BIGINT NOT NULL);
INSERT INTO keys_version VALUES (1);

CREATE TABLE conversations (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    private    BOOLEAN NOT NULL, -- hidden from listings
    deleted    BOOLEAN NOT NULL DEFAULT FALSE, -- kept only for the items that forks of it begin with
    parent     TEXT NOT NULL,    -- of a fork
    parent_seq BIGINT NOT NULL, -- its last item that the fork has, too; 0 without a parent
    epoch      BIGINT NOT NULL, -- activations so far
    next_seq   BIGINT NOT NULL,
    tip        BYTEA NOT NULL,    -- the last turn, all zero without one
    metadata   TEXT NOT NULL,
    created    BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX conversations_by_age ON conversations (tenant, created DESC, id DESC) WHERE NOT private AND NOT deleted;
CREATE INDEX conversations_by_parent ON conversations (tenant, parent) WHERE parent <> '';

CREATE TABLE turns (
    tenant       TEXT NOT NULL,
    id           BYTEA NOT NULL,
    conversation TEXT NOT NULL,
    key          TEXT NOT NULL,
    after        BYTEA NOT NULL, -- the response that it continues, all zero for none
    status       TEXT NOT NULL,
    reason       TEXT NOT NULL,
    failure_code TEXT NOT NULL,
    failure_text TEXT NOT NULL,
    model        TEXT NOT NULL,
    served       TEXT NOT NULL, -- JSON, as the two below
    options      TEXT NOT NULL,
    usage        TEXT NOT NULL,
    instructions TEXT NOT NULL,
    first_seq    BIGINT NOT NULL,
    inputs       BIGINT NOT NULL,
    outputs      BIGINT NOT NULL,
    finish       TEXT NOT NULL,
    created      BIGINT NOT NULL,
    ended        BIGINT NOT NULL, -- 0 while it runs
    PRIMARY KEY (tenant, id)
);
CREATE INDEX turns_by_conversation ON turns (tenant, conversation);
CREATE INDEX turns_running ON turns (status) WHERE status = 'in_progress';

CREATE TABLE items (
    tenant       TEXT NOT NULL,
    conversation TEXT NOT NULL,
    seq          BIGINT NOT NULL,
    id           TEXT NOT NULL,
    turn         BYTEA NOT NULL,    -- the request that brought it
    output       BOOLEAN NOT NULL,
    erased       BOOLEAN NOT NULL, -- a tombstone: body is empty
    body         TEXT NOT NULL,    -- JSON
    created      BIGINT NOT NULL,
    PRIMARY KEY (tenant, conversation, seq)
);
CREATE UNIQUE INDEX items_by_id ON items (tenant, id);
CREATE INDEX items_by_turn ON items (tenant, turn, seq);

CREATE TABLE usage_rows (
    tenant       TEXT NOT NULL,
    request      BYTEA NOT NULL,
    attempt      BIGINT NOT NULL,
    key          TEXT NOT NULL,
    conversation TEXT NOT NULL,
    endpoint     TEXT NOT NULL,
    model        TEXT NOT NULL, -- as asked
    provider     TEXT NOT NULL,
    served_model TEXT NOT NULL, -- as the provider calls it
    fingerprint  TEXT NOT NULL,
    service_tier TEXT NOT NULL,
    simulated    BOOLEAN NOT NULL,
    status       TEXT NOT NULL,
    input        BIGINT NOT NULL, -- tokens, as the four below
    output       BIGINT NOT NULL,
    cached       BIGINT NOT NULL,
    cache_write  BIGINT NOT NULL,
    reasoning    BIGINT NOT NULL,
    estimated    BOOLEAN NOT NULL,
    cost         BIGINT NOT NULL, -- nano-dollars
    priced       BOOLEAN NOT NULL,
    created      BIGINT NOT NULL,
    PRIMARY KEY (tenant, request, attempt)
);
CREATE INDEX usage_rows_by_time ON usage_rows (request); -- its first bits are the time of asking

CREATE TABLE idempotency_keys (
    tenant       TEXT NOT NULL,
    key          TEXT NOT NULL,
    hash         BYTEA NOT NULL,
    request      BYTEA NOT NULL,
    deadline     BIGINT NOT NULL, -- of the request; after it the claim may be taken up
    status       BIGINT NOT NULL, -- of the reply; 0 while the request runs
    content_type TEXT NOT NULL,
    body         BYTEA NOT NULL,
    created      BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created);

-- The second net under every statement's own tenant. A transaction says whom it
-- is for; one that says nothing sees nothing, and so does a role that forgets.
-- FORCE holds the tables' owner to it, too.
-- +goose StatementBegin
DO $$
DECLARE name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['keys', 'conversations', 'turns', 'items', 'usage_rows', 'idempotency_keys'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = nullif(current_setting(''parley.tenant'', true), ''''))', name);
        EXECUTE format('CREATE POLICY operator ON %I USING (current_setting(''parley.scope'', true) = ''operator'')', name);
    END LOOP;
END $$;
-- +goose StatementEnd
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants USING (id = nullif(current_setting('parley.tenant', true), ''));
CREATE POLICY operator ON tenants USING (current_setting('parley.scope', true) = 'operator');

-- +goose Down
DROP TABLE idempotency_keys;
DROP TABLE usage_rows;
DROP TABLE items;
DROP TABLE turns;
DROP TABLE conversations;
DROP TABLE keys_version;
DROP TABLE keys;
DROP TABLE tenants;
