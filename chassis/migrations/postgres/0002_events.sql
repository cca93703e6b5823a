-- Who does what only one may do at a time. `fence` grows each time a lease changes hands.
CREATE TABLE lease (
    family TEXT NOT NULL,
    name TEXT NOT NULL,
    owner UUID,
    fence BIGINT NOT NULL DEFAULT 0,
    held_until TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (family, name)
);

-- Who is alive and wants a share of a family's leases.
CREATE TABLE lease_member (
    family TEXT NOT NULL,
    owner UUID NOT NULL,
    alive_until TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (family, owner)
);

-- Events that a transaction published and that the bus has not confirmed yet. Numbers are never given twice: a relay that
-- was slow deletes what it has published and nothing else. Rows come and go: they are vacuumed by number, not by share.
CREATE TABLE outbox (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard BIGINT NOT NULL,
    topic TEXT NOT NULL,
    event_key TEXT NOT NULL,
    event_id UUID NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Events that were received: to be handled, handled (kept as the mark "seen"), or given up. `due_at` is also the lease.
CREATE TABLE inbox (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    handler TEXT NOT NULL,
    event_id UUID NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    event_key TEXT NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL CONSTRAINT inbox_status_known CHECK (status IN ('pending', 'done', 'dead')),
    attempts BIGINT NOT NULL DEFAULT 0,
    cause TEXT,
    failures JSONB NOT NULL DEFAULT '[]',
    due_at TIMESTAMPTZ NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ
);

CREATE UNIQUE INDEX inbox_handler_event_id_key ON inbox (handler, event_id);

CREATE INDEX inbox_pending ON inbox (handler, seq) WHERE status = 'pending';

CREATE INDEX inbox_pending_key ON inbox (handler, event_key, seq) WHERE status = 'pending';

CREATE INDEX inbox_done ON inbox (ended_at) WHERE status = 'done';

CREATE INDEX inbox_dead ON inbox (ended_at, seq) WHERE status = 'dead';

-- How far each subscription has received each partition of its topic.
CREATE TABLE inbox_position (
    handler TEXT NOT NULL,
    part BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (handler, part)
);

-- What a person did to events and sagas, and why.
CREATE TABLE operator_log (
    id UUID PRIMARY KEY NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail JSONB NOT NULL
);

CREATE INDEX operator_log_subject ON operator_log (subject, at);
