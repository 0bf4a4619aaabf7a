-- +goose Up

-- Who changed what, when and from where. Entries are added, never changed and
-- never removed: the role has no right to, no policy lets it, and the triggers
-- refuse it to whoever has more rights.
CREATE TABLE audit_log (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created      BIGINT NOT NULL,
    actor_kind   TEXT NOT NULL,
    actor        TEXT NOT NULL,
    address      TEXT NOT NULL,
    request      TEXT NOT NULL,
    action       TEXT NOT NULL,
    object       TEXT NOT NULL,
    tenant       TEXT NOT NULL, -- empty for what is nobody's
    state_before TEXT NOT NULL, -- JSON, empty for nothing; as the one below
    state_after  TEXT NOT NULL
);
CREATE INDEX audit_log_by_tenant ON audit_log (tenant, id);

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY operator_reads ON audit_log FOR SELECT USING (current_setting('parley.scope', true) = 'operator');
CREATE POLICY operator_adds ON audit_log FOR INSERT WITH CHECK (current_setting('parley.scope', true) = 'operator');
REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM CURRENT_USER;

-- +goose StatementBegin
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

-- +goose Down

DROP TABLE audit_log;
DROP FUNCTION audit_log_is_append_only();
