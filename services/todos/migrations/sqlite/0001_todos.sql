-- Todos. The same tables, columns and constraint names as on PostgreSQL.

-- One row for each person who has todos. Who changes any of a person's holds it first, so their changes are one after the other.
CREATE TABLE todo_owner (
    owner_id  BLOB    NOT NULL PRIMARY KEY,
    -- How often the places of all their todos were given anew.
    numbering INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE todo_list (
    id         BLOB    NOT NULL PRIMARY KEY,
    owner_id   BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX todo_list_owner_id_idx ON todo_list (owner_id, created_at, id);
-- What the todos refer to: a list together with whose it is.
CREATE UNIQUE INDEX todo_list_id_owner_id_key ON todo_list (id, owner_id);

CREATE TABLE todo (
    id           BLOB    NOT NULL PRIMARY KEY,
    owner_id     BLOB    NOT NULL,
    list_id      BLOB,
    title        TEXT    NOT NULL,
    -- The title as it is sorted and searched by.
    title_key    TEXT    NOT NULL,
    notes        TEXT,
    -- A list of texts.
    tags         TEXT    NOT NULL,
    due_at       INTEGER,
    completed_at INTEGER,
    -- Its place among the owner's: bytes that are compared from the left.
    rank         BLOB    NOT NULL,
    version      INTEGER NOT NULL CONSTRAINT todo_version_check CHECK (version >= 1),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- Since when it is in the bin.
    deleted_at   INTEGER,
    -- No todo stands in another's list.
    CONSTRAINT todo_list_id_fkey FOREIGN KEY (list_id, owner_id) REFERENCES todo_list (id, owner_id)
) STRICT;
-- No two of a person's have one place.
CREATE UNIQUE INDEX todo_owner_id_rank_key ON todo (owner_id, rank);
CREATE INDEX todo_owner_id_created_at_idx ON todo (owner_id, created_at, id);
CREATE INDEX todo_owner_id_updated_at_idx ON todo (owner_id, updated_at, id);
CREATE INDEX todo_list_id_idx ON todo (list_id, owner_id);
CREATE INDEX todo_deleted_at_idx ON todo (deleted_at) WHERE deleted_at IS NOT NULL;
