-- Profiles: what people say of themselves, and who may see it. The same tables and columns as on SQLite.

CREATE TABLE profiles (
    user_id       UUID        NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    bio           TEXT,
    location      TEXT,
    -- The location in lower case: what a search by its beginning reads, where it is shown.
    location_key  TEXT        COLLATE "C",
    website       TEXT,
    locale        TEXT,
    time_zone     TEXT,
    is_public     BOOLEAN     NOT NULL,
    show_email    BOOLEAN     NOT NULL,
    show_location BOOLEAN     NOT NULL,
    -- Which picture is the current one; none when unset.
    avatar_tag    TEXT,
    version       BIGINT      NOT NULL CONSTRAINT profiles_version_check CHECK (version >= 1),
    updated_at    TIMESTAMPTZ NOT NULL
);
CREATE INDEX profiles_location_key_idx ON profiles (location_key) WHERE is_public AND show_location;

CREATE TABLE avatars (
    user_id UUID  NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- A JPEG that this service made.
    image   BYTEA NOT NULL,
    tag     TEXT  NOT NULL
);
