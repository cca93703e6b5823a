-- The live channel. The same tables, columns and constraint names as on SQLite.

-- One row. Whoever adds messages changes it first, and holds it until the commit: so positions become visible in their order,
-- and none is passed over. `epoch` tells this history from that of another database.
CREATE TABLE live_head (
    id       BIGINT NOT NULL PRIMARY KEY CONSTRAINT live_head_one CHECK (id = 1),
    epoch    TEXT NOT NULL,
    position BIGINT NOT NULL,
    -- Messages up to here are not kept any more.
    swept    BIGINT NOT NULL
) WITH (fillfactor = 10);
INSERT INTO live_head (id, epoch, position, swept) VALUES (1, left(replace(gen_random_uuid()::text, '-', ''), 8), 0, 0);

-- What connected clients are told, for as long as who was away may ask for it.
CREATE TABLE live_message (
    position          BIGINT NOT NULL PRIMARY KEY,
    topic             TEXT NOT NULL,
    -- The thing that it is about.
    resource          UUID NOT NULL,
    kind              TEXT NOT NULL,
    -- Who may read it: this person, and those who have at least this role in this organisation.
    user_id           UUID,
    organization_id   UUID,
    organization_role TEXT,
    data              TEXT NOT NULL,
    -- When it happened, and when it came here.
    at                TIMESTAMPTZ NOT NULL,
    told_at           TIMESTAMPTZ NOT NULL,
    CONSTRAINT live_message_role_check CHECK ((organization_id IS NULL) = (organization_role IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX live_message_user_id_idx ON live_message (user_id, position);
CREATE INDEX live_message_organization_id_idx ON live_message (organization_id, position);
CREATE INDEX live_message_resource_idx ON live_message (resource, position);
