-- +goose Up

CREATE TABLE budgets (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    key        TEXT NOT NULL,    -- empty: of the whole tenant
    period     TEXT NOT NULL,    -- day, month or total
    bound      BIGINT NOT NULL,  -- nano-dollars
    hard       BOOLEAN NOT NULL,
    thresholds TEXT NOT NULL,    -- JSON, in percent
    webhook    TEXT NOT NULL,
    secret     TEXT NOT NULL,    -- what the webhook's calls are signed with
    created    BIGINT NOT NULL,
    short      BIGINT NOT NULL DEFAULT 0, -- until when nodes give back what they do not use
    UNIQUE (tenant, key, period)
);
CREATE INDEX budgets_short ON budgets (short) WHERE short > 0;

-- One row: raised by every change of a budget.
CREATE TABLE budgets_version (version BIGINT NOT NULL);
INSERT INTO budgets_version VALUES (1);

-- What the ledger's rows of a period came to, but for what entries add. The period
-- is 20260131, 202601 or 0.
CREATE TABLE budget_spending (
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    period BIGINT NOT NULL,
    spent  BIGINT NOT NULL, -- nano-dollars
    PRIMARY KEY (tenant, budget, period)
);

-- Spending that nobody has added up yet. It is written by whoever writes a usage
-- row, in the same transaction, and is in nobody's way: turns of one tenant end
-- without waiting for each other.
CREATE TABLE budget_entries (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    period BIGINT NOT NULL,
    amount BIGINT NOT NULL
);
CREATE INDEX budget_entries_by_budget ON budget_entries (tenant, budget);

-- A new budget adds up the rows that are there. What is being written meanwhile is
-- neither among them nor sees the budget, so that one waits for the other: those
-- who write rows of a tenant share its lock, and the new budget has it alone.
-- +goose StatementBegin
CREATE FUNCTION usage_rows_are_spent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7309453, h) FROM (SELECT DISTINCT hashtext(tenant) AS h FROM added) tenants;
    INSERT INTO budget_entries (tenant, budget, period, amount)
    SELECT b.tenant, b.id, CASE b.period WHEN 'day' THEN a.day WHEN 'month' THEN a.month ELSE 0 END AS span, sum(a.cost)
    FROM added a JOIN budgets b ON b.tenant = a.tenant AND (b.key = '' OR b.key = a.key)
    WHERE a.cost <> 0
    GROUP BY b.tenant, b.id, span;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER usage_rows_are_spent AFTER INSERT ON usage_rows REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION usage_rows_are_spent();

-- +goose StatementBegin
CREATE FUNCTION budgets_come_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7309453, hashtext(NEW.tenant));
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER budgets_come_alone BEFORE INSERT ON budgets FOR EACH ROW EXECUTE FUNCTION budgets_come_alone();

-- Money that a node may spend without asking.
CREATE TABLE budget_leases (
    tenant  TEXT NOT NULL,
    budget  TEXT NOT NULL,
    period  BIGINT NOT NULL,
    node    TEXT NOT NULL,
    amount  BIGINT NOT NULL, -- nano-dollars
    expires BIGINT NOT NULL,
    PRIMARY KEY (tenant, budget, period, node)
);
CREATE INDEX budget_leases_by_node ON budget_leases (node);

-- Thresholds that were reached.
CREATE TABLE budget_alerts (
    tenant    TEXT NOT NULL,
    budget    TEXT NOT NULL,
    period    BIGINT NOT NULL,
    threshold BIGINT NOT NULL, -- in percent
    spent     BIGINT NOT NULL, -- when it was noticed
    reached   BIGINT NOT NULL,
    due       BIGINT NOT NULL, -- when the webhook is told, or told again; 0: nobody is left to be told
    tries     BIGINT NOT NULL,
    PRIMARY KEY (tenant, budget, period, threshold)
);
CREATE INDEX budget_alerts_due ON budget_alerts (due) WHERE due > 0;

-- +goose StatementBegin
DO $$
DECLARE name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['budgets', 'budget_spending', 'budget_entries', 'budget_leases', 'budget_alerts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %I USING (tenant = nullif(current_setting(''parley.tenant'', true), ''''))', name);
        EXECUTE format('CREATE POLICY operator ON %I USING (current_setting(''parley.scope'', true) = ''operator'')', name);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down

DROP TRIGGER usage_rows_are_spent ON usage_rows;
DROP FUNCTION usage_rows_are_spent();
DROP TABLE budget_alerts;
DROP TABLE budget_leases;
DROP TABLE budget_entries;
DROP TABLE budget_spending;
DROP TABLE budgets_version;
DROP TABLE budgets;
DROP FUNCTION budgets_come_alone();
