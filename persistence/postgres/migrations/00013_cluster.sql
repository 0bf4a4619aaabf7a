-- +goose Up

-- The nodes of a cluster, each for as long as it renews its lease. All times are
-- this server's: the nodes' clocks need not agree.
CREATE TABLE cluster_members (
    id      TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    version TEXT NOT NULL,
    leaving BOOLEAN NOT NULL DEFAULT FALSE,
    joined  TIMESTAMPTZ NOT NULL,
    since   TIMESTAMPTZ NOT NULL, -- its lease has not run out since
    expires TIMESTAMPTZ NOT NULL
);

-- Who owns which share of the conversations. Every owner has an epoch of its own,
-- which its writes go by.
CREATE TABLE cluster_shards (
    shard INTEGER PRIMARY KEY,
    owner TEXT NOT NULL, -- empty, or no member any more: nobody
    epoch BIGINT NOT NULL
) WITH (fillfactor = 50); -- updates find room on the page
INSERT INTO cluster_shards SELECT shard, '', 0 FROM generate_series(0, 1023) shard;

-- No tenant changes either, and each of its writes asks for its shard's owner.
ALTER TABLE cluster_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE cluster_members FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON cluster_members USING (current_setting('parley.scope', true) = 'operator');
ALTER TABLE cluster_shards ENABLE ROW LEVEL SECURITY;
ALTER TABLE cluster_shards FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON cluster_shards FOR SELECT USING (TRUE);
CREATE POLICY operator ON cluster_shards USING (current_setting('parley.scope', true) = 'operator');

-- Which node answers the request of a key: once it is gone the key can be taken up.
ALTER TABLE idempotency_keys ADD COLUMN node TEXT NOT NULL DEFAULT coalesce(current_setting('parley.node', true), '');
CREATE INDEX idempotency_keys_by_node ON idempotency_keys (node) WHERE status = 0 AND node <> '';

-- +goose Down

DROP INDEX idempotency_keys_by_node;
ALTER TABLE idempotency_keys DROP COLUMN node;
DROP TABLE cluster_shards;
DROP TABLE cluster_members;
