-- Keys of programs. The same tables, columns and constraint names as on SQLite.

-- One row. Whoever changes a key changes it first, and holds it until the commit: so positions become visible in their order,
-- and a replica that follows them passes over none.
CREATE TABLE api_key_head (
    id       BIGINT NOT NULL PRIMARY KEY CONSTRAINT api_key_head_one CHECK (id = 1),
    position BIGINT NOT NULL
);
INSERT INTO api_key_head (id, position) VALUES (1, 0);

CREATE TABLE api_key (
    id             UUID        NOT NULL PRIMARY KEY,
    name           TEXT        NOT NULL,
    owner_id       UUID        NOT NULL,
    -- A list of texts, as JSON.
    scopes         JSONB       NOT NULL,
    -- SHA-256 of the secret, which is 256 random bits.
    secret_hash    BYTEA       NOT NULL,
    -- That of the secret before, and until when it is good.
    previous_hash  BYTEA,
    previous_until TIMESTAMPTZ,
    created_at     TIMESTAMPTZ NOT NULL,
    created_by     UUID        NOT NULL,
    expires_at     TIMESTAMPTZ,
    rotated_at     TIMESTAMPTZ,
    revoked_at     TIMESTAMPTZ,
    revoked_by     UUID,
    last_used_at   TIMESTAMPTZ,
    -- The position of the last change that replicas have to hear of.
    changed        BIGINT      NOT NULL,
    CONSTRAINT api_key_previous_check CHECK ((previous_hash IS NULL) = (previous_until IS NULL)),
    CONSTRAINT api_key_revoked_check CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX api_key_changed_key ON api_key (changed);
CREATE INDEX api_key_created_at_idx ON api_key (created_at, id);
CREATE INDEX api_key_owner_id_idx ON api_key (owner_id, created_at, id);
