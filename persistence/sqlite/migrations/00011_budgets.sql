-- +goose Up

CREATE TABLE budgets (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    key        TEXT NOT NULL,    -- empty: of the whole tenant
    period     TEXT NOT NULL,    -- day, month or total
    bound      INTEGER NOT NULL, -- nano-dollars
    hard       INTEGER NOT NULL,
    thresholds TEXT NOT NULL,    -- JSON, in percent
    webhook    TEXT NOT NULL,
    secret     TEXT NOT NULL,    -- what the webhook's calls are signed with
    created    INTEGER NOT NULL,
    short      INTEGER NOT NULL DEFAULT 0, -- until when nodes give back what they do not use
    UNIQUE (tenant, key, period)
) STRICT;
CREATE INDEX budgets_short ON budgets (short) WHERE short > 0;

-- One row: raised by every change of a budget.
CREATE TABLE budgets_version (version INTEGER NOT NULL) STRICT;
INSERT INTO budgets_version VALUES (1);

-- What the ledger's rows of a period came to, but for what entries add. The period
-- is 20260131, 202601 or 0.
CREATE TABLE budget_spending (
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    period INTEGER NOT NULL,
    spent  INTEGER NOT NULL, -- nano-dollars
    PRIMARY KEY (tenant, budget, period)
) STRICT, WITHOUT ROWID;

-- Spending that nobody has added up yet. It is written by whoever writes a usage
-- row, in the same transaction, and is in nobody's way.
CREATE TABLE budget_entries (
    id     INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    period INTEGER NOT NULL,
    amount INTEGER NOT NULL
) STRICT;
CREATE INDEX budget_entries_by_budget ON budget_entries (tenant, budget);

-- +goose StatementBegin
CREATE TRIGGER usage_rows_are_spent AFTER INSERT ON usage_rows WHEN NEW.cost <> 0 BEGIN
    INSERT INTO budget_entries (tenant, budget, period, amount)
    SELECT tenant, id, CASE period WHEN 'day' THEN NEW.day WHEN 'month' THEN NEW.month ELSE 0 END, NEW.cost
    FROM budgets WHERE tenant = NEW.tenant AND (key = '' OR key = NEW.key);
END;
-- +goose StatementEnd

-- Money that a node may spend without asking.
CREATE TABLE budget_leases (
    tenant  TEXT NOT NULL,
    budget  TEXT NOT NULL,
    period  INTEGER NOT NULL,
    node    TEXT NOT NULL,
    amount  INTEGER NOT NULL, -- nano-dollars
    expires INTEGER NOT NULL,
    PRIMARY KEY (tenant, budget, period, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX budget_leases_by_node ON budget_leases (node);

-- Thresholds that were reached.
CREATE TABLE budget_alerts (
    tenant    TEXT NOT NULL,
    budget    TEXT NOT NULL,
    period    INTEGER NOT NULL,
    threshold INTEGER NOT NULL, -- in percent
    spent     INTEGER NOT NULL, -- when it was noticed
    reached   INTEGER NOT NULL,
    due       INTEGER NOT NULL, -- when the webhook is told, or told again; 0: nobody is left to be told
    tries     INTEGER NOT NULL,
    PRIMARY KEY (tenant, budget, period, threshold)
) STRICT, WITHOUT ROWID;
CREATE INDEX budget_alerts_due ON budget_alerts (due) WHERE due > 0;

-- +goose Down

DROP TRIGGER usage_rows_are_spent;
DROP TABLE budget_alerts;
DROP TABLE budget_leases;
DROP TABLE budget_entries;
DROP TABLE budget_spending;
DROP TABLE budgets_version;
DROP TABLE budgets;
