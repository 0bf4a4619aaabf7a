-- +goose Up

-- Who spoke through the tenant, as its client said it.
ALTER TABLE turns ADD COLUMN end_user TEXT NOT NULL DEFAULT '';
CREATE INDEX turns_by_user ON turns (tenant, end_user) WHERE end_user <> '';
UPDATE turns SET end_user = coalesce(
    (SELECT json_extract(value, '$.value') FROM json_each(turns.options, '$.extra') WHERE json_extract(value, '$.name') = 'safety_identifier' AND json_type(value, '$.value') = 'text'),
    json_extract(options, '$.user'), '')
    WHERE options LIKE '%"user"%' OR options LIKE '%safety_identifier%';

-- Content that is to be taken away, and receipts for what was.
CREATE TABLE erasures (
    id            TEXT NOT NULL,
    tenant        TEXT NOT NULL,
    end_user      TEXT NOT NULL, -- whose; empty for all, and once it is done
    user_hash     TEXT NOT NULL, -- SHA-256 in hex; empty for all
    requested     INTEGER NOT NULL, -- microseconds since 1970, as the one below
    ended         INTEGER NOT NULL, -- 0 while it runs
    conversations INTEGER NOT NULL,
    turns         INTEGER NOT NULL,
    items         INTEGER NOT NULL,
    replies       INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_end ON erasures (ended);

-- How long something of a tenant is kept, in days; -1 for what the configuration says.
CREATE TABLE retentions (
    tenant       TEXT NOT NULL PRIMARY KEY,
    content_days INTEGER NOT NULL,
    ledger_days  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down

DROP TABLE retentions;
DROP TABLE erasures;
DROP INDEX turns_by_user;
ALTER TABLE turns DROP COLUMN end_user;
