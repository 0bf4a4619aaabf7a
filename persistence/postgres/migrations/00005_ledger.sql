-- +goose Up

-- The ledger, a partition a month. The month is that of the asking, in UTC, by the
-- request's id, so that a row that is written twice meets itself.
SELECT set_config('parley.scope', 'operator', true); -- FORCE holds the migration, too
ALTER TABLE usage_rows RENAME TO usage_rows_whole;
ALTER INDEX usage_rows_pkey RENAME TO usage_rows_whole_pkey;
ALTER INDEX usage_rows_by_time RENAME TO usage_rows_whole_by_time;

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
    saved        BIGINT NOT NULL DEFAULT 0, -- what a reply from the cache would have cost, in nano-dollars
    month        INTEGER NOT NULL,          -- when the request came, in UTC, by its id: as 202601
    day          INTEGER NOT NULL,          -- likewise, as 20260131
    cache_tier   TEXT NOT NULL DEFAULT '',  -- where the reply came from; empty in older rows
    price        TEXT NOT NULL DEFAULT '',  -- the version of the price that the cost is by
    PRIMARY KEY (tenant, month, request, attempt)
) PARTITION BY RANGE (month);
CREATE INDEX usage_rows_by_time ON usage_rows (request); -- its first bits are the time of asking

-- A row of a month that nobody prepared is kept here until somebody does.
CREATE TABLE usage_rows_rest PARTITION OF usage_rows DEFAULT;

-- A partition can be named in a statement by itself, so each has the net of the
-- whole.
-- +goose StatementBegin
CREATE FUNCTION guard_usage_rows(part TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = nullif(current_setting(''parley.tenant'', true), ''''))', part);
    EXECUTE format('CREATE POLICY operator ON %I USING (current_setting(''parley.scope'', true) = ''operator'')', part);
END $$;
-- +goose StatementEnd
SELECT guard_usage_rows('usage_rows');
SELECT guard_usage_rows('usage_rows_rest');

-- Makes a month's partition, and brings there what the net has of it. Who comes
-- second, on another node, finds it made.
-- +goose StatementBegin
CREATE FUNCTION prepare_usage_month(wanted INTEGER) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
DECLARE
    part TEXT := 'usage_rows_' || wanted;
    behind INTEGER := CASE WHEN wanted % 100 = 12 THEN wanted + 89 ELSE wanted + 1 END;
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    LOCK TABLE usage_rows_rest IN ACCESS EXCLUSIVE MODE; -- nothing comes in until the end, neither a row nor another node
    IF to_regclass(part) IS NOT NULL THEN
        RETURN FALSE;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE usage_rows INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', part);
    EXECUTE format('WITH moved AS (DELETE FROM usage_rows_rest WHERE month = $1 RETURNING *) INSERT INTO %I SELECT * FROM moved', part) USING wanted;
    PERFORM guard_usage_rows(part);
    EXECUTE format('ALTER TABLE usage_rows ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', part, wanted, behind);
    RETURN TRUE;
END $$;
-- +goose StatementEnd

INSERT INTO usage_rows
SELECT w.tenant, w.request, w.attempt, w.key, w.conversation, w.endpoint, w.model, w.provider, w.served_model, w.fingerprint, w.service_tier,
    w.simulated, w.status, w.input, w.output, w.cached, w.cache_write, w.reasoning, w.estimated, w.cost, w.priced, w.created, w.saved,
    to_char(asked.at, 'YYYYMM')::INTEGER, to_char(asked.at, 'YYYYMMDD')::INTEGER
FROM usage_rows_whole w, LATERAL (SELECT to_timestamp((
        (get_byte(w.request, 0)::BIGINT << 40) + (get_byte(w.request, 1)::BIGINT << 32) + (get_byte(w.request, 2)::BIGINT << 24)
        + (get_byte(w.request, 3)::BIGINT << 16) + (get_byte(w.request, 4)::BIGINT << 8) + get_byte(w.request, 5)::BIGINT) / 1000) AT TIME ZONE 'UTC' AS at) asked;
SELECT prepare_usage_month(month) FROM (SELECT DISTINCT month FROM usage_rows) months;
DROP TABLE usage_rows_whole;

-- +goose Down

SELECT set_config('parley.scope', 'operator', true);
CREATE TABLE usage_rows_whole (LIKE usage_rows INCLUDING DEFAULTS);
INSERT INTO usage_rows_whole SELECT * FROM usage_rows;
DROP TABLE usage_rows;
DROP FUNCTION prepare_usage_month;
DROP FUNCTION guard_usage_rows;
ALTER TABLE usage_rows_whole DROP COLUMN month, DROP COLUMN day, DROP COLUMN cache_tier, DROP COLUMN price;
ALTER TABLE usage_rows_whole ADD PRIMARY KEY (tenant, request, attempt);
ALTER INDEX usage_rows_whole_pkey RENAME TO usage_rows_pkey;
ALTER TABLE usage_rows_whole RENAME TO usage_rows;
CREATE INDEX usage_rows_by_time ON usage_rows (request);
ALTER TABLE usage_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_rows FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON usage_rows USING (tenant = nullif(current_setting('parley.tenant', true), ''));
CREATE POLICY operator ON usage_rows USING (current_setting('parley.scope', true) = 'operator');
