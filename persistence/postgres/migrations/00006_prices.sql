-- +goose Up

-- Prices that operators set, each from a moment on. One that holds is not changed.
CREATE TABLE prices (
    model       TEXT NOT NULL, -- or provider/model; with * at its end all that begin so
    effective   BIGINT NOT NULL, -- microseconds since 1970
    input       BIGINT NOT NULL, -- pico-dollars a token, as the three below
    cached      BIGINT NOT NULL,
    cache_write BIGINT NOT NULL,
    output      BIGINT NOT NULL,
    withdrawn   BOOLEAN NOT NULL, -- from then on there is none
    source      TEXT NOT NULL,
    PRIMARY KEY (model, effective)
);

-- One row: raised by every change of prices.
CREATE TABLE prices_version (version BIGINT NOT NULL);
INSERT INTO prices_version VALUES (1);

-- They are nobody's but the operator's.
ALTER TABLE prices ENABLE ROW LEVEL SECURITY;
ALTER TABLE prices FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON prices USING (current_setting('parley.scope', true) = 'operator');
ALTER TABLE prices_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE prices_version FORCE ROW LEVEL SECURITY;
CREATE POLICY operator ON prices_version USING (current_setting('parley.scope', true) = 'operator');

-- +goose Down

DROP TABLE prices_version;
DROP TABLE prices;
