-- Sagas. `due_at` is also the lease: whoever takes one moves it to where another may take it. `fence` grows each time a saga
-- changes hands and `moves` with each change, so that whoever comes late changes nothing.
CREATE TABLE saga (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    plan TEXT NOT NULL,
    state TEXT NOT NULL CONSTRAINT saga_state_known CHECK (state IN ('running', 'compensating', 'done', 'compensated', 'stuck')),
    back INTEGER NOT NULL DEFAULT 0,
    step TEXT NOT NULL,
    done TEXT NOT NULL DEFAULT '',
    unsure INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    params TEXT NOT NULL,
    memory TEXT NOT NULL,
    failure TEXT,
    stuck_reason TEXT,
    last_error TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    moves INTEGER NOT NULL DEFAULT 0,
    nudged INTEGER NOT NULL DEFAULT 0,
    owner BLOB,
    due_at INTEGER NOT NULL,
    deadline_at INTEGER,
    traceparent TEXT,
    correlation_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX saga_due ON saga (name, version, due_at) WHERE state IN ('running', 'compensating');

CREATE INDEX saga_stuck ON saga (updated_at, id) WHERE state = 'stuck';

CREATE INDEX saga_ended ON saga (updated_at, id) WHERE state IN ('done', 'compensated');

-- What was tried, and how it went.
CREATE TABLE saga_step (
    saga_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    step TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    error TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (saga_id, seq)
) STRICT, WITHOUT ROWID;
