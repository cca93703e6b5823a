-- Identity. Ids are UUIDs in 16 bytes, times are microseconds since 1970 in UTC, JSON is text.

CREATE TABLE users (
    id                BLOB    NOT NULL PRIMARY KEY,
    email             TEXT    NOT NULL,
    email_verified_at INTEGER,
    password_hash     TEXT    NOT NULL,
    display_name      TEXT,
    -- The display name in lower case: what a search by its beginning reads.
    name_key          TEXT,
    status            TEXT    NOT NULL CONSTRAINT users_status_check CHECK (status IN ('active', 'disabled')),
    -- Version of the account's rights; a token of an older one is revoked.
    version           INTEGER NOT NULL,
    last_login_at     INTEGER,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_email_key ON users (email);
CREATE INDEX users_name_key_idx ON users (name_key);
CREATE INDEX users_status_idx ON users (status, created_at, id);
CREATE INDEX users_created_at_idx ON users (created_at, id);

CREATE TABLE user_roles (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role    TEXT NOT NULL CONSTRAINT user_roles_role_check CHECK (role IN ('user', 'vendor', 'moderator', 'admin')),
    PRIMARY KEY (user_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_roles_role_idx ON user_roles (role, user_id);

CREATE TABLE sessions (
    id           BLOB    NOT NULL PRIMARY KEY,
    user_id      BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device       TEXT    NOT NULL,
    ip           TEXT,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    -- Ends then, used or not.
    ends_at      INTEGER NOT NULL,
    -- Ends then unless it is used before; never later than ends_at.
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT;
CREATE INDEX sessions_user_id_idx ON sessions (user_id, last_used_at);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash        BLOB    NOT NULL PRIMARY KEY,
    session_id  BLOB    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at  INTEGER NOT NULL,
    replaced_at INTEGER,
    -- The next token, sealed under a key that only this token's plaintext gives.
    successor   BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);

CREATE TABLE signing_keys (
    kid            TEXT    NOT NULL PRIMARY KEY,
    -- PKCS#8, sealed with the master key.
    private_key    BLOB    NOT NULL,
    public_key     BLOB    NOT NULL,
    created_at     INTEGER NOT NULL,
    signs_from     INTEGER NOT NULL,
    -- Unset until a younger key takes over.
    verifies_until INTEGER
) STRICT;

CREATE TABLE revocations (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id BLOB,
    user_id    BLOB,
    -- The oldest version of the user's rights that still holds.
    version    INTEGER,
    -- Every token that it could concern has expired by then.
    until      INTEGER NOT NULL,
    CONSTRAINT revocations_subject_check CHECK ((session_id IS NULL) <> (user_id IS NULL)),
    CONSTRAINT revocations_version_check CHECK ((user_id IS NULL) = (version IS NULL))
) STRICT;
CREATE INDEX revocations_until_idx ON revocations (until);

CREATE TABLE login_failures (
    -- SHA-256 of what failed, an address on the network or of an account: nobody's typing error is kept in clear.
    subject      BLOB    NOT NULL PRIMARY KEY,
    failures     INTEGER NOT NULL,
    failed_at    INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_failures_failed_at_idx ON login_failures (failed_at);

CREATE TABLE one_time_tokens (
    hash       BLOB    NOT NULL PRIMARY KEY,
    purpose    TEXT    NOT NULL CONSTRAINT one_time_tokens_purpose_check CHECK (purpose IN ('verify_email', 'reset_password')),
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_tokens_user_id_idx ON one_time_tokens (user_id, purpose, created_at);
CREATE INDEX one_time_tokens_expires_at_idx ON one_time_tokens (expires_at);

-- Requests for a link to set a new password. Writing one costs the same whether there is such an account or not; a
-- worker looks the account up afterwards.
CREATE TABLE password_reset_requests (
    email          TEXT    NOT NULL PRIMARY KEY,
    ip             TEXT,
    correlation_id TEXT,
    requested_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX password_reset_requests_requested_at_idx ON password_reset_requests (requested_at);

CREATE TABLE organizations (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    slug       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX organizations_slug_key ON organizations (slug);
CREATE INDEX organizations_created_at_idx ON organizations (created_at, id);

CREATE TABLE memberships (
    organization_id BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id         BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role            TEXT    NOT NULL CONSTRAINT memberships_role_check CHECK (role IN ('member', 'moderator', 'admin', 'owner')),
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_user_id_idx ON memberships (user_id, organization_id);

CREATE TABLE invitations (
    id              BLOB    NOT NULL PRIMARY KEY,
    organization_id BLOB    NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email           TEXT    NOT NULL,
    role            TEXT    NOT NULL CONSTRAINT invitations_role_check CHECK (role IN ('member', 'moderator', 'admin', 'owner')),
    token_hash      BLOB    NOT NULL,
    invited_by      BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX invitations_token_hash_key ON invitations (token_hash);
-- One open invitation an address: the next one replaces it.
CREATE UNIQUE INDEX invitations_organization_id_email_key ON invitations (organization_id, email);
CREATE INDEX invitations_expires_at_idx ON invitations (expires_at);

CREATE TABLE audit_log (
    id              BLOB    NOT NULL PRIMARY KEY,
    at              INTEGER NOT NULL,
    action          TEXT    NOT NULL,
    actor_id        BLOB,
    user_id         BLOB,
    session_id      BLOB,
    organization_id BLOB,
    ip              TEXT,
    correlation_id  TEXT,
    details         TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_log_at_idx ON audit_log (at, id);
CREATE INDEX audit_log_action_idx ON audit_log (action, at, id);
CREATE INDEX audit_log_user_id_idx ON audit_log (user_id, at, id);
