-- +goose Up

-- In which database each shard's conversations are: kept by the first, home.
CREATE TABLE shard_storage (
    shard    INTEGER PRIMARY KEY,
    database TEXT NOT NULL DEFAULT 'home',
    version  BIGINT NOT NULL DEFAULT 1, -- raised by every change
    state    TEXT NOT NULL DEFAULT '', -- copying, or cleaning once it has moved; empty while nothing moves
    target   TEXT NOT NULL DEFAULT '', -- where it is copied to; while cleaning, where it was
    blocked  BIGINT NOT NULL DEFAULT 0 -- for how long the last move kept writers waiting, in microseconds
);
INSERT INTO shard_storage (shard) SELECT generate_series(0, 1023);

-- Of which shards this database has the conversations, in its own words: that is
-- what every read and write of one goes by. A shard that has no row is elsewhere.
CREATE TABLE shard_places (
    shard INTEGER PRIMARY KEY,
    state TEXT NOT NULL, -- here, copying, leaving, arriving or gone
    epoch BIGINT NOT NULL DEFAULT 0, -- of the last owner that is known here
    until TIMESTAMPTZ NOT NULL DEFAULT '-infinity' -- one that is leaving is written to again from then on
) WITH (fillfactor = 50);

-- What was written to while its shard was copied.
CREATE TABLE shard_changes (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant       TEXT NOT NULL,
    conversation TEXT NOT NULL
);

-- One row at most: which of several databases this is, and of which family.
CREATE TABLE shard_database (
    name   TEXT NOT NULL,
    family TEXT NOT NULL
);

-- Usage rows that were written with a turn's end, on their way home.
CREATE TABLE usage_outbox (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant TEXT NOT NULL,
    body   TEXT NOT NULL -- JSON
);

-- Turns that may not begin here any more: their idempotency key went to another.
CREATE TABLE barred_turns (
    tenant  TEXT NOT NULL,
    turn    BYTEA NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (tenant, turn)
);
CREATE INDEX barred_turns_by_age ON barred_turns (created);

-- +goose StatementBegin
DO $$
DECLARE name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['shard_storage', 'shard_places', 'shard_changes', 'shard_database', 'usage_outbox', 'barred_turns'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY operator ON %I USING (current_setting(''parley.scope'', true) = ''operator'')', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['shard_changes', 'usage_outbox', 'barred_turns'] LOOP
        EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = nullif(current_setting(''parley.tenant'', true), ''''))', name);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY tenant ON shard_places FOR SELECT USING (TRUE);

-- Once a shard has moved, whoever does not know of other databases must not write: it
-- would write to where conversations were. Servers that do say so when they connect.
-- +goose StatementBegin
CREATE FUNCTION knows_databases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('parley.databases', true), '') <> 'on' THEN
        RAISE EXCEPTION 'conversations are in several databases, and this connection knows of one: set store.postgres.databases';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- guard_shards is called by whoever moves a shard, before the first moves.
-- +goose StatementBegin
CREATE FUNCTION guard_shards() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = 'knows_databases' AND tgrelid = 'conversations'::regclass) THEN
        CREATE TRIGGER knows_databases BEFORE INSERT OR UPDATE OR DELETE ON conversations
            FOR EACH STATEMENT EXECUTE FUNCTION knows_databases();
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down

DROP FUNCTION guard_shards();
DROP TRIGGER IF EXISTS knows_databases ON conversations;
DROP FUNCTION knows_databases();
DROP TABLE barred_turns;
DROP TABLE usage_outbox;
DROP TABLE shard_database;
DROP TABLE shard_changes;
DROP TABLE shard_places;
DROP TABLE shard_storage;
