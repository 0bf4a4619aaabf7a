-- +goose Up

-- When the request came, in UTC, by its id: month as 202601, day as 20260131.
ALTER TABLE usage_rows ADD COLUMN month INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage_rows ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
-- Where the reply came from; empty in older rows.
ALTER TABLE usage_rows ADD COLUMN cache_tier TEXT NOT NULL DEFAULT '';
-- The version of the price that the cost is by.
ALTER TABLE usage_rows ADD COLUMN price TEXT NOT NULL DEFAULT '';

-- The first 12 digits of an id are milliseconds.
UPDATE usage_rows SET day = CAST(strftime('%Y%m%d', (
    (instr('0123456789ABCDEF', substr(hex(request), 1, 1)) - 1) * 17592186044416
    + (instr('0123456789ABCDEF', substr(hex(request), 2, 1)) - 1) * 1099511627776
    + (instr('0123456789ABCDEF', substr(hex(request), 3, 1)) - 1) * 68719476736
    + (instr('0123456789ABCDEF', substr(hex(request), 4, 1)) - 1) * 4294967296
    + (instr('0123456789ABCDEF', substr(hex(request), 5, 1)) - 1) * 268435456
    + (instr('0123456789ABCDEF', substr(hex(request), 6, 1)) - 1) * 16777216
    + (instr('0123456789ABCDEF', substr(hex(request), 7, 1)) - 1) * 1048576
    + (instr('0123456789ABCDEF', substr(hex(request), 8, 1)) - 1) * 65536
    + (instr('0123456789ABCDEF', substr(hex(request), 9, 1)) - 1) * 4096
    + (instr('0123456789ABCDEF', substr(hex(request), 10, 1)) - 1) * 256
    + (instr('0123456789ABCDEF', substr(hex(request), 11, 1)) - 1) * 16
    + (instr('0123456789ABCDEF', substr(hex(request), 12, 1)) - 1) * 1
) / 1000, 'unixepoch') AS INTEGER);
UPDATE usage_rows SET month = day / 100;

CREATE INDEX usage_rows_by_tenant ON usage_rows (tenant, request);

-- +goose Down

DROP INDEX usage_rows_by_tenant;
ALTER TABLE usage_rows DROP COLUMN price;
ALTER TABLE usage_rows DROP COLUMN cache_tier;
ALTER TABLE usage_rows DROP COLUMN day;
ALTER TABLE usage_rows DROP COLUMN month;
