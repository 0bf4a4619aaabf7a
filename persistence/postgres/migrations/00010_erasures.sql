-- +goose Up

-- Who spoke through the tenant, as its client said it.
ALTER TABLE turns ADD COLUMN end_user TEXT NOT NULL DEFAULT '';
CREATE INDEX turns_by_user ON turns (tenant, end_user) WHERE end_user <> '';
SELECT set_config('parley.scope', 'operator', true); -- FORCE holds the migration, too
UPDATE turns SET end_user = coalesce(
    (SELECT extra->>'value' FROM jsonb_array_elements(coalesce(options::jsonb->'extra', '[]')) extra WHERE extra->>'name' = 'safety_identifier' AND jsonb_typeof(extra->'value') = 'string' LIMIT 1),
    options::jsonb->>'user', '')
    WHERE options LIKE '%"user"%' OR options LIKE '%safety_identifier%';

-- Content that is to be taken away, and receipts for what was.
CREATE TABLE erasures (
    id            TEXT NOT NULL,
    tenant        TEXT NOT NULL,
    end_user      TEXT NOT NULL, -- whose; empty for all, and once it is done
    user_hash     TEXT NOT NULL, -- SHA-256 in hex; empty for all
    requested     BIGINT NOT NULL, -- microseconds since 1970, as the one below
    ended         BIGINT NOT NULL, -- 0 while it runs
    conversations BIGINT NOT NULL,
    turns         BIGINT NOT NULL,
    items         BIGINT NOT NULL,
    replies       BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX erasures_by_end ON erasures (ended);

-- How long something of a tenant is kept, in days; -1 for what the configuration says.
CREATE TABLE retentions (
    tenant       TEXT NOT NULL PRIMARY KEY,
    content_days BIGINT NOT NULL,
    ledger_days  BIGINT NOT NULL
);

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON erasures USING (tenant = nullif(current_setting('parley.tenant', true), ''));
CREATE POLICY operator ON erasures USING (current_setting('parley.scope', true) = 'operator');
ALTER TABLE retentions ENABLE ROW LEVEL SECURITY;
ALTER TABLE retentions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON retentions USING (tenant = nullif(current_setting('parley.tenant', true), ''));
CREATE POLICY operator ON retentions USING (current_setting('parley.scope', true) = 'operator');

-- +goose Down

DROP TABLE retentions;
DROP TABLE erasures;
DROP INDEX turns_by_user;
ALTER TABLE turns DROP COLUMN end_user;
