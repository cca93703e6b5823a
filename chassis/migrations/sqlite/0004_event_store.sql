-- One row a stream. Whoever appends changes it first: so appends to one stream wait for each other, the loser of two
-- sees that the version is another, and on PostgreSQL a transaction has its number before it takes positions.
CREATE TABLE event_stream (
    stream TEXT PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- The events, in one order over all streams. `data` is the JSON text as it was written; nothing looks into it.
CREATE TABLE event_store (
    position INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    kind_version INTEGER NOT NULL,
    data TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX event_store_stream_version_key ON event_store (stream, version);

-- The state of an aggregate after `version`; `shape` is the version of the state's type.
CREATE TABLE event_snapshot (
    stream TEXT NOT NULL,
    shape INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (stream, shape)
) STRICT;

-- Who works on a projection. The fence grows with each owner; a transaction of an earlier one changes nothing.
CREATE TABLE projection (
    name TEXT PRIMARY KEY NOT NULL,
    owner BLOB,
    fence INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER NOT NULL
) STRICT;

-- How far a projection is. A rebuild is a second generation beside the live one, until it takes its place.
CREATE TABLE projection_generation (
    name TEXT NOT NULL REFERENCES projection (name),
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CONSTRAINT projection_generation_state_known CHECK (state IN ('live', 'building', 'retired')),
    position INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    retry_at INTEGER,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (name, generation)
) STRICT;

CREATE UNIQUE INDEX projection_generation_name_live_key ON projection_generation (name) WHERE state = 'live';

CREATE UNIQUE INDEX projection_generation_name_building_key ON projection_generation (name) WHERE state = 'building';
