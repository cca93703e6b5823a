-- The live channel. The same tables, columns and constraint names as on PostgreSQL.

-- One row. Whoever adds messages changes it first, and holds it until the commit: so positions become visible in their order,
-- and none is passed over. `epoch` tells this history from that of another database.
CREATE TABLE live_head (
    id       INTEGER NOT NULL PRIMARY KEY CONSTRAINT live_head_one CHECK (id = 1),
    epoch    TEXT NOT NULL,
    position INTEGER NOT NULL,
    -- Messages up to here are not kept any more.
    swept    INTEGER NOT NULL
) STRICT;
INSERT INTO live_head (id, epoch, position, swept) VALUES (1, lower(hex(randomblob(4))), 0, 0);

-- What connected clients are told, for as long as who was away may ask for it.
CREATE TABLE live_message (
    position          INTEGER NOT NULL PRIMARY KEY,
    topic             TEXT NOT NULL,
    -- The thing that it is about.
    resource          BLOB NOT NULL,
    kind              TEXT NOT NULL,
    -- Who may read it: this person, and those who have at least this role in this organisation.
    user_id           BLOB,
    organization_id   BLOB,
    organization_role TEXT,
    data              TEXT NOT NULL,
    -- When it happened, and when it came here.
    at                INTEGER NOT NULL,
    told_at           INTEGER NOT NULL,
    CONSTRAINT live_message_role_check CHECK ((organization_id IS NULL) = (organization_role IS NULL))
) STRICT;
CREATE INDEX live_message_user_id_idx ON live_message (user_id, position);
CREATE INDEX live_message_organization_id_idx ON live_message (organization_id, position);
CREATE INDEX live_message_resource_idx ON live_message (resource, position);
