-- +goose Up

-- Who changed what, when and from where. Entries are added, never changed and
-- never removed: the triggers see to that, whoever asks.
CREATE TABLE audit_log (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    created      INTEGER NOT NULL,
    actor_kind   TEXT NOT NULL,
    actor        TEXT NOT NULL,
    address      TEXT NOT NULL,
    request      TEXT NOT NULL,
    action       TEXT NOT NULL,
    object       TEXT NOT NULL,
    tenant       TEXT NOT NULL, -- empty for what is nobody's
    state_before TEXT NOT NULL, -- JSON, empty for nothing; as the one below
    state_after  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_by_tenant ON audit_log (tenant, id);
-- +goose StatementBegin
CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_is_not_removed BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- INSERT OR REPLACE removes without asking the trigger above.
-- +goose StatementBegin
CREATE TRIGGER audit_log_is_not_replaced BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd

-- +goose Down

DROP TABLE audit_log;
