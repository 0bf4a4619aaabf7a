-- +goose Up

-- A turn that goes on although nobody waits for it is taken up by the next owner of its
-- conversation: on which terms, until when, and how many had it before.
ALTER TABLE turns ADD COLUMN terms TEXT NOT NULL DEFAULT ''; -- JSON; empty for any other turn, and once it has ended
ALTER TABLE turns ADD COLUMN until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN owners BIGINT NOT NULL DEFAULT 1;

-- +goose Down

ALTER TABLE turns DROP COLUMN owners;
ALTER TABLE turns DROP COLUMN until;
ALTER TABLE turns DROP COLUMN terms;
