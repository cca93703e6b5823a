-- Todos. The same tables, columns and constraint names as on SQLite. Texts that are sorted by are COLLATE "C": the same order.

-- One row for each person who has todos. Who changes any of a person's holds it first, so their changes are one after the other.
CREATE TABLE todo_owner (
    owner_id  UUID   NOT NULL PRIMARY KEY,
    -- How often the places of all their todos were given anew.
    numbering BIGINT NOT NULL
);

CREATE TABLE todo_list (
    id         UUID        NOT NULL PRIMARY KEY,
    owner_id   UUID        NOT NULL,
    name       TEXT        NOT NULL,
    version    BIGINT      NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX todo_list_owner_id_idx ON todo_list (owner_id, created_at, id);
-- What the todos refer to: a list together with whose it is.
CREATE UNIQUE INDEX todo_list_id_owner_id_key ON todo_list (id, owner_id);

CREATE TABLE todo (
    id           UUID        NOT NULL PRIMARY KEY,
    owner_id     UUID        NOT NULL,
    list_id      UUID,
    title        TEXT        NOT NULL,
    -- The title as it is sorted and searched by.
    title_key    TEXT        COLLATE "C" NOT NULL,
    notes        TEXT,
    -- A list of texts.
    tags         JSONB       NOT NULL,
    due_at       TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    -- Its place among the owner's: bytes that are compared from the left.
    rank         BYTEA       NOT NULL,
    version      BIGINT      NOT NULL CONSTRAINT todo_version_check CHECK (version >= 1),
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    -- Since when it is in the bin.
    deleted_at   TIMESTAMPTZ,
    -- No todo stands in another's list.
    CONSTRAINT todo_list_id_fkey FOREIGN KEY (list_id, owner_id) REFERENCES todo_list (id, owner_id)
);
-- No two of a person's have one place.
CREATE UNIQUE INDEX todo_owner_id_rank_key ON todo (owner_id, rank);
CREATE INDEX todo_owner_id_created_at_idx ON todo (owner_id, created_at, id);
CREATE INDEX todo_owner_id_updated_at_idx ON todo (owner_id, updated_at, id);
CREATE INDEX todo_list_id_idx ON todo (list_id, owner_id);
CREATE INDEX todo_deleted_at_idx ON todo (deleted_at) WHERE deleted_at IS NOT NULL;
