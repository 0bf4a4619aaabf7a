-- +goose Up

-- Prices that operators set, each from a moment on. One that holds is not changed.
CREATE TABLE prices (
    model       TEXT NOT NULL, -- or provider/model; with * at its end all that begin so
    effective   INTEGER NOT NULL, -- microseconds since 1970
    input       INTEGER NOT NULL, -- pico-dollars a token, as the three below
    cached      INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    output      INTEGER NOT NULL,
    withdrawn   INTEGER NOT NULL, -- from then on there is none
    source      TEXT NOT NULL,
    PRIMARY KEY (model, effective)
) STRICT, WITHOUT ROWID;

-- One row: raised by every change of prices.
CREATE TABLE prices_version (version INTEGER NOT NULL) STRICT;
INSERT INTO prices_version VALUES (1);

-- +goose Down

DROP TABLE prices_version;
DROP TABLE prices;
