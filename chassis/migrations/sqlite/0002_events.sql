-- Who does what only one may do at a time. `fence` grows each time a lease changes hands.
CREATE TABLE lease (
    family TEXT NOT NULL,
    name TEXT NOT NULL,
    owner BLOB,
    fence INTEGER NOT NULL DEFAULT 0,
    held_until INTEGER NOT NULL,
    PRIMARY KEY (family, name)
) STRICT;

-- Who is alive and wants a share of a family's leases.
CREATE TABLE lease_member (
    family TEXT NOT NULL,
    owner BLOB NOT NULL,
    alive_until INTEGER NOT NULL,
    PRIMARY KEY (family, owner)
) STRICT;

-- Events that a transaction published and that the bus has not confirmed yet. Numbers are never given twice: a relay that
-- was slow deletes what it has published and nothing else.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shard INTEGER NOT NULL,
    topic TEXT NOT NULL,
    event_key TEXT NOT NULL,
    event_id BLOB NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Events that were received: to be handled, handled (kept as the mark "seen"), or given up. `due_at` is also the lease.
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    handler TEXT NOT NULL,
    event_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    event_key TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL CONSTRAINT inbox_status_known CHECK (status IN ('pending', 'done', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    cause TEXT,
    failures TEXT NOT NULL DEFAULT '[]',
    due_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE UNIQUE INDEX inbox_handler_event_id_key ON inbox (handler, event_id);

CREATE INDEX inbox_pending ON inbox (handler, seq) WHERE status = 'pending';

CREATE INDEX inbox_pending_key ON inbox (handler, event_key, seq) WHERE status = 'pending';

CREATE INDEX inbox_done ON inbox (ended_at) WHERE status = 'done';

CREATE INDEX inbox_dead ON inbox (ended_at, seq) WHERE status = 'dead';

-- How far each subscription has received each partition of its topic.
CREATE TABLE inbox_position (
    handler TEXT NOT NULL,
    part INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (handler, part)
) STRICT;

-- What a person did to events and sagas, and why.
CREATE TABLE operator_log (
    id BLOB PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX operator_log_subject ON operator_log (subject, at);
