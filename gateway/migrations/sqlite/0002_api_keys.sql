-- Keys of programs. The same tables, columns and constraint names as on PostgreSQL.

-- One row. Whoever changes a key changes it first, and holds it until the commit: so positions become visible in their order,
-- and a replica that follows them passes over none.
CREATE TABLE api_key_head (
    id       INTEGER NOT NULL PRIMARY KEY CONSTRAINT api_key_head_one CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO api_key_head (id, position) VALUES (1, 0);

CREATE TABLE api_key (
    id             BLOB    NOT NULL PRIMARY KEY,
    name           TEXT    NOT NULL,
    owner_id       BLOB    NOT NULL,
    -- A list of texts, as JSON.
    scopes         TEXT    NOT NULL,
    -- SHA-256 of the secret, which is 256 random bits.
    secret_hash    BLOB    NOT NULL,
    -- That of the secret before, and until when it is good.
    previous_hash  BLOB,
    previous_until INTEGER,
    created_at     INTEGER NOT NULL,
    created_by     BLOB    NOT NULL,
    expires_at     INTEGER,
    rotated_at     INTEGER,
    revoked_at     INTEGER,
    revoked_by     BLOB,
    last_used_at   INTEGER,
    -- The position of the last change that replicas have to hear of.
    changed        INTEGER NOT NULL,
    CONSTRAINT api_key_previous_check CHECK ((previous_hash IS NULL) = (previous_until IS NULL)),
    CONSTRAINT api_key_revoked_check CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX api_key_changed_key ON api_key (changed);
CREATE INDEX api_key_created_at_idx ON api_key (created_at, id);
CREATE INDEX api_key_owner_id_idx ON api_key (owner_id, created_at, id);
