-- +goose Up

CREATE TABLE tenants (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    created   INTEGER NOT NULL, -- microseconds since 1970, here and below
    may_route INTEGER NOT NULL DEFAULT 0 -- its requests may say who answers them
) STRICT;

CREATE TABLE keys (
    id      TEXT PRIMARY KEY,
    tenant  TEXT NOT NULL, -- empty for an admin key
    role    TEXT NOT NULL,
    name    TEXT NOT NULL,
    hash    BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL, -- 0: never
    revoked INTEGER NOT NULL  -- 0: not
) STRICT;
CREATE INDEX keys_by_tenant ON keys (tenant, created);

-- One row: raised by every change of tenants or keys.
CREATE TABLE keys_version (version INTEGER NOT NULL) STRICT;
INSERT INTO keys_version VALUES (1);

CREATE TABLE conversations (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    private    INTEGER NOT NULL, -- hidden from listings
    deleted    INTEGER NOT NULL DEFAULT 0, -- kept only for the items that forks of it begin with
    parent     TEXT NOT NULL,    -- of a fork
    parent_seq INTEGER NOT NULL, -- its last item that the fork has, too; 0 without a parent
    epoch      INTEGER NOT NULL, -- activations so far
    next_seq   INTEGER NOT NULL,
    tip        BLOB NOT NULL,    -- the last turn, all zero without one
    metadata   TEXT NOT NULL,
    created    INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversations_by_age ON conversations (tenant, created DESC, id DESC) WHERE private = 0 AND deleted = 0;
CREATE INDEX conversations_by_parent ON conversations (tenant, parent) WHERE parent <> '';

CREATE TABLE turns (
    tenant       TEXT NOT NULL,
    id           BLOB NOT NULL,
    conversation TEXT NOT NULL,
    key          TEXT NOT NULL,
    after        BLOB NOT NULL, -- the response that it continues, all zero for none
    status       TEXT NOT NULL,
    reason       TEXT NOT NULL,
    failure_code TEXT NOT NULL,
    failure_text TEXT NOT NULL,
    model        TEXT NOT NULL,
    served       TEXT NOT NULL, -- JSON, as the two below
    options      TEXT NOT NULL,
    usage        TEXT NOT NULL,
    instructions TEXT NOT NULL,
    first_seq    INTEGER NOT NULL,
    inputs       INTEGER NOT NULL,
    outputs      INTEGER NOT NULL,
    finish       TEXT NOT NULL,
    created      INTEGER NOT NULL,
    ended        INTEGER NOT NULL, -- 0 while it runs
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX turns_by_conversation ON turns (tenant, conversation);
CREATE INDEX turns_running ON turns (status) WHERE status = 'in_progress';

CREATE TABLE items (
    tenant       TEXT NOT NULL,
    conversation TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    id           TEXT NOT NULL,
    turn         BLOB NOT NULL,    -- the request that brought it
    output       INTEGER NOT NULL,
    erased       INTEGER NOT NULL, -- a tombstone: body is empty
    body         TEXT NOT NULL,    -- JSON
    created      INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX items_by_id ON items (tenant, id);
CREATE INDEX items_by_turn ON items (tenant, turn, seq);

CREATE TABLE usage_rows (
    tenant       TEXT NOT NULL,
    request      BLOB NOT NULL,
    attempt      INTEGER NOT NULL,
    key          TEXT NOT NULL,
    conversation TEXT NOT NULL,
    endpoint     TEXT NOT NULL,
    model        TEXT NOT NULL, -- as asked
    provider     TEXT NOT NULL,
    served_model TEXT NOT NULL, -- as the provider calls it
    fingerprint  TEXT NOT NULL,
    service_tier TEXT NOT NULL,
    simulated    INTEGER NOT NULL,
    status       TEXT NOT NULL,
    input        INTEGER NOT NULL, -- tokens, as the four below
    output       INTEGER NOT NULL,
    cached       INTEGER NOT NULL,
    cache_write  INTEGER NOT NULL,
    reasoning    INTEGER NOT NULL,
    estimated    INTEGER NOT NULL,
    cost         INTEGER NOT NULL, -- nano-dollars
    priced       INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    PRIMARY KEY (request, attempt, tenant) -- in the order of asking, so that rows are appended and a period is a range
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    tenant       TEXT NOT NULL,
    key          TEXT NOT NULL,
    hash         BLOB NOT NULL,
    request      BLOB NOT NULL,
    deadline     INTEGER NOT NULL, -- of the request; after it the claim may be taken up
    status       INTEGER NOT NULL, -- of the reply; 0 while the request runs
    content_type TEXT NOT NULL,
    body         BLOB NOT NULL,
    created      INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created);

-- +goose Down
DROP TABLE idempotency_keys;
DROP TABLE usage_rows;
DROP TABLE items;
DROP TABLE turns;
DROP TABLE conversations;
DROP TABLE keys_version;
DROP TABLE keys;
DROP TABLE tenants;
